"""What the orders service does with digital orders."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime

from common.auth.principal import Principal
from common.http.calls import RepeatableCall
from common.pages import Cursor, Total
from orders.digital_orders.repository import DigitalOrderRepository
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
    ReservationPage,
    ReservedItem,
    SealedCodes,
)
from orders.digital_orders.status import DigitalOrderStatus, ShownStatus
from orders.ticket_orders.errors import NotYourOrder, OrderNotFound


class DigitalOrderService:
    """Openings and changes for the orchestrator, see `DigitalOrderRepository`; reads for it and for users.

    `wake_relay` is called when a message may have been committed to the outbox.
    """

    def __init__(self, repository: DigitalOrderRepository, *, wake_relay: Callable[[], None]) -> None:
        self._orders = repository
        self._wake_relay = wake_relay

    async def open(self, opening: OpenOrder) -> MovedOrder:
        return await self._orders.open(opening)

    async def move(self, order_id: uuid.UUID, name: MoveName, call: RepeatableCall) -> MovedOrder:
        moved = await self._orders.move(order_id, name, call)
        self._wake_relay()
        return moved

    async def end(self, order_id: uuid.UUID, undo: EndOrder) -> EndedOrder:
        ended = await self._orders.end(order_id, undo)
        self._wake_relay()
        return ended

    async def resume(self, order_id: uuid.UUID) -> DigitalOrder:
        return await self._changed(order_id, self._orders.resume(order_id))

    async def note_reservation(self, order_id: uuid.UUID, item_id: uuid.UUID, note: NoteReservation) -> DigitalOrder:
        return await self._changed(order_id, self._orders.note_reservation(order_id, item_id, note.reservation_id))

    async def add_codes(self, order_id: uuid.UUID, item_id: uuid.UUID, codes: AddCodes) -> DigitalOrder:
        return await self._changed(order_id, self._orders.add_codes(order_id, item_id, codes.sealed))

    async def fail_item(self, order_id: uuid.UUID, item_id: uuid.UUID, body: FailItem) -> DigitalOrder:
        return await self._changed(order_id, self._orders.fail_item(order_id, item_id, body.failure))

    async def make_ready(self, order_id: uuid.UUID, body: MakeReady) -> DigitalOrder:
        return await self._changed(order_id, self._orders.make_ready(order_id, body.storage_ref))

    async def fail(self, order_id: uuid.UUID, failure: FailOrder) -> DigitalOrder:
        return await self._changed(order_id, self._orders.fail(order_id, failure))

    async def note_download(self, order_id: uuid.UUID) -> DigitalOrder:
        return await self._changed(order_id, self._orders.note_download(order_id))

    async def delete_codes(self, order_id: uuid.UUID) -> DigitalOrder:
        return await self._changed(order_id, self._orders.delete_codes(order_id))

    async def codes(self, order_id: uuid.UUID) -> list[SealedCodes]:
        return await self._orders.codes(order_id)

    async def all_codes(self, *, after: uuid.UUID | None, limit: int) -> list[SealedCodes]:
        return await self._orders.all_codes(after=after, limit=limit)

    async def replace_codes(self, item_id: uuid.UUID, body: ReplaceCodes) -> bool:
        return await self._orders.replace_codes(item_id, replaced=body.replaced, sealed=body.sealed)

    async def find(self, order_id: uuid.UUID) -> DigitalOrder:
        """Return an order.

        Raises:
            OrderNotFound: there is none of that id, or it is OPENING.
        """
        order = await self._orders.find(order_id)
        if order is None:
            raise OrderNotFound
        return order

    async def find_by_reservation(self, reservation_id: str) -> ReservedItem | None:
        return await self._orders.find_by_reservation(reservation_id)

    async def reservations(self, *, order_id: uuid.UUID | None, limit: int, offset: int) -> ReservationPage:
        """Return a page of the items that have a reservation, of one order or of all, newest first."""
        items, total = await self._orders.reservations(order_id=order_id, limit=limit, offset=offset)
        return ReservationPage(items=items, count=total.number)

    async def silent(self, *, before: datetime, after: uuid.UUID | None, limit: int) -> list[DigitalOrder]:
        return await self._orders.silent(before=before, after=after, limit=limit)

    async def stalled(
        self, status: DigitalOrderStatus, *, before: datetime, after: uuid.UUID | None, limit: int
    ) -> list[DigitalOrder]:
        return await self._orders.stalled(status, before=before, after=after, limit=limit)

    async def downloaded(self, *, before: datetime, limit: int) -> list[DigitalOrder]:
        return await self._orders.downloaded(before=before, limit=limit)

    async def show(self, order_id: uuid.UUID, *, to: Principal) -> PublicDigitalOrder:
        """Return an order to its buyer or an admin.

        Raises:
            OrderNotFound: there is no such order.
            NotYourOrder: `to` is neither.
        """
        order = await self.find(order_id)
        if not to.may_act_for(order.buyer_user_id):
            raise NotYourOrder
        return order.public()

    async def list(
        self,
        *,
        buyer_user_id: uuid.UUID | None,
        status: ShownStatus | None,
        limit: int,
        offset: int,
        after: Cursor | None,
    ) -> tuple[list[PublicDigitalOrder], Total]:
        """Return a page of one buyer's orders or of all, newest first, and the number on all pages."""
        found, total = await self._orders.page(
            buyer_user_id=buyer_user_id, status=status, limit=limit, offset=offset, after=after
        )
        return [order.public() for order in found], total

    async def _changed(self, order_id: uuid.UUID, change: Awaitable[None]) -> DigitalOrder:
        """Return the order after a change."""
        await change
        self._wake_relay()
        return await self.find(order_id)
