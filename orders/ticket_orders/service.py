"""What the orders service does with ticket orders."""

import uuid

from common.auth.principal import Principal, Role
from common.http.calls import RepeatableCall, UndoCall
from common.pages import Cursor, Total
from orders.shared.service import AggregateService
from orders.ticket_orders.errors import NotYourOrder, OrderNotFound
from orders.ticket_orders.repository import OrderRepository
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
from orders.ticket_orders.status import OrderStatus


class OrderService(AggregateService[Order, OrderStatus]):
    statuses = OrderStatus
    not_found = OrderNotFound

    def __init__(self, repository: OrderRepository) -> None:
        super().__init__(repository)
        self._orders = repository

    async def open(self, opening: OpenOrder) -> Order:
        return await self._orders.open(opening)

    async def confirm(self, order_id: uuid.UUID, call: RepeatableCall) -> Order:
        return await self._orders.move(order_id, OrderStatus.CONFIRMED, request_id=call.request_id)

    async def refund(self, order_id: uuid.UUID, refund: RefundOrder) -> Order:
        return await self._orders.move(order_id, OrderStatus.REFUNDED, **refund.model_dump())

    async def begin_refund(self, order_id: uuid.UUID, call: RepeatableCall) -> Order:
        return await self._orders.begin_refund(order_id, request_id=call.request_id)

    async def begin_seat_refund(self, order_id: uuid.UUID, refund: BeginSeatRefund) -> Order:
        return await self._orders.begin_refund(order_id, **refund.model_dump())

    async def refund_seats(self, order_id: uuid.UUID, refund: RefundSeats) -> EndedOrder:
        return await self._orders.refund_seats(order_id, refund)

    async def refundable_seats(self, order_id: uuid.UUID) -> RefundableSeats:
        """Return the seats that a refund of the order may begin for; none if it is not paid, or refunded."""
        refundable = await self._orders.refundable_seats(order_id)
        return refundable or RefundableSeats(order_id=order_id, seat_ids=[])

    async def refundable_orders(self, event_id: uuid.UUID, *, limit: int, offset: int) -> list[RefundableSeats]:
        """Return the event's orders that have such seats, oldest first."""
        return await self._orders.refundable_orders(event_id, limit=limit, offset=offset)

    async def owner_changes(self, order_id: uuid.UUID) -> list[OwnerChange]:
        """Return the completed transfers and sales of the order's tickets, oldest first, without reversed transfers."""
        return await self._orders.owner_changes(order_id)

    async def abandon_refund(self, order_id: uuid.UUID, undo: UndoCall) -> EndedOrder:
        return await self._orders.abandon_refund(order_id, undo)

    async def end(self, order_id: uuid.UUID, ending: EndOrder) -> EndedOrder:
        return await self._orders.end(order_id, ending)

    async def find_by_seat(self, seat_id: uuid.UUID) -> OrderOfSeat:
        """Return the CONFIRMED order that has the seat, or else the latest one that had it.

        Raises:
            OrderNotFound: the seat was never ordered.
        """
        order = await self._orders.find_by_seat(seat_id)
        if order is None:
            raise OrderNotFound
        return order

    async def show(self, order_id: uuid.UUID, *, to: Principal) -> OrderWithHistory:
        """Return an order with its history to its buyer or an admin.

        Raises:
            OrderNotFound: no such order.
            NotYourOrder: `to` is neither.
        """
        order = await self._orders.find_with_history(order_id)
        if order is None:
            raise OrderNotFound
        if not to.may_act_for(order.user_id):
            raise NotYourOrder
        return order

    async def list_for(
        self, user: Principal, *, status: OrderStatus | None, limit: int, offset: int, after: Cursor | None
    ) -> tuple[list[Order], Total]:
        """Return a page of the user's orders, or of all orders to an admin, and the number on all pages."""
        user_id = None if user.has_role(Role.ADMIN) else user.user_id
        return await self._orders.page(user_id=user_id, status=status, limit=limit, offset=offset, after=after)
