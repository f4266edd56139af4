"""HTTP routes of ticket orders: what users read, and what the orchestrator calls."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Integer
from common.http.auth import CurrentUser, require_service
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
from orders.ticket_orders.schemas import (
    BeginSeatRefund,
    EndedOrder,
    EndOrder,
    OpenOrder,
    Order,
    OrderOfSeat,
    OrderWithHistory,
    OwnerChange,
    RefundableSeats,
    RefundOrder,
    RefundSeats,
)
from orders.ticket_orders.service import OrderService
from orders.ticket_orders.status import OrderStatus

__all__ = ["internal", "public"]

Orders = Annotated[OrderService, provided(OrderService)]

_MOVE_REFUSALS: Final = {
    400: BAD_INPUT,
    404: "ORDER_NOT_FOUND",
    409: "ORDER_INVALID_STATE",
    422: "IDEMPOTENCY_KEY_REUSED",
}
_BEGIN_REFUND_REFUSALS: Final = {**_MOVE_REFUSALS, 409: "ORDER_INVALID_STATE, TRANSFER_INVALID_STATE, REQUEST_UNDONE"}

public: Final = APIRouter(prefix="/api/orders", tags=["Orders"])
internal: Final = APIRouter(
    prefix="/internal/orders", tags=["Internal: orders"], dependencies=[Depends(require_service)]
)


@public.get("", summary="List my orders", responses=refusals({400: BAD_INPUT, 401: NOT_LOGGED_IN}))
async def list_orders(
    user: CurrentUser,
    orders: Orders,
    page: CursorPageQuery,
    status: Annotated[OrderStatus | None, Query(description="Only orders of this status.")] = None,
) -> Paginated[Order]:
    """The caller's orders, newest first; an admin sees those of all users."""
    found = await orders.list_for(user, status=status, limit=page.per_page, offset=page.offset, after=page.after)
    return paginated(found, page)


@public.get(
    "/{order_id}",
    summary="Show an order with its history",
    responses=refusals({400: "INVALID_UUID", 401: NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "ORDER_NOT_FOUND"}),
)
async def show_order(order_id: uuid.UUID, user: CurrentUser, orders: Orders) -> Success[OrderWithHistory]:
    """Open to the buyer and to admins."""
    return success(await orders.show(order_id, to=user))


@internal.post("", responses=refusals({400: BAD_INPUT, 409: "ORDER_INVALID_STATE, REQUEST_UNDONE"}))
async def open_order(opening: OpenOrder, orders: Orders) -> Success[Order]:
    return success(await orders.open(opening))


@internal.post("/{order_id}/confirm", responses=refusals(_MOVE_REFUSALS))
async def confirm_order(order_id: uuid.UUID, call: RepeatableCall, orders: Orders) -> Success[Order]:
    return success(await orders.confirm(order_id, call))


@internal.post("/{order_id}/end", responses=refusals(_MOVE_REFUSALS))
async def end_order(order_id: uuid.UUID, ending: EndOrder, orders: Orders) -> Success[EndedOrder]:
    """The undo of opening; the order may never have been opened."""
    return success(await orders.end(order_id, ending))


@internal.post("/{order_id}/refund", responses=refusals(_MOVE_REFUSALS))
async def refund_order(order_id: uuid.UUID, refund: RefundOrder, orders: Orders) -> Success[Order]:
    return success(await orders.refund(order_id, refund))


@internal.post("/{order_id}/begin-refund", responses=refusals(_BEGIN_REFUND_REFUSALS))
async def begin_refund(order_id: uuid.UUID, call: RepeatableCall, orders: Orders) -> Success[Order]:
    """From now on no ticket of the order can be disputed; while a ticket is disputed, no refund begins."""
    return success(await orders.begin_refund(order_id, call))


@internal.post("/{order_id}/begin-seat-refund", responses=refusals(_BEGIN_REFUND_REFUSALS))
async def begin_seat_refund(order_id: uuid.UUID, refund: BeginSeatRefund, orders: Orders) -> Success[Order]:
    """The same for some seats of the order."""
    return success(await orders.begin_seat_refund(order_id, refund))


@internal.post("/{order_id}/abandon-refund", responses=refusals(_MOVE_REFUSALS))
async def abandon_refund(order_id: uuid.UUID, undo: UndoCall, orders: Orders) -> Success[EndedOrder]:
    """The undo of begin-refund or begin-seat-refund, which may never have arrived."""
    return success(await orders.abandon_refund(order_id, undo))


@internal.post("/{order_id}/refund-seats", responses=refusals(_MOVE_REFUSALS))
async def refund_seats(order_id: uuid.UUID, refund: RefundSeats, orders: Orders) -> Success[EndedOrder]:
    """Note the refund of some seats, which has begun. The order is REFUNDED with the last of its seats."""
    return success(await orders.refund_seats(order_id, refund))


@internal.get("/refundable", responses=refusals({400: BAD_INPUT}))
async def refundable_orders(
    orders: Orders,
    event_id: uuid.UUID,
    *,
    limit: Annotated[Integer, Query(ge=1, le=200)] = 200,
    offset: Annotated[Integer, Query(ge=0, le=1_000_000, description="The number of orders to skip.")] = 0,
) -> Success[list[RefundableSeats]]:
    """The event's orders that have seats whose refund may begin, oldest first."""
    return success(await orders.refundable_orders(event_id, limit=limit, offset=offset))


@internal.get("/{order_id}/refundable", responses=refusals({400: "INVALID_UUID"}))
async def refundable_seats(order_id: uuid.UUID, orders: Orders) -> Success[RefundableSeats]:
    """The seats of the order whose refund may begin."""
    return success(await orders.refundable_seats(order_id))


@internal.get("/{order_id}/owner-changes", responses=refusals({400: "INVALID_UUID"}))
async def owner_changes(order_id: uuid.UUID, orders: Orders) -> Success[list[OwnerChange]]:
    """The completed transfers and sales of the order's tickets, oldest first, without reversed transfers."""
    return success(await orders.owner_changes(order_id))


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def oldest_orders(
    orders: Orders,
    event_id: uuid.UUID,
    *,
    status: Annotated[OrderStatus | None, Query(description="Only orders of this status.")] = None,
    limit: Annotated[Integer, Query(ge=1, le=200)] = 200,
    offset: Annotated[Integer, Query(ge=0, le=1_000_000, description="The number of orders to skip.")] = 0,
) -> Success[list[Order]]:
    """The event's orders, oldest first."""
    return success(await orders.oldest(event_id, status=status, limit=limit, offset=offset))


@internal.get("/counts", responses=refusals({400: BAD_INPUT}))
async def count_orders(orders: Orders, event_id: uuid.UUID) -> Success[dict[OrderStatus, int]]:
    """The number of the event's orders of every status."""
    return success(await orders.counts(event_id))


@internal.get("/by-seat/{seat_id}", responses=refusals({400: "INVALID_UUID", 404: "ORDER_NOT_FOUND"}))
async def find_order_by_seat(seat_id: uuid.UUID, orders: Orders) -> Success[OrderOfSeat]:
    """The CONFIRMED order that has the seat, or else the latest one that had it."""
    return success(await orders.find_by_seat(seat_id))


@internal.get("/{order_id}", responses=refusals({400: "INVALID_UUID", 404: "ORDER_NOT_FOUND"}))
async def find_order(order_id: uuid.UUID, orders: Orders) -> Success[Order]:
    return success(await orders.find(order_id))
