"""An event that is called off by an admin, watched until every order is refunded."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bench.connection import Connection
from bench.errors import BenchFailedError

__all__ = ["Cancellation", "call_off"]

LOOK_EVERY_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """How many orders were refunded, and in what time."""

    orders: int
    seconds: float


async def call_off(url: str, event_id: uuid.UUID, *, admin_token: str) -> Cancellation:
    """Cancel the event. Whoever asks again is told how far it is.

    Raises:
        BenchFailedError: it was refused, needs people, or takes longer than an hour.
    """
    connection = await Connection.open(url)
    began = time.perf_counter()
    try:
        while (progress := await _look(connection, event_id, admin_token))["state"] != "COMPLETED":
            if progress["state"] == "STUCK" or time.perf_counter() - began > PATIENCE_SECONDS:
                raise BenchFailedError(f"The cancellation does not come to its end: {progress}")
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    finally:
        connection.close()
    return Cancellation(orders=progress["orders_refunded"], seconds=time.perf_counter() - began)


async def _look(connection: Connection, event_id: uuid.UUID, admin_token: str) -> dict[str, Any]:
    answer = await connection.post(f"/api/admin/events/{event_id}/cancel", {}, token=admin_token)
    if answer.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        raise BenchFailedError(f"The cancellation was refused: {answer.status} {answer.content.decode()}")
    progress: dict[str, Any] = answer.data
    return progress
