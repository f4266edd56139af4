"""Routes of personal data, for the orchestrator."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends

from common.errors import InvalidRequest
from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, Success, refusals, success
from common.pages import Cursor
from events.personal_data.schemas import Section, SectionName
from events.personal_data.service import PersonalDataService

__all__ = ["internal"]

internal: Final = APIRouter(
    prefix="/internal/personal-data", tags=["Internal: personal data"], dependencies=[Depends(require_service)]
)

PersonalData = Annotated[PersonalDataService, provided(PersonalDataService)]


@internal.post("/{user_id}/erase", responses=refusals({400: BAD_INPUT}))
async def erase(user_id: uuid.UUID, personal_data: PersonalData) -> Success[None]:
    """The user's account was deleted. A repeated call changes nothing."""
    await personal_data.erase(user_id)
    return success(None)


@internal.get("/{user_id}/{section}", responses=refusals({400: BAD_INPUT}))
async def read_section(
    user_id: uuid.UUID, section: SectionName, personal_data: PersonalData, after: str | None = None
) -> Success[Section]:
    try:
        cursor = None if after is None else Cursor.parse(after)
    except ValueError as error:
        raise InvalidRequest from error
    return success(await personal_data.section(user_id, section, after=cursor))
