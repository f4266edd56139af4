"""The admin and the staff, who publish events and scan tickets."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from devstack.seed import PASSWORD
from devstack.stack import Stack
from tests.chaos.fans import Fan, answered
from tests.chaos.ticket_sales import data_of

__all__ = ["HALL_ID", "PRICE", "Concert", "Operators", "log_in_operators"]

HALL_ID: Final = "HALL-A"
PRICE: Final = Decimal("10.00")
DAYS_AHEAD: Final = 30
CONCURRENT: Final = 8


@dataclass(frozen=True, kw_only=True)
class Concert:
    """An event of one test; every seat costs 10.00."""

    event_id: uuid.UUID
    seat_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Operators:
    """An admin, and the staff of HALL-A."""

    admin: Fan
    staff: Fan

    async def new_concert(self, *, seats: int) -> Concert:
        row = {"row_number": "A", "seats": seats}
        event = {
            "name": "Chaos test concert",
            "venue": {"name": "The Barn", "address": uuid.uuid4().hex},
            "hall_id": HALL_ID,
            "event_date": (datetime.now(UTC) + timedelta(days=DAYS_AHEAD)).isoformat(),
            "doors_open_at": datetime.now(UTC).isoformat(),
            "layout": [{"category": "CAT1", "price": f"{PRICE:.2f}", "rows": [row]}],
        }
        key = f"concert-{uuid.uuid4()}"
        made = data_of(await answered(partial(self.admin.post, "/api/admin/events", event, key=key)))
        shown = data_of(await answered(partial(self.admin.get, f"/api/events/{made['event_id']}")))
        seat_ids = tuple(uuid.UUID(seat["seat_id"]) for seat in shown["seats"])
        return Concert(event_id=uuid.UUID(made["event_id"]), seat_ids=seat_ids)

    async def sell(self, concert: Concert, fan: Fan, seat_ids: tuple[uuid.UUID, ...]) -> list[uuid.UUID]:
        """Let a fan buy seats with one order each, and return the orders."""
        slots = asyncio.Semaphore(CONCURRENT)

        async def sell_one(seat_id: uuid.UUID) -> uuid.UUID:
            async with slots:
                held = data_of(await answered(partial(fan.reserve, concert.event_id, [seat_id], key=f"{seat_id}")))
                order_id = uuid.UUID(held["order_id"])
                data_of(await answered(partial(fan.pay, order_id, key=f"{order_id}")))
                return order_id

        return await asyncio.gather(*map(sell_one, seat_ids))


@asynccontextmanager
async def log_in_operators(stack: Stack) -> AsyncIterator[Operators]:
    admin, staff = [
        await Fan.log_in(stack.urls.gateway, f"{name}@example.com", PASSWORD) for name in ("admin", "staff")
    ]
    yield Operators(admin=admin, staff=staff)
    await admin.aclose()
    await staff.aclose()
