"""Live seat maps: `seat.changed` messages to everybody who looks at that event (T1).

Hints, not the truth: a client reads the seats once it is connected, and again when it is told to or was cut off.

What a client receives, as JSON text::

    {"type": "subscribed", "event_id": …}
    {"type": "seat.changed", "event_id": …, "seats": [{"seat_id": …, "status": …}, …]}
    {"type": "resync", "event_id": …}           messages may have been missed: read the seats again

It is closed with 1013 when it takes messages too slowly, with 1008 when it sends any: there is nothing to say here.
A connection that may not be is closed at once with 4000 plus the HTTP status of the refusal (4400, 4403, 4404, 4429,
4503) and the error code as the reason, because browsers show their page neither the status nor the body of a refused
handshake.
"""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import orjson
from fastapi import WebSocket
from prometheus_client import Counter

from common.errors import ServiceError
from common.http.errors import STATUS_OF_KIND
from common.messaging.message import Message
from gateway.connections import LiveConnections

__all__ = [
    "DROPPED",
    "POLICY_VIOLATION",
    "PRIVATE_CODES",
    "SEAT_CHANGED",
    "TRY_AGAIN_LATER",
    "SeatMapFeed",
    "close",
    "refuse",
]

SEAT_CHANGED: Final = "seat.changed"
POLICY_VIOLATION: Final = 1008  # RFC 6455 §7.4.1
TRY_AGAIN_LATER: Final = 1013  # IANA's WebSocket close code registry
PRIVATE_CODES: Final = 4000  # RFC 6455 §7.4.2: 4000 to 4999 are the application's
CLOSE_SECONDS: Final = 1.0  # who does not read does not take a close frame either

DROPPED: Final = Counter("live_dropped_total", "Clients cut off because they were too slow.")


class _Watcher:
    """One client's backlog of messages not yet sent."""

    def __init__(self, backlog: int) -> None:
        self.messages: asyncio.Queue[str] = asyncio.Queue(backlog)
        self.fell_behind = asyncio.Event()

    def offer(self, text: str) -> None:
        try:
            self.messages.put_nowait(text)
        except asyncio.QueueFull:
            self.fell_behind.set()


class SeatMapFeed:
    """Who watches which event, and what they are told.

    Args:
        backlog: how many messages a client may be behind.
    """

    def __init__(self, door: LiveConnections, *, backlog: int) -> None:
        self._door = door
        self._backlog = backlog
        self._watchers: dict[str, set[_Watcher]] = {}

    async def take(self, message: Message) -> None:
        """Handle a `seat.changed` message; its subject is the event's id."""
        watchers = self._watchers.get(message.subject)
        if watchers:
            _tell(watchers, SEAT_CHANGED, message.subject, seats=message.data["seats"])

    def resync(self) -> None:
        """Tell everybody that messages may have been missed."""
        for event_id, watchers in self._watchers.items():
            _tell(watchers, "resync", event_id)

    async def serve(self, websocket: WebSocket, event_id: uuid.UUID, *, client: str) -> None:
        """Send that event's changes until the client leaves or is cut off.

        Raises:
            Forbidden: a page of another origin asks.
            TooManyRequests: its address has too many connections already.
            Unavailable: we have too many.
        """
        with self._door.admitted(websocket, client), self._watching(str(event_id)) as watcher:
            await websocket.accept()
            watcher.offer(_text("subscribed", str(event_id)))
            await _run(websocket, watcher)

    @contextmanager
    def _watching(self, event_id: str) -> Iterator[_Watcher]:
        watcher = _Watcher(self._backlog)
        watchers = self._watchers.setdefault(event_id, set())
        watchers.add(watcher)
        try:
            yield watcher
        finally:
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop(event_id, None)


async def refuse(websocket: WebSocket, error: ServiceError) -> None:
    await websocket.accept()
    await close(websocket, PRIVATE_CODES + STATUS_OF_KIND[error.kind], error.code)


async def _run(websocket: WebSocket, watcher: _Watcher) -> None:
    sending = asyncio.create_task(_send(websocket, watcher))
    hearing = asyncio.create_task(websocket.receive())  # its first message, or its leaving
    behind = asyncio.create_task(watcher.fell_behind.wait())
    tasks = (sending, hearing, behind)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    if outcomes[2] is True:
        DROPPED.inc()
        await close(websocket, TRY_AGAIN_LATER, "You fell behind: connect again and read the seats anew.")
    elif isinstance(outcomes[1], dict) and outcomes[1]["type"] == "websocket.receive":
        await close(websocket, POLICY_VIOLATION, "There is nothing to say here.")


async def _send(websocket: WebSocket, watcher: _Watcher) -> None:
    while True:
        await websocket.send_text(await watcher.messages.get())


async def close(websocket: WebSocket, code: int, reason: str) -> None:
    with suppress(TimeoutError, RuntimeError, OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(code, reason)


def _tell(watchers: set[_Watcher], kind: str, event_id: str, **facts: object) -> None:
    text = _text(kind, event_id, **facts)
    for watcher in watchers:
        watcher.offer(text)


def _text(kind: str, event_id: str, **facts: object) -> str:
    return orjson.dumps({"type": kind, "event_id": event_id, **facts}).decode()
