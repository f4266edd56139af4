"""HTTP routes of commissions: what customers and admins read, and what the orchestrator calls."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from common.fields import Instant, Integer, SentText
from common.http.auth import ADMIN_ONLY, CurrentUser, require_service
from common.http.calls import UndoCall
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    CursorPageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from orders.commissions.schemas import (
    AddVersion,
    AwaitPayment,
    BeginPublication,
    Commission,
    Comparison,
    CompleteCommission,
    EndCommission,
    FailCommission,
    MovedCommission,
    Notes,
    OpenCommission,
    PublicCommission,
    PublicVersion,
    ResumeCommission,
    Stats,
    UndoneCommission,
    Version,
)
from orders.commissions.service import CommissionService
from orders.commissions.status import CommissionStatus, CommissionType, ShownStatus
from orders.shared.routes import MoveRoute, add_move_routes

__all__ = ["internal", "public"]

Commissions = Annotated[CommissionService, provided(CommissionService)]
Moved = Success[MovedCommission]
OfStatus = Annotated[ShownStatus | None, Query(description="Only orders of this status.")]
OfType = Annotated[CommissionType | None, Query(alias="type", description="Only orders of this type.")]
OfCustomer = Annotated[uuid.UUID | None, Query(description="Only orders of this customer.")]
VersionNumber = Annotated[Integer, Field(ge=1, le=2_147_483_647)]

_LIST_REFUSALS: Final = {400: BAD_INPUT, 401: NOT_LOGGED_IN}
_READ_REFUSALS: Final = {**_LIST_REFUSALS, 403: "FORBIDDEN", 404: "ORDER_NOT_FOUND, NOT_FOUND"}
_UNDO_REFUSALS: Final = {400: BAD_INPUT, 409: "ORDER_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
_MOVE_REFUSALS: Final = {**_UNDO_REFUSALS, 404: "ORDER_NOT_FOUND"}
_FIND_REFUSALS: Final = {400: BAD_INPUT, 404: "ORDER_NOT_FOUND"}

public: Final = APIRouter(prefix="/api", tags=["Commissions"])
internal: Final = APIRouter(
    prefix="/internal/commissions", tags=["Internal: commissions"], dependencies=[Depends(require_service)]
)


@public.get("/commissions", summary="List my commissions", responses=refusals(_LIST_REFUSALS))
async def list_commissions(
    user: CurrentUser, commissions: Commissions, page: CursorPageQuery, status: OfStatus = None
) -> Paginated[PublicCommission]:
    """What the caller ordered, newest first, ended ones too."""
    found = await commissions.list(
        customer_user_id=user.user_id, status=status, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(found, page)


@public.get(
    "/admin/commissions",
    summary="List all commissions",
    dependencies=[ADMIN_ONLY],
    responses=refusals({**_LIST_REFUSALS, 403: "FORBIDDEN"}),
)
async def list_all_commissions(
    *,
    commissions: Commissions,
    page: CursorPageQuery,
    status: OfStatus = None,
    commission_type: OfType = None,
    customer_user_id: OfCustomer = None,
) -> Paginated[PublicCommission]:
    """Those of all customers, newest first."""
    found = await commissions.list(
        customer_user_id=customer_user_id,
        commission_type=commission_type,
        status=status,
        limit=page.per_page,
        offset=page.offset,
        after=page.after,
    )
    return paginated(found, page)


@public.get(
    "/commissions/{order_id}/versions/{number}",
    summary="Show a version of a text",
    responses=refusals(_READ_REFUSALS),
)
async def show_version(
    order_id: uuid.UUID,
    number: VersionNumber,
    user: CurrentUser,
    commissions: Commissions,
) -> Success[Version | PublicVersion]:
    """Open to its customer and admins; the cost is shown to admins."""
    return success(await commissions.show_version(order_id, number, to=user))


@public.get(
    "/commissions/{order_id}/compare",
    summary="Compare two versions of a text side by side",
    responses=refusals(_READ_REFUSALS),
)
async def compare_versions(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    commissions: Commissions,
    from_number: Annotated[VersionNumber | None, Query(alias="from", description="By default the one before.")] = None,
    to_number: Annotated[VersionNumber | None, Query(alias="to", description="By default the current one.")] = None,
) -> Success[Comparison]:
    """Both texts, and their differences sentence by sentence. Open to its customer and admins; the cost is shown to admins."""
    return success(await commissions.compare(order_id, from_number=from_number, to_number=to_number, to=user))


@internal.post(
    "",
    responses=refusals({400: BAD_INPUT, 409: "ORDER_INVALID_STATE, REQUEST_UNDONE", 422: "IDEMPOTENCY_KEY_REUSED"}),
)
async def open_commission(opening: OpenCommission, commissions: Commissions) -> Moved:
    return success(await commissions.open(opening))


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def list_stalled(
    *,
    commissions: Commissions,
    status: CommissionStatus,
    before: Instant,
    limit: Annotated[Integer, Query(ge=1, le=1_000)] = 100,
    after: uuid.UUID | None = None,
) -> Success[list[Commission]]:
    """The orders that have had a status since before a time, by id, without versions."""
    return success(await commissions.stalled(status, before=before, after=after, limit=limit))


@internal.get("/stats")
async def show_stats(commissions: Commissions) -> Success[Stats]:
    return success(await commissions.stats())


@internal.get("/by-checkout/{session_id}", responses=refusals(_FIND_REFUSALS))
async def find_by_checkout(session_id: SentText, commissions: Commissions) -> Success[Commission]:
    return success(await commissions.find_by_checkout(session_id))


@internal.get("/{order_id}", responses=refusals(_FIND_REFUSALS))
async def find_commission(order_id: uuid.UUID, commissions: Commissions) -> Success[Commission]:
    return success(await commissions.find(order_id))


@internal.post("/{order_id}/resume", responses=refusals({**_FIND_REFUSALS, 409: "ORDER_INVALID_STATE"}))
async def resume_commission(
    order_id: uuid.UUID, body: ResumeCommission, commissions: Commissions
) -> Success[Commission]:
    """The order as its job needs it; if it had failed in this round, it is PROCESSING again."""
    return success(await commissions.resume(order_id, round_number=body.round))


add_move_routes(
    internal,
    CommissionService,
    {
        "end": MoveRoute("end", EndCommission, "The undo of opening; the order may never have been opened."),
        "await-payment": MoveRoute("await-payment", AwaitPayment),
        "accept": MoveRoute("accept"),
        "revise": MoveRoute("revise", Notes),
        "retry": MoveRoute("retry"),
        "versions": MoveRoute("versions", AddVersion),
        "fail": MoveRoute("fail", FailCommission),
        "submit": MoveRoute("submit"),
        "send-back": MoveRoute("send-back", Notes),
        "begin-publication": MoveRoute("begin-publication", BeginPublication),
        "abandon-publication": MoveRoute(
            "abandon-publication", UndoCall, "The undo of begin-publication, which may never have arrived."
        ),
        "complete": MoveRoute("complete", CompleteCommission),
    },
    key="order_id",
    moved=Moved,
    undone=Success[UndoneCommission],
    codes=_MOVE_REFUSALS,
)
