"""A test's view of the running platform: fans, free seats, and the state of both."""

import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx

from devstack.home import Home
from devstack.keys import keys_of
from devstack.seed import HALL_EVENT_ID
from devstack.services import Urls
from devstack.stack import Stack
from tests.chaos.fans import CREDITS, Fan, answered
from tests.contracts.databases import Databases
from tests.support.waiting import eventually

END_LEASES: Final = "UPDATE sagas SET due_at = clock_timestamp() WHERE state IN ('RUNNING', 'UNWINDING')"

__all__ = ["Order", "TicketSales", "data_of", "open_sales"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """Seats that a fan reserved."""

    order_id: uuid.UUID
    seat_ids: list[uuid.UUID]
    total: Decimal


@dataclass(frozen=True, kw_only=True)
class TicketSales:
    urls: Urls
    databases: Databases
    event_id: uuid.UUID
    free_seats: Iterator[uuid.UUID]
    fans: list[Fan] = field(default_factory=list)

    async def new_fan(self) -> Fan:
        fan = await Fan.new(self.databases, self.urls.gateway)
        self.fans.append(fan)
        return fan

    def some_seats(self, count: int = 2) -> list[uuid.UUID]:
        """Return seats that no other test has."""
        seat_ids = list(itertools.islice(self.free_seats, count))
        assert len(seat_ids) == count, "too few seats for the tests"
        return seat_ids

    async def reserved(self, fan: Fan, seat_ids: list[uuid.UUID] | None = None, *, key: str = "reserve") -> Order:
        """Reserve these seats, or any two, and repeat the request until it gets a final response."""
        wanted = seat_ids or self.some_seats()
        data = data_of(await answered(lambda: fan.reserve(self.event_id, wanted, key=key)))
        return Order(order_id=uuid.UUID(data["order_id"]), seat_ids=wanted, total=Decimal(data["total"]))

    async def fan_with_order(self) -> tuple[Fan, Order]:
        fan = await self.new_fan()
        return fan, await self.reserved(fan)

    async def all_charging(self, payments: list[tuple[Fan, Order]]) -> bool:
        """Return whether a saga runs for each of these fans."""
        sagas = [await self.databases.saga_of(fan.user_id) for fan, _ in payments]
        return all(saga["state"] == "RUNNING" for saga in sagas)

    async def saga_ends(self, fan: Fan, *states: str) -> str:
        """Wait until the fan's last purchase is in one of these states, and return it."""

        async def look() -> str | None:
            state: str = (await self.databases.saga_of(fan.user_id))["state"]
            return state if state in states else None

        return await eventually(look) or ""

    async def assert_clean_end(self, fan: Fan, order: Order) -> str:
        """Wait until the purchase ends, check that nothing is left half done, and return its final state."""
        state = await self.saga_ends(fan, "COMPLETED", "UNWOUND")
        if state == "COMPLETED":
            await self.assert_bought(fan, order)
        else:
            await self.assert_given_back(fan, order)
            assert (await fan.pay(order.order_id)).is_error
        return state

    async def assert_bought(self, fan: Fan, order: Order) -> None:
        """Check that the fan owns the seats, has paid once, and gets the same receipt on repetition."""
        receipt = data_of(await answered(lambda: fan.pay(order.order_id)))
        assert receipt["status"] == "CONFIRMED"
        assert data_of(await fan.pay(order.order_id)) == receipt
        assert Decimal(receipt["remaining_balance"]) == CREDITS - order.total
        seats = await self.databases.seats(order.seat_ids)
        assert {(seat["status"], seat["owner_user_id"]) for seat in seats} == {("SOLD", fan.user_id)}
        assert await self.databases.order_states(order.order_id) == ["PENDING", "CONFIRMED"]
        assert await self.databases.movements_of(order.order_id) == ["deduct"]

    async def assert_given_back(self, fan: Fan, order: Order, *, status: str = "FAILED") -> None:
        """Check that the seats are free, the order has ended, and the fan has every credit."""
        assert await self.seat_statuses(order.seat_ids) == {"AVAILABLE"}
        assert await self.databases.order_states(order.order_id) == ["PENDING", status]
        assert await self.databases.movements_of(order.order_id) in ([], ["deduct", "refund"])
        assert await self.databases.balance_of(fan.user_id) == CREDITS

    async def held_until(self, order: Order) -> datetime:
        """Return the end of the order's hold, as stored in the database."""
        [seat, *_] = await self.databases.seats(order.seat_ids)
        held_until: datetime = seat["held_until"]
        return held_until

    async def freed_at(self, order: Order) -> datetime:
        """Wait until the order's seats are free, and return when that was observed."""

        async def look() -> datetime | None:
            return datetime.now(UTC) if await self.seat_statuses(order.seat_ids) == {"AVAILABLE"} else None

        seen = await eventually(look)
        assert seen is not None
        return seen

    async def end_leases(self) -> None:
        """Expire the leases of all running sagas, instead of waiting for it."""
        await self.databases.change("orchestrator", END_LEASES)

    async def seat_statuses(self, seat_ids: list[uuid.UUID]) -> set[str]:
        return {seat["status"] for seat in await self.databases.seats(seat_ids)}


def data_of(response: httpx.Response) -> dict[str, Any]:
    """Return a response's data; fail if it was refused or is not final."""
    assert response.status_code in {httpx.codes.OK, httpx.codes.CREATED}, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


@asynccontextmanager
async def open_sales(stack: Stack) -> AsyncIterator[TicketSales]:
    """Open the sale of the seeded hall of 500 seats."""
    secret = keys_of(Home(stack.home)).service_token_secret
    databases = Databases(stack.urls.databases, users_url=stack.urls.users, service_token_secret=secret)
    async with databases:
        rows = await databases.read("inventory", "SELECT seat_id FROM seats WHERE event_id = $1", HALL_EVENT_ID)
        sales = TicketSales(
            urls=stack.urls,
            databases=databases,
            event_id=HALL_EVENT_ID,
            free_seats=iter([row["seat_id"] for row in rows]),
        )
        yield sales
        for fan in sales.fans:
            await fan.aclose()
