"""What the order book does."""

import uuid

from common.auth.principal import Principal, Role
from orders.shared.schemas import Requested, Undo
from orders.ticket_orders.errors import NotYourOrder, OrderNotFound
from orders.ticket_orders.repository import OrderRepository
from orders.ticket_orders.schemas import (
    ConfirmOrder,
    EndedOrder,
    EndOrder,
    OpenOrder,
    Order,
    OrderOfSeat,
    OrderWithHistory,
    RefundOrder,
)
from orders.ticket_orders.status import OrderStatus

__all__ = ["OrderService"]


class OrderService:
    def __init__(self, repository: OrderRepository) -> None:
        self._orders = repository

    async def open(self, opening: OpenOrder) -> Order:
        return await self._orders.open(opening)

    async def confirm(self, order_id: uuid.UUID, confirmation: ConfirmOrder) -> Order:
        return await self._orders.move(order_id, OrderStatus.CONFIRMED, request_id=confirmation.request_id)

    async def refund(self, order_id: uuid.UUID, refund: RefundOrder) -> Order:
        return await self._orders.move(
            order_id, OrderStatus.REFUNDED, request_id=refund.request_id, reason=refund.reason
        )

    async def begin_refund(self, order_id: uuid.UUID, request: Requested) -> Order:
        return await self._orders.begin_refund(order_id, request_id=request.request_id)

    async def abandon_refund(self, order_id: uuid.UUID, undo: Undo) -> EndedOrder:
        return await self._orders.abandon_refund(order_id, **undo.model_dump())

    async def end(self, order_id: uuid.UUID, ending: EndOrder) -> EndedOrder:
        return await self._orders.end(order_id, ending)

    async def find(self, order_id: uuid.UUID) -> Order:
        """Return any order, for other services.

        Raises:
            OrderNotFound: no such order.
        """
        order = await self._orders.find(order_id)
        if order is None:
            raise OrderNotFound
        return order

    async def find_by_seat(self, seat_id: uuid.UUID) -> OrderOfSeat:
        """Return the CONFIRMED order that has the seat, or else the latest one that had it.

        Raises:
            OrderNotFound: nobody ever ordered it.
        """
        order = await self._orders.find_by_seat(seat_id)
        if order is None:
            raise OrderNotFound
        return order

    async def oldest(self, event_id: uuid.UUID, *, status: OrderStatus | None, limit: int, offset: int) -> list[Order]:
        """Return an event's orders, the oldest first."""
        return await self._orders.oldest(event_id, status=status, limit=limit, offset=offset)

    async def counts(self, event_id: uuid.UUID) -> dict[OrderStatus, int]:
        """Return how many orders of the event there are of every status."""
        return dict.fromkeys(OrderStatus, 0) | await self._orders.counts(event_id)

    async def show(self, order_id: uuid.UUID, *, to: Principal) -> OrderWithHistory:
        """Return an order with its history to the one who may see it.

        Raises:
            OrderNotFound: no such order.
            NotYourOrder: somebody else's, and `to` is no admin.
        """
        order = await self._orders.find_with_history(order_id)
        if order is None:
            raise OrderNotFound
        if not to.may_act_for(order.user_id):
            raise NotYourOrder
        return order

    async def list_for(
        self, user: Principal, *, status: OrderStatus | None, limit: int, offset: int
    ) -> tuple[list[Order], int]:
        """Return a page of one's own orders, or of everybody's to an admin, and how many there are in all."""
        user_id = None if user.has_role(Role.ADMIN) else user.user_id
        return await self._orders.page(user_id=user_id, status=status, limit=limit, offset=offset)
