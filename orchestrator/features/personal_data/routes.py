"""A user's own data: export, and deletion of the account (W1)."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from common.http.auth import CurrentUser
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from orchestrator.features.personal_data.schemas import AccountDeleted, DeleteAccount, PersonalData
from orchestrator.features.personal_data.service.deletion import DeletionService
from orchestrator.features.personal_data.service.export import ExportService
from orchestrator.http.refusals import COMMON

__all__ = ["router"]

_EXPORT = refusals(COMMON | {404: "USER_NOT_FOUND"})
_DELETE = refusals(
    COMMON | {403: "PASSWORD_INVALID", 404: "USER_NOT_FOUND", 409: "ACCOUNT_IN_USE, REQUEST_IN_PROGRESS"}
)

router = APIRouter(prefix="/users/me", tags=["Accounts"])


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=_EXPORT | {200: {"model": Success[PersonalData]}},
    summary="Export my data",
)
async def export(user: CurrentUser, exports: Annotated[ExportService, provided(ExportService)]) -> StreamingResponse:
    """All that is stored of the caller, as JSON. Five times an hour."""
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store"}
    return StreamingResponse(await exports.export(user.user_id), media_type="application/json", headers=headers)


@router.delete("", responses=_DELETE, summary="Delete my account")
async def delete(
    body: DeleteAccount,
    user: CurrentUser,
    deletions: Annotated[DeletionService, provided(DeletionService)],
) -> Success[AccountDeleted]:
    """Email address, phone, name, password and notifications are deleted, and every session ends. It cannot be undone.

    Refused while something is open; the details name it: `orders` to be paid, `transfers`, `listings`, `purchased_items`,
    `earnings` that are not paid out, `sagas` in progress, `held` or `owed` credits, `payments` for which money may arrive, `roles` of staff; and, unless forfeited, `tickets` of
    events to come and `credits`.
    """
    return success(await deletions.delete(body, user_id=user.user_id))
