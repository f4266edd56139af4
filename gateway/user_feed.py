"""A person's own feed: orders, transfers, sales, payments and jobs of theirs, as they happen.

The feed is kept by the orchestrator and numbered; a `feed.changed` message says that there is more to read. So nothing
is lost while a client is away: it comes back with the last number it has seen, and first gets what it missed.

What a client receives, as JSON text::

    {"type": "subscribed", "sequence": 41}                 what follows has higher numbers
    {"type": "order.confirmed", "sequence": 42, "id": …, "time": …, "subject": …, "data": {…}}
    {"type": "resync", "sequence": 57}                     some before that number are not kept: read anew

It is closed with 4401 and the error code as the reason when its login or its token ends (UNAUTHORIZED,
TOKEN_EXPIRED: connect again with a fresh token), with 1013 when it does not read, with 1008 when it sends anything.
A connection that may not be is refused as those for seat maps are (`gateway.seat_map_feed`).
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import WebSocket

from common.auth.principal import Principal
from common.auth.user_tokens import TokenExpired
from common.backoff import backoff
from common.errors import ServiceError, Unauthenticated
from common.http.errors import STATUS_OF_KIND
from common.messaging.message import Message
from common.telemetry.logs import get_logger
from gateway.auth import SessionRevoked
from gateway.connections import LiveConnections
from gateway.revocations import Revocations
from gateway.seat_map_feed import DROPPED, POLICY_VIOLATION, PRIVATE_CODES, TRY_AGAIN_LATER, close

__all__ = ["FEED_CHANGED", "ReadFeed", "UserFeeds"]

FEED_CHANGED: Final = "feed.changed"
SEND_SECONDS: Final = 10.0  # who has not taken a message by then does not read
READS_AT_ONCE: Final = 32  # when the broker comes back, everybody looks whether there is more
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0

ReadFeed = Callable[[uuid.UUID, int | None], Awaitable[dict[str, Any]]]
"""Returns a page of somebody's feed after a number: ``{"entries": […], "last_sequence": …, "is_complete": …}``."""

logger = get_logger(__name__)


@dataclass(eq=False)
class _Watcher:
    principal: Principal
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class _Silent(Exception):
    pass


class UserFeeds:
    """Who watches their own feed."""

    def __init__(self, read: ReadFeed, door: LiveConnections, revocations: Revocations) -> None:
        self._read = read
        self._door = door
        self._revocations = revocations
        self._watchers: dict[str, set[_Watcher]] = {}
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def take(self, message: Message) -> None:
        """Handle a `feed.changed` message; its subject is the user's id."""
        for watcher in self._watchers.get(message.subject, ()):
            watcher.wanted.set()

    def look_again(self) -> None:
        """Say that messages may have been missed."""
        for watcher in self._all():
            watcher.wanted.set()

    def end_revoked(self) -> None:
        """Say that logins have ended: theirs are closed."""
        for watcher in self._all():
            if self._revocations.covers(watcher.principal.session_id):
                watcher.ended.set()

    async def serve(self, websocket: WebSocket, principal: Principal, *, since: int | None, client: str) -> None:
        """Send what happens to that person until they leave, or may not listen any more.

        Args:
            since: the last number they have seen; without it, what happens from now on.

        Raises:
            Forbidden: a page of another origin asks.
            SessionRevoked: the login ended just now.
            TooManyRequests: its address has too many connections already.
            Unavailable: we have too many.
        """
        with self._door.admitted(websocket, client), self._watching(principal) as watcher:
            if self._revocations.covers(principal.session_id):
                raise SessionRevoked
            await websocket.accept()
            await self._run(websocket, watcher, since)

    @contextmanager
    def _watching(self, principal: Principal) -> Iterator[_Watcher]:
        user_id, watcher = str(principal.user_id), _Watcher(principal)
        watchers = self._watchers.setdefault(user_id, set())
        watchers.add(watcher)
        try:
            yield watcher
        finally:
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop(user_id, None)

    def _all(self) -> list[_Watcher]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]

    async def _run(self, websocket: WebSocket, watcher: _Watcher, since: int | None) -> None:
        following = asyncio.create_task(self._follow(websocket, watcher, since))
        hearing = asyncio.create_task(websocket.receive())  # its first message, or its leaving
        ending = asyncio.create_task(watcher.ended.wait())
        tasks = (following, hearing, ending)
        seconds_left = (watcher.principal.expires_at - datetime.now(UTC)).total_seconds()
        try:
            done, _ = await asyncio.wait(tasks, timeout=seconds_left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        if ending in done or not done:
            await _say_goodbye(websocket, SessionRevoked() if ending in done else TokenExpired())
        elif isinstance(outcomes[0], _Silent):
            DROPPED.inc()
            await close(websocket, TRY_AGAIN_LATER, "You fell behind: connect again.")
        elif isinstance(outcomes[1], dict) and outcomes[1]["type"] == "websocket.receive":
            await close(websocket, POLICY_VIOLATION, "There is nothing to say here.")

    async def _follow(self, websocket: WebSocket, watcher: _Watcher, since: int | None) -> None:
        user_id = watcher.principal.user_id
        position = since if since is not None else (await self._page(user_id, None))["last_sequence"]
        await _send(websocket, {"type": "subscribed", "sequence": position})
        watcher.wanted.set()
        while True:
            await watcher.wanted.wait()
            watcher.wanted.clear()  # before reading: what comes meanwhile is looked for again
            position = await self._catch_up(websocket, user_id, position)

    async def _catch_up(self, websocket: WebSocket, user_id: uuid.UUID, position: int) -> int:
        """Send what is new, and return the number of the last entry."""
        while True:
            page = await self._page(user_id, position)
            entries, last = page["entries"], page["last_sequence"]
            if not page["is_complete"]:
                position = entries[0]["sequence"] - 1 if entries else last
                await _send(websocket, {"type": "resync", "sequence": position})
            for entry in entries:
                await _send(websocket, entry)
                position = entry["sequence"]
            if position >= last:
                return position

    async def _page(self, user_id: uuid.UUID, since: int | None) -> dict[str, Any]:
        """Read a page, however long the orchestrator is away."""
        pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS)
        while True:
            try:
                async with self._reads:
                    return await self._read(user_id, since)
            except ServiceError as error:
                logger.warning("me.waits", code=error.code, **error.private)
            await asyncio.sleep(next(pauses) * random.uniform(0.5, 1.5))  # noqa: S311 - so that not all ask at once


async def _send(websocket: WebSocket, said: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await websocket.send_text(orjson.dumps(said).decode())
    except TimeoutError as error:
        raise _Silent from error


async def _say_goodbye(websocket: WebSocket, error: Unauthenticated) -> None:
    await close(websocket, PRIVATE_CODES + STATUS_OF_KIND[error.kind], error.code)
