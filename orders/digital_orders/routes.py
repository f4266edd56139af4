"""HTTP routes of digital orders: what buyers and admins read, and what the orchestrator calls."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import Instant, Integer, SentText
from common.http.auth import ADMIN_ONLY, CurrentUser, require_service
from common.http.calls import RepeatableCall
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
from orders.digital_orders.schemas import (
    AddCodes,
    DigitalOrder,
    EndedOrder,
    EndOrder,
    FailItem,
    FailOrder,
    MakeReady,
    MovedOrder,
    MoveName,
    NoteReservation,
    OpenOrder,
    PublicDigitalOrder,
    ReplaceCodes,
    Replaced,
    ReservationPage,
    ReservedItem,
    SealedCodes,
)
from orders.digital_orders.service import DigitalOrderService
from orders.digital_orders.status import DigitalOrderStatus, ShownStatus

__all__ = ["internal", "public"]

DigitalOrders = Annotated[DigitalOrderService, provided(DigitalOrderService)]
Changed = Success[DigitalOrder]
OfStatus = Annotated[ShownStatus | None, Query(description="Only orders of this status.")]
Limit = Annotated[Integer, Query(ge=1, le=1_000)]
Offset = Annotated[Integer, Query(ge=0)]

_LIST_REFUSALS: Final = {400: BAD_INPUT, 401: NOT_LOGGED_IN}
_UNDO_REFUSALS: Final = {400: BAD_INPUT, 409: "ORDER_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
_MOVE_REFUSALS: Final = {**_UNDO_REFUSALS, 404: "ORDER_NOT_FOUND"}
_FIND_REFUSALS: Final = {400: BAD_INPUT, 404: "ORDER_NOT_FOUND"}
_CHANGE_REFUSALS: Final = {**_FIND_REFUSALS, 409: "ORDER_INVALID_STATE"}

public: Final = APIRouter(prefix="/api", tags=["Digital goods"])
internal: Final = APIRouter(
    prefix="/internal/digital-orders", tags=["Internal: digital orders"], dependencies=[Depends(require_service)]
)


@public.get("/digital-orders", summary="List my digital orders", responses=refusals(_LIST_REFUSALS))
async def list_digital_orders(
    user: CurrentUser, orders: DigitalOrders, page: CursorPageQuery, status: OfStatus = None
) -> Paginated[PublicDigitalOrder]:
    """The caller's orders, newest first, ended ones included. None has a code."""
    found = await orders.list(
        buyer_user_id=user.user_id, status=status, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(found, page)


@public.get(
    "/digital-orders/{order_id}",
    summary="Show a digital order",
    responses=refusals({**_LIST_REFUSALS, 403: "FORBIDDEN", 404: "ORDER_NOT_FOUND"}),
)
async def show_digital_order(
    order_id: uuid.UUID, user: CurrentUser, orders: DigitalOrders
) -> Success[PublicDigitalOrder]:
    """Open to its buyer and admins."""
    return success(await orders.show(order_id, to=user))


@public.get(
    "/admin/digital-orders",
    summary="List all digital orders",
    dependencies=[ADMIN_ONLY],
    responses=refusals({**_LIST_REFUSALS, 403: "FORBIDDEN"}),
)
async def list_all_digital_orders(
    *,
    orders: DigitalOrders,
    page: CursorPageQuery,
    status: OfStatus = None,
    buyer_user_id: Annotated[uuid.UUID | None, Query(description="Only orders of this buyer.")] = None,
) -> Paginated[PublicDigitalOrder]:
    """Those of all buyers, newest first."""
    found = await orders.list(
        buyer_user_id=buyer_user_id, status=status, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(found, page)


@internal.post(
    "",
    responses=refusals(
        {
            400: BAD_INPUT,
            409: "ORDER_INVALID_STATE, PURCHASE_LIMIT_REACHED, REQUEST_UNDONE",
            422: "IDEMPOTENCY_KEY_REUSED",
        }
    ),
)
async def open_digital_order(opening: OpenOrder, orders: DigitalOrders) -> Success[MovedOrder]:
    return success(await orders.open(opening))


@internal.get("", responses=refusals({400: BAD_INPUT}))
async def list_stalled(
    *,
    orders: DigitalOrders,
    status: DigitalOrderStatus,
    before: Instant,
    limit: Limit = 100,
    after: uuid.UUID | None = None,
) -> Success[list[DigitalOrder]]:
    """The orders that have had a status since before a time, by id."""
    return success(await orders.stalled(status, before=before, after=after, limit=limit))


@internal.get("/by-reservation", responses=refusals({400: BAD_INPUT}))
async def find_by_reservation(reservation_id: SentText, orders: DigitalOrders) -> Success[ReservedItem | None]:
    """The order and the item of a reservation, null if it is unknown."""
    return success(await orders.find_by_reservation(reservation_id))


@internal.get("/reservations", responses=refusals({400: BAD_INPUT}))
async def list_reservations(
    orders: DigitalOrders, order_id: uuid.UUID | None = None, limit: Limit = 100, offset: Offset = 0
) -> Success[ReservationPage]:
    """The items that have a reservation at the supplier, of one order or of all, newest first."""
    return success(await orders.reservations(order_id=order_id, limit=limit, offset=offset))


@internal.get("/silent", responses=refusals({400: BAD_INPUT}))
async def list_silent(
    orders: DigitalOrders, before: Instant, limit: Limit = 100, after: uuid.UUID | None = None
) -> Success[list[DigitalOrder]]:
    """WAITING orders of which nothing was heard since before a time, by id."""
    return success(await orders.silent(before=before, after=after, limit=limit))


@internal.get("/downloaded", responses=refusals({400: BAD_INPUT}))
async def list_downloaded(orders: DigitalOrders, before: Instant, limit: Limit = 100) -> Success[list[DigitalOrder]]:
    """Orders whose codes are due for deletion: those downloaded before a time, and once each refunded order."""
    return success(await orders.downloaded(before=before, limit=limit))


@internal.get("/sealed-codes", responses=refusals({400: BAD_INPUT}))
async def list_sealed_codes(
    orders: DigitalOrders, limit: Limit = 100, after: uuid.UUID | None = None
) -> Success[list[SealedCodes]]:
    """The sealed codes of all orders, by the id of their item, for the rotation of keys."""
    return success(await orders.all_codes(after=after, limit=limit))


@internal.post("/sealed-codes/{item_id}", responses=refusals({400: BAD_INPUT}))
async def replace_sealed_codes(item_id: uuid.UUID, body: ReplaceCodes, orders: DigitalOrders) -> Success[Replaced]:
    """Store codes that were sealed again, unless others are stored now, or none."""
    return success(Replaced(is_replaced=await orders.replace_codes(item_id, body)))


@internal.get("/{order_id}", responses=refusals(_FIND_REFUSALS))
async def find_digital_order(order_id: uuid.UUID, orders: DigitalOrders) -> Success[DigitalOrder]:
    return success(await orders.find(order_id))


@internal.get("/{order_id}/codes", responses=refusals({400: BAD_INPUT}))
async def list_codes(order_id: uuid.UUID, orders: DigitalOrders) -> Success[list[SealedCodes]]:
    """The sealed codes of an order's items; none once they are deleted."""
    return success(await orders.codes(order_id))


@internal.post("/{order_id}/end", responses=refusals(_UNDO_REFUSALS))
async def end_digital_order(order_id: uuid.UUID, undo: EndOrder, orders: DigitalOrders) -> Success[EndedOrder]:
    """The undo of opening; the order may never have been opened."""
    return success(await orders.end(order_id, undo))


@internal.post("/{order_id}/resume", responses=refusals(_CHANGE_REFUSALS))
async def resume_digital_order(order_id: uuid.UUID, orders: DigitalOrders) -> Changed:
    """The order as its job needs it; if it had FAILED and an item may still come, it is PAID or WAITING again."""
    return success(await orders.resume(order_id))


@internal.post("/{order_id}/ready", responses=refusals(_CHANGE_REFUSALS))
async def make_ready(order_id: uuid.UUID, body: MakeReady, orders: DigitalOrders) -> Changed:
    return success(await orders.make_ready(order_id, body))


@internal.post("/{order_id}/fail", responses=refusals(_CHANGE_REFUSALS))
async def fail_digital_order(order_id: uuid.UUID, body: FailOrder, orders: DigitalOrders) -> Changed:
    return success(await orders.fail(order_id, body))


@internal.post("/{order_id}/downloaded", responses=refusals(_FIND_REFUSALS))
async def note_download(order_id: uuid.UUID, orders: DigitalOrders) -> Changed:
    return success(await orders.note_download(order_id))


@internal.post("/{order_id}/delete-codes", responses=refusals(_CHANGE_REFUSALS))
async def delete_codes(order_id: uuid.UUID, orders: DigitalOrders) -> Changed:
    return success(await orders.delete_codes(order_id))


@internal.post("/{order_id}/items/{item_id}/reservation", responses=refusals(_CHANGE_REFUSALS))
async def note_reservation(
    order_id: uuid.UUID, item_id: uuid.UUID, body: NoteReservation, orders: DigitalOrders
) -> Changed:
    return success(await orders.note_reservation(order_id, item_id, body))


@internal.post("/{order_id}/items/{item_id}/codes", responses=refusals(_FIND_REFUSALS))
async def add_codes(order_id: uuid.UUID, item_id: uuid.UUID, body: AddCodes, orders: DigitalOrders) -> Changed:
    return success(await orders.add_codes(order_id, item_id, body))


@internal.post("/{order_id}/items/{item_id}/fail", responses=refusals(_FIND_REFUSALS))
async def fail_item(order_id: uuid.UUID, item_id: uuid.UUID, body: FailItem, orders: DigitalOrders) -> Changed:
    return success(await orders.fail_item(order_id, item_id, body))


@internal.post("/{order_id}/{move}", responses=refusals(_MOVE_REFUSALS))
async def move_digital_order(
    order_id: uuid.UUID, move: MoveName, call: RepeatableCall, orders: DigitalOrders
) -> Success[MovedOrder]:
    """Moves that need no further facts."""
    return success(await orders.move(order_id, move, call))
