"""Cancels an event and waits until every order is refunded."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bench.connection import Connection
from bench.errors import BenchFailedError

__all__ = ["Cancellation", "cancel_event"]

POLL_SECONDS: Final = 0.5
TIMEOUT_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The number of refunded orders and the duration."""

    orders: int
    seconds: float


async def cancel_event(url: str, event_id: uuid.UUID, *, admin_token: str) -> Cancellation:
    """Cancel the event. A repeated request returns the progress.

    Raises:
        BenchFailedError: the request was refused, or the cancellation is stuck or takes longer than an hour.
    """
    connection = await Connection.open(url)
    began = time.perf_counter()
    try:
        while (progress := await _progress(connection, event_id, admin_token))["state"] != "COMPLETED":
            if progress["state"] == "STUCK" or time.perf_counter() - began > TIMEOUT_SECONDS:
                raise BenchFailedError(f"The cancellation did not complete: {progress}")
            await asyncio.sleep(POLL_SECONDS)
    finally:
        connection.close()
    return Cancellation(orders=progress["orders_refunded"], seconds=time.perf_counter() - began)


async def _progress(connection: Connection, event_id: uuid.UUID, admin_token: str) -> dict[str, Any]:
    answer = await connection.post(f"/api/admin/events/{event_id}/cancel", {}, token=admin_token)
    if answer.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        raise BenchFailedError(f"The cancellation was refused: {answer.status} {answer.content.decode()}")
    progress: dict[str, Any] = answer.data
    return progress
