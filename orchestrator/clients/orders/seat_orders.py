"""Which order a seat was sold with, as the orders service knows it."""

import uuid

from common.errors import NotFound
from common.http.client import ServiceClient

__all__ = ["SeatOrders"]


class SeatOrders:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def status_of(self, seat_id: uuid.UUID) -> str | None:
        """Return the status of the seat's order: the confirmed one, else the latest; None when it never had one.

        Raises:
            Unavailable: the orders service gives no answer.
        """
        try:
            order = await self._orders.get(f"/internal/orders/by-seat/{seat_id}")
        except NotFound as error:
            if error.code != "ORDER_NOT_FOUND":  # no such path is no answer
                raise
            return None
        return str(order["status"])
