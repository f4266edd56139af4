"""The common part of the live feeds: watchers, and how a WebSocket connection ends.

A connection is closed with 1013 if its client reads too slowly, with 1008 if the client sends a message, with 1011 after an
unexpected error. A refused
connection is accepted and closed at once, with 4000 plus the HTTP status of the refusal (4400, 4401, 4403, 4404, 4429,
4503) and the error code as the reason, because browsers show neither the status nor the body of a refused handshake.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Generic, NamedTuple, TypeVar

from fastapi import WebSocket
from prometheus_client import Counter

from common.background import report_failure
from common.errors import ServiceError
from common.http.error_mapping import STATUS_OF_KIND

__all__ = ["BEARER", "ClientTooSlow", "Close", "Watchers", "accept", "close_for", "refuse", "run_until_closed"]

INTERNAL_ERROR: Final = 1011
POLICY_VIOLATION: Final = 1008  # RFC 6455 §7.4.1
TRY_AGAIN_LATER: Final = 1013  # IANA's WebSocket close code registry
PRIVATE_CODES: Final = 4000  # RFC 6455 §7.4.2: 4000 to 4999 are for applications
# The subprotocol of a client that offers its access token as the next one, because a script can set no header.
BEARER: Final = "bearer"
CLOSE_SECONDS: Final = 1.0  # a client that does not read does not respond to a close frame either

DROPPED: Final = Counter("live_dropped_total", "Connections closed because their clients were too slow.")

Watcher = TypeVar("Watcher")


class Close(NamedTuple):
    code: int
    reason: str


class ClientTooSlow(Exception):
    """The client does not read its messages in time."""


class Watchers(Generic[Watcher]):
    """The watchers of a feed, by topic."""

    def __init__(self) -> None:
        self._by_topic: dict[str, set[Watcher]] = {}

    def of(self, topic: str) -> set[Watcher]:
        return self._by_topic.get(topic, set())

    def all(self) -> list[tuple[str, Watcher]]:
        return [(topic, watcher) for topic, watchers in self._by_topic.items() for watcher in watchers]

    @contextmanager
    def added(self, topic: str, watcher: Watcher) -> Iterator[Watcher]:
        """Keep the watcher for the length of the block."""
        watchers = self._by_topic.setdefault(topic, set())
        watchers.add(watcher)
        try:
            yield watcher
        finally:
            watchers.discard(watcher)
            if not watchers:
                self._by_topic.pop(topic, None)


async def run_until_closed(
    websocket: WebSocket, *, sending: Coroutine[Any, Any, None], ending: Coroutine[Any, Any, Close]
) -> None:
    """Run both coroutines until one ends or the client leaves or sends a message, and close the connection.

    Args:
        sending: sends the feed. It, or `ending`, raises `ClientTooSlow` if the client is.
        ending: waits until the connection must end.
    """
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(sending),
        asyncio.create_task(websocket.receive()),  # its first message, or its disconnection
        asyncio.create_task(ending),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        sent, received, end = await asyncio.gather(*tasks, return_exceptions=True)
    error = next((each for each in (sent, end) if isinstance(each, Exception)), None)
    if isinstance(end, Close):
        await _close(websocket, end)
    elif isinstance(error, ClientTooSlow):
        DROPPED.inc()
        await _close(websocket, Close(TRY_AGAIN_LATER, "You fell behind: connect again."))
    elif isinstance(received, dict) and received["type"] == "websocket.receive":
        await _close(websocket, Close(POLICY_VIOLATION, "This feed takes no messages."))
    elif error is not None and not isinstance(received, dict):  # the client has not left
        report_failure("live feed", error)
        await _close(websocket, Close(INTERNAL_ERROR, "Connect again."))


def close_for(error: ServiceError) -> Close:
    return Close(PRIVATE_CODES + STATUS_OF_KIND[error.kind], error.code)


async def accept(websocket: WebSocket) -> None:
    """Accept a connection. A browser closes one whose subprotocols are all ignored, so `bearer` is chosen if offered."""
    await websocket.accept(subprotocol=BEARER if BEARER in websocket.scope["subprotocols"] else None)


async def refuse(websocket: WebSocket, error: ServiceError) -> None:
    await accept(websocket)
    await _close(websocket, close_for(error))


async def _close(websocket: WebSocket, end: Close) -> None:
    with suppress(TimeoutError, RuntimeError, OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(end.code, end.reason)
