"""An event that is cancelled while it has tickets kept, offered, listed and sold, and a hold."""

import uuid
from collections.abc import Coroutine
from decimal import Decimal
from functools import partial
from typing import Any, Final, Self

import httpx

from tests.chaos.fans import CREDITS, Fan, answered
from tests.chaos.operators import Concert, Operators
from tests.chaos.ticket_sales import TicketSales, data_of

__all__ = ["CancelledEvent"]

RESALE_PRICE: Final = Decimal("11.00")
STATUSES: Final = {
    "order": "SELECT status FROM orders WHERE event_id = $1",
    "transfer": "SELECT status FROM transfers WHERE event_id = $1",
    "listing": "SELECT status FROM listings WHERE event_id = $1",
}


class CancelledEvent:
    def __init__(self, sales: TicketSales, operators: Operators, concert: Concert, *, fan: Fan, friend: Fan) -> None:
        self.concert = concert
        self._shop = sales
        self._house = operators
        self._fan = fan
        self._friend = friend

    @classmethod
    async def prepare(cls, sales: TicketSales, operators: Operators, *, others: int = 0) -> Self:
        """Create it with four paid orders and `others` more."""
        fan, friend = await sales.new_fan(), await sales.new_fan()
        concert = await operators.new_concert(seats=5 + others)
        cancelled_event = cls(sales, operators, concert, fan=fan, friend=friend)
        await cancelled_event._open_everything()
        return cancelled_event

    async def _open_everything(self) -> None:
        held, _, offered, listed, sold, *_ = self.concert.seat_ids
        data_of(await answered(partial(self._friend.reserve, self.concert.event_id, [held])))
        await self._house.sell(self.concert, self._fan, self.concert.seat_ids[1:])
        seller_id, buyer_id = self._fan.user_id, self._friend.user_id
        offer = partial(self._fan.offer, offered, seller_id=seller_id, buyer_id=buyer_id, amount=Decimal("1.00"))
        data_of(await answered(offer))
        await self._list_ticket(listed)
        listing_id = await self._list_ticket(sold)
        data_of(await answered(partial(self._friend.buy, listing_id)))

    async def _list_ticket(self, seat_id: uuid.UUID) -> uuid.UUID:
        listed = await answered(partial(self._fan.list_ticket, seat_id, RESALE_PRICE, key=f"{seat_id}"))
        return uuid.UUID(data_of(listed)["listing_id"])

    @property
    def orders(self) -> int:
        return len(self.concert.seat_ids) - 1

    def cancel(self) -> Coroutine[Any, Any, httpx.Response]:
        """Request the cancellation, or its progress."""
        return self._house.admin.post(f"/api/admin/events/{self.concert.event_id}/cancel")

    async def run(self) -> None:
        done = data_of(await answered(self.cancel))
        assert (done["state"], done["orders_total"], done["orders_refunded"]) == ("COMPLETED", self.orders, self.orders)

    async def progress(self) -> dict[str, Any]:
        path = f"/api/admin/events/{self.concert.event_id}/cancellation"
        return data_of(await answered(partial(self._house.admin.get, path)))

    async def assert_done(self) -> None:
        assert await self._shop.seat_statuses(list(self.concert.seat_ids)) == {"AVAILABLE"}
        for fan in (self._fan, self._friend):
            assert await self._shop.databases.balance_of(fan.user_id) == CREDITS
        assert await self._statuses("order") == ["FAILED"] + ["REFUNDED"] * self.orders
        assert await self._statuses("transfer") == ["FAILED"]
        assert await self._statuses("listing") == ["CANCELLED", "CANCELLED"]
        assert await self._shop.databases.messages_about(self.concert.event_id) == ["event.cancelled"]

    async def _statuses(self, thing: str) -> list[str]:
        rows = await self._shop.databases.read("orders", STATUSES[thing], self.concert.event_id)
        return sorted(row["status"] for row in rows)
