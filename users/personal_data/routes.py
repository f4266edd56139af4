"""Routes of personal data, for the orchestrator, which composes exports and checks deletions."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, Success, refusals, success
from users.personal_data.schemas import DeleteAccount, DeletedAccount, Holdings, Section, SectionName
from users.personal_data.service import PersonalDataService

__all__ = ["internal"]

internal: Final = APIRouter(
    prefix="/internal/personal-data", tags=["Internal: personal data"], dependencies=[Depends(require_service)]
)

PersonalData = Annotated[PersonalDataService, provided(PersonalDataService)]


@internal.post(
    "/delete", responses=refusals({400: BAD_INPUT, 403: "PASSWORD_INVALID", 409: "ACCOUNT_IN_USE, REQUEST_IN_PROGRESS"})
)
async def delete_account(body: DeleteAccount, personal_data: PersonalData) -> Success[DeletedAccount]:
    """Delete an account once its owner has given the password again."""
    return success(await personal_data.delete(body))


@internal.post("/{user_id}/export", responses=refusals({404: "USER_NOT_FOUND", 429: "RATE_LIMITED"}))
async def begin_export(user_id: UUID, personal_data: PersonalData) -> Success[dict[str, Any]]:
    """The profile. Counts the export."""
    return success(await personal_data.begin_export(user_id))


@internal.get("/{user_id}/holdings", responses=refusals({404: "USER_NOT_FOUND"}))
async def read_holdings(user_id: UUID, personal_data: PersonalData) -> Success[Holdings]:
    return success(await personal_data.holdings(user_id))


@internal.get("/{user_id}/{section}", responses=refusals({400: BAD_INPUT}))
async def read_section(
    user_id: UUID, section: SectionName, personal_data: PersonalData, after: str | None = None
) -> Success[Section]:
    return success(await personal_data.section(user_id, section, after=after))
