"""HTTP at the edge of transfers: what the two people and admins may read, and what the orchestrator does."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from common.auth.principal import Role
from common.http.auth import CurrentUser, require_role, require_service
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from orders.shared.schemas import Requested, Undo
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


async def _service(request: Request) -> TransferService:
    service: TransferService = request.app.state.transfers
    return service


Transfers = Annotated[TransferService, Depends(_service)]
OfStatus = Annotated[TransferStatus | None, Query(description="Only transfers of this status.")]

_BAD_INPUT: Final = "VALIDATION_ERROR, INVALID_UUID"
_NOT_LOGGED_IN: Final = "UNAUTHORIZED, TOKEN_EXPIRED"
_LIST_REFUSALS: Final = {400: "VALIDATION_ERROR", 401: _NOT_LOGGED_IN}
_OPEN_REFUSALS: Final = {
    400: _BAD_INPUT,
    409: "TRANSFER_IN_PROGRESS, LISTING_INVALID_STATE, TRANSFER_INVALID_STATE, REQUEST_UNDONE",
    422: "IDEMPOTENCY_KEY_REUSED",
}
_UNDO_REFUSALS: Final = {400: _BAD_INPUT, 409: "TRANSFER_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
_MOVE_REFUSALS: Final = {**_UNDO_REFUSALS, 404: "TRANSFER_NOT_FOUND"}

public: Final = APIRouter(prefix="/api", tags=["Transfers"])
internal: Final = APIRouter(
    prefix="/internal/transfers", tags=["Internal: transfers"], dependencies=[Depends(require_service)]
)


@public.get("/transfers", summary="List my transfers", responses=refusals(_LIST_REFUSALS))
async def list_transfers(
    user: CurrentUser, transfers: Transfers, page: PageQuery, status: OfStatus = None
) -> Paginated[Transfer]:
    """Those one gives or gets, newest first."""
    items, total = await transfers.list_of(user, status=status, limit=page.per_page, offset=page.offset)
    return paginated(items, page=page, total=total)


@public.get(
    "/transfers/{transfer_id}",
    summary="Show a transfer with its history",
    responses=refusals({400: "INVALID_UUID", 401: _NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "TRANSFER_NOT_FOUND"}),
)
async def show_transfer(
    transfer_id: uuid.UUID, user: CurrentUser, transfers: Transfers
) -> Success[TransferWithHistory]:
    """To its seller, its buyer, or an admin."""
    return success(await transfers.show(transfer_id, to=user))


@public.get(
    "/admin/transfers",
    summary="List everybody's transfers",
    dependencies=[Depends(require_role(Role.ADMIN))],
    responses=refusals({**_LIST_REFUSALS, 403: "FORBIDDEN"}),
)
async def list_all_transfers(transfers: Transfers, page: PageQuery, status: OfStatus = None) -> Paginated[Transfer]:
    """Newest first; `status=DISPUTED` is what waits for an admin."""
    items, total = await transfers.list_all(status=status, limit=page.per_page, offset=page.offset)
    return paginated(items, page=page, total=total)


@internal.post("", responses=refusals(_OPEN_REFUSALS))
async def open_transfer(opening: OpenTransfer, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.open(opening))


@internal.get("", responses=refusals({400: _BAD_INPUT}))
async def oldest_transfers(
    transfers: Transfers,
    event_id: uuid.UUID,
    status: OfStatus = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Success[list[Transfer]]:
    """An event's, the oldest first."""
    return success(await transfers.oldest(event_id, status=status, limit=limit))


@internal.get("/disputed", responses=refusals({400: _BAD_INPUT}))
async def find_dispute(transfers: Transfers, seat_id: uuid.UUID, order_id: uuid.UUID) -> Success[TicketDispute]:
    """Of the ticket, which is the seat sold with that order."""
    return success(await transfers.dispute_of(seat_id=seat_id, order_id=order_id))


@internal.get("/disputed-orders", responses=refusals({400: _BAD_INPUT}))
async def disputed_orders(transfers: Transfers, event_id: uuid.UUID) -> Success[list[uuid.UUID]]:
    """The event's orders of which a ticket is disputed."""
    return success(await transfers.disputed_orders(event_id))


@internal.get("/counts", responses=refusals({400: _BAD_INPUT}))
async def count_transfers(transfers: Transfers, event_id: uuid.UUID) -> Success[dict[TransferStatus, int]]:
    """How many of the event there are of every status."""
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
    """Notes who confirmed; who did before stays confirmed."""
    return success(await transfers.confirm(transfer_id, confirmation))


@internal.post("/{transfer_id}/complete", responses=refusals(_MOVE_REFUSALS))
async def complete_transfer(transfer_id: uuid.UUID, request: Requested, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.move(transfer_id, TransferMove.COMPLETE, request))


@internal.post("/{transfer_id}/dispute", responses=refusals(_MOVE_REFUSALS))
async def dispute_transfer(transfer_id: uuid.UUID, dispute: DisputeTransfer, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.dispute(transfer_id, dispute))


@internal.post("/{transfer_id}/dismiss", responses=refusals(_MOVE_REFUSALS))
async def dismiss_dispute(transfer_id: uuid.UUID, request: Requested, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.move(transfer_id, TransferMove.DISMISS, request))


@internal.post("/{transfer_id}/begin-reversal", responses=refusals(_MOVE_REFUSALS))
async def begin_reversal(transfer_id: uuid.UUID, request: Requested, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.move(transfer_id, TransferMove.BEGIN_REVERSAL, request))


@internal.post("/{transfer_id}/abandon-reversal", responses=refusals(_UNDO_REFUSALS))
async def abandon_reversal(transfer_id: uuid.UUID, undo: Undo, transfers: Transfers) -> Success[UndoneTransfer]:
    """The undo of begin-reversal, which may never have come."""
    return success(await transfers.abandon_reversal(transfer_id, undo))


@internal.post("/{transfer_id}/reverse", responses=refusals(_MOVE_REFUSALS))
async def reverse_transfer(transfer_id: uuid.UUID, request: Requested, transfers: Transfers) -> Success[Transfer]:
    return success(await transfers.move(transfer_id, TransferMove.REVERSE, request))
