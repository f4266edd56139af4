"""Events on sale, created through the gateway as an organiser does."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from bench.connection import Connection
from bench.errors import BenchFailedError
from devstack.database import connected
from devstack.services import Urls

__all__ = ["HALL_ID", "PRICE", "Hall", "Halls"]

PRICE: Final = "350.00"
HALL_ID: Final = "HALL-A"
SEATS_PER_ROW: Final = 20
CATEGORY: Final = "CAT1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """An event on sale; `seat_ids` are in hall order."""

    event_id: uuid.UUID
    seat_ids: list[uuid.UUID]


class Halls:
    def __init__(self, urls: Urls, *, admin_token: str) -> None:
        self._urls = urls
        self._admin_token = admin_token

    async def open(self, seats: int) -> Hall:
        """Create an event with this many seats, in rows of twenty.

        Raises:
            BenchFailedError: the request was refused.
        """
        connection = await Connection.open(self._urls.gateway)
        try:
            answer = await connection.post("/api/admin/events", _event(seats), token=self._admin_token)
        finally:
            connection.close()
        if answer.status != HTTPStatus.CREATED:
            raise BenchFailedError(f"An event of {seats} seats was refused: {answer.status} {answer.content.decode()}")
        event_id = uuid.UUID(answer.data["event_id"])
        return Hall(event_id=event_id, seat_ids=await self._seat_ids(event_id))

    async def _seat_ids(self, event_id: uuid.UUID) -> list[uuid.UUID]:
        statement = "SELECT seat_id FROM seats WHERE event_id = $1 ORDER BY row_rank, seat_number"
        async with connected(self._urls.databases["inventory"]) as connection:
            return [row["seat_id"] for row in await connection.fetch(statement, event_id)]


def _event(seats: int) -> dict[str, Any]:
    full_rows, rest = divmod(seats, SEATS_PER_ROW)
    rows = [SEATS_PER_ROW] * full_rows + ([rest] if rest else [])
    return {
        "name": f"Benchmark event of {seats} seats",
        "venue": {"name": "Bench Hall", "address": f"{uuid.uuid4()} Loopback Road", "total_halls": 1},
        "hall_id": HALL_ID,
        "event_date": (datetime.now(UTC) + timedelta(days=90)).isoformat(),
        "doors_open_at": datetime.now(UTC).isoformat(),
        "layout": [
            {
                "category": CATEGORY,
                "price": PRICE,
                "rows": [{"row_number": f"R{number}", "seats": size} for number, size in enumerate(rows, start=1)],
            }
        ],
    }
