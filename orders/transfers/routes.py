"""HTTP routes of transfers: what the two parties and admins read, and what the orchestrator calls."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Integer
from common.http.auth import ADMIN_ONLY, CurrentUser, require_service
from common.http.calls import RepeatableCall, UndoCall
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
from orders.shared.routes import MoveRoute, add_move_routes
from orders.transfers.schemas import (
    ConfirmTransfer,
    DisputeTransfer,
    EndTransfer,
    OpenTransfer,
    TicketDispute,
    Transfer,
    TransferWithHistory,
    UndoneTransfer,
)
from orders.transfers.service import TransferService
from orders.transfers.status import TransferMove, TransferStatus

__all__ = ["internal", "public"]

Transfers = Annotated[TransferService, provided(TransferService)]
OfStatus = Annotated[TransferStatus | None, Query(description="Only transfers of this status.")]

_LIST_REFUSALS: Final = {400: "VALIDATION_ERROR", 401: NOT_LOGGED_IN}
_OPEN_REFUSALS: Final = {
    400: BAD_INPUT,
    409: "TRANSFER_IN_PROGRESS, LISTING_INVALID_STATE, TRANSFER_INVALID_STATE, REQUEST_UNDONE",
    422: "IDEMPOTENCY_KEY_REUSED",
}
_UNDO_REFUSALS: Final = {400: BAD_INPUT, 409: "TRANSFER_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
_MOVE_REFUSALS: Final = {**_UNDO_REFUSALS, 404: "TRANSFER_NOT_FOUND"}
_UNDONE: Final = {409: "TRANSFER_INVALID_STATE, REQUEST_UNDONE"}

public: Final = APIRouter(prefix="/api", tags=["Transfers"])
internal: Final = APIRouter(
    prefix="/internal/transfers", tags=["Internal: transfers"], dependencies=[Depends(require_service)]
)


@public.get("/transfers", summary="List my transfers", responses=refusals(_LIST_REFUSALS))
async def list_transfers(
    user: CurrentUser, transfers: Transfers, page: CursorPageQuery, status: OfStatus = None
) -> Paginated[Transfer]:
    """The transfers in which the caller is the seller or the buyer, newest first."""
    found = await transfers.page(
        party_user_id=user.user_id, status=status, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(found, page)


@public.get(
    "/transfers/{transfer_id}",
    summary="Show a transfer with its history",
    responses=refusals({400: "INVALID_UUID", 401: NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "TRANSFER_NOT_FOUND"}),
)
async def show_transfer(
    transfer_id: uuid.UUID, user: CurrentUser, transfers: Transfers
) -> Success[TransferWithHistory]:
    """Open to the seller, the buyer and admins."""
    return success(await transfers.show(transfer_id, to=user))


@public.get(
    "/admin/transfers",
    summary="List the transfers of all users",
    dependencies=[ADMIN_ONLY],
    responses=refusals({**_LIST_REFUSALS, 403: "FORBIDDEN"}),
)
async def list_all_transfers(
    transfers: Transfers, page: CursorPageQuery, status: OfStatus = None
) -> Paginated[Transfer]:
    """Newest first; `status=DISPUTED` lists the transfers that wait for an admin."""
    found = await transfers.page(status=status, limit=page.per_page, offset=page.offset, after=page.after)
    return paginated(found, page)


@internal.post("", responses=refusals(_OPEN_REFUSALS))
async def open_transfer(opening: OpenTransfer, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.open(opening))


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def oldest_transfers(
    transfers: Transfers,
    event_id: uuid.UUID,
    status: OfStatus = None,
    limit: Annotated[Integer, Query(ge=1, le=200)] = 200,
) -> Success[list[Transfer]]:
    """The event's transfers, oldest first."""
    return success(await transfers.oldest(event_id, status=status, limit=limit))


@internal.get("/disputed", responses=refusals({400: BAD_INPUT}))
async def find_dispute(transfers: Transfers, seat_id: uuid.UUID, order_id: uuid.UUID) -> Success[TicketDispute]:
    """Whether the ticket, the seat sold with that order, is disputed."""
    return success(await transfers.dispute_of(seat_id=seat_id, order_id=order_id))


@internal.get("/disputed-orders", responses=refusals({400: BAD_INPUT}))
async def disputed_orders(transfers: Transfers, event_id: uuid.UUID) -> Success[list[uuid.UUID]]:
    """The event's orders that have a disputed ticket. Only the previous release of the orchestrator asks this."""
    return success(await transfers.disputed_orders(event_id))


@internal.get("/counts", responses=refusals({400: BAD_INPUT}))
async def count_transfers(transfers: Transfers, event_id: uuid.UUID) -> Success[dict[TransferStatus, int]]:
    """The number of the event's transfers of every status."""
    return success(await transfers.counts(event_id))


@internal.get("/{transfer_id}", responses=refusals({400: "INVALID_UUID", 404: "TRANSFER_NOT_FOUND"}))
async def find_transfer(transfer_id: uuid.UUID, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.find(transfer_id))


@internal.post("/{transfer_id}/end", responses=refusals(_UNDO_REFUSALS))
async def end_transfer(transfer_id: uuid.UUID, ending: EndTransfer, transfers: Transfers) -> Success[UndoneTransfer]:
    """The undo of opening; the transfer may never have been opened."""
    return success(await transfers.end(transfer_id, ending))


@internal.post("/{transfer_id}/confirmations", responses=refusals(_MOVE_REFUSALS))
async def confirm_transfer(
    transfer_id: uuid.UUID, confirmation: ConfirmTransfer, transfers: Transfers
) -> Success[Transfer]:
    """Add the parties to those who have confirmed."""
    return success(await transfers.confirm(transfer_id, confirmation))


@internal.post("/{transfer_id}/begin-owner-change", responses=refusals({**_MOVE_REFUSALS, **_UNDONE}))
async def begin_owner_change(transfer_id: uuid.UUID, call: RepeatableCall, transfers: Transfers) -> Success[Transfer]:
    """Until it is abandoned, no earlier transfer of the ticket can be disputed. Refused if one is."""
    return success(await transfers.begin_owner_change(transfer_id, call))


@internal.post("/{transfer_id}/abandon-owner-change", responses=refusals(_UNDO_REFUSALS))
async def abandon_owner_change(transfer_id: uuid.UUID, undo: UndoCall, transfers: Transfers) -> Success[UndoneTransfer]:
    """The undo of begin-owner-change, which may never have arrived."""
    return success(await transfers.abandon_owner_change(transfer_id, undo))


add_move_routes(
    internal,
    TransferService,
    {
        "complete": MoveRoute(TransferMove.COMPLETE),
        "dispute": MoveRoute(TransferMove.DISPUTE, DisputeTransfer),
        "dismiss": MoveRoute(TransferMove.DISMISS),
        "begin-reversal": MoveRoute(TransferMove.BEGIN_REVERSAL),
        "abandon-reversal": MoveRoute(
            TransferMove.ABANDON_REVERSAL, UndoCall, "The undo of begin-reversal, which may never have arrived."
        ),
        "reverse": MoveRoute(TransferMove.REVERSE),
    },
    key="transfer_id",
    moved=Success[Transfer],
    undone=Success[UndoneTransfer],
    codes=_MOVE_REFUSALS,
)
