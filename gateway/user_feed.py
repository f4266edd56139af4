"""A user's own feed: their orders, transfers, sales, payments and jobs, as they happen.

The orchestrator stores and numbers the feed; a `feed.changed` message reports new entries. Nothing is lost while a
client is disconnected: it connects with the last number it has seen and gets what it missed. The feed sends JSON text::

    {"type": "subscribed", "sequence": 41}                 what follows has higher numbers
    {"type": "order.confirmed", "sequence": 42, "id": …, "time": …, "subject": …, "data": {…}}
    {"type": "resync", "sequence": 57}                     some entries up to that number are deleted: read all

The connection is closed with 4401 and the error code as the reason when the login ends (UNAUTHORIZED) or the token
expires (TOKEN_EXPIRED: connect again with a new token). `gateway.live_feed` describes the other codes.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import WebSocket

from common.auth.principal import Principal
from common.auth.user_tokens import TokenExpired
from common.backoff import backoff
from common.errors import ServiceError
from common.messaging.message import Message
from common.telemetry.logs import get_logger
from gateway.auth import SessionRevoked
from gateway.connections import LiveConnections
from gateway.live_feed import ClientTooSlow, Close, Watchers, accept, close_for, run_until_closed
from gateway.revocations import Revocations

__all__ = ["AS_STORED", "FEED_CHANGED", "ReadFeed", "Shape", "UserFeeds"]

FEED_CHANGED: Final = "feed.changed"
SEND_SECONDS: Final = 10.0  # for one message
PARALLEL_READS: Final = 32  # after a reconnection to the broker, every feed is read
FIRST_WAIT_SECONDS: Final = 0.2
MAX_WAIT_SECONDS: Final = 5.0

ReadFeed = Callable[[uuid.UUID, int | None], Awaitable[dict[str, Any]]]
"""Returns a page of a user's feed after a number: ``{"entries": […], "last_sequence": …, "is_complete": …}``."""

Entry = dict[str, Any]

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a client gets for an entry of a feed: at most `most` messages, which `messages_of` makes.

    An entry's last message has `most` times the entry's number, those before it the numbers before that. So numbers rise,
    and a client that has seen some messages of an entry gets the others only.
    """

    messages_of: Callable[[Entry], list[Entry]]
    most: int = 1

    def number_after(self, sequence: int) -> int:
        """Return the number of the last message of an entry."""
        return self.most * sequence

    def entry_before(self, number: int) -> int:
        """Return the number of the last entry whose messages all have at most this number."""
        return number // self.most

    def unseen(self, entry: Entry, last_seen: int) -> list[Entry]:
        """Return the messages of an entry whose numbers are higher than the last one that the client has seen."""
        messages = self.messages_of(entry)
        first = self.number_after(entry["sequence"]) + 1 - len(messages)
        numbered = [message | {"sequence": number} for number, message in enumerate(messages, start=first)]
        return [message for message in numbered if message["sequence"] > last_seen]


AS_STORED: Final = Shape(lambda entry: [entry])


@dataclass(eq=False)
class _Watcher:
    principal: Principal
    feed_id: uuid.UUID
    shape: Shape
    has_news: asyncio.Event = field(default_factory=asyncio.Event)
    is_revoked: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until_login_ends(self) -> Close:
        seconds_left = (self.principal.expires_at - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(seconds_left):
                await self.is_revoked.wait()
        except TimeoutError:
            return close_for(TokenExpired())
        return close_for(SessionRevoked())


class UserFeeds:
    """Sends users their own feeds."""

    def __init__(self, read: ReadFeed, connections: LiveConnections, revocations: Revocations) -> None:
        self._read = read
        self._connections = connections
        self._revocations = revocations
        self._watchers = Watchers[_Watcher]()
        self._reads = asyncio.Semaphore(PARALLEL_READS)

    async def take(self, message: Message) -> None:
        """Handle a `feed.changed` message; its subject is the user's id, or the admins' feed."""
        for watcher in self._watchers.of(message.subject):
            watcher.has_news.set()

    def reload(self) -> None:
        """Read every feed again, because messages may have been missed."""
        for _, watcher in self._watchers.all():
            watcher.has_news.set()

    def close_revoked(self) -> None:
        """Close the connections whose login has ended."""
        for _, watcher in self._watchers.all():
            if self._revocations.covers(watcher.principal.session_id):
                watcher.is_revoked.set()

    async def serve(
        self,
        websocket: WebSocket,
        principal: Principal,
        *,
        since: int | None,
        client: str,
        feed_id: uuid.UUID | None = None,
        shape: Shape = AS_STORED,
    ) -> None:
        """Send the user's feed until the connection ends.

        Args:
            since: the number of the last message the client has seen; without it, only new entries are sent.
            feed_id: another feed, which the caller has checked that the user may read.
            shape: what the client gets for an entry.

        Raises:
            SessionRevoked: the login has just ended.
            Forbidden, TooManyRequests, Unavailable: as `LiveConnections.admitted`.
        """
        watcher = _Watcher(principal, feed_id or principal.user_id, shape)
        with (
            self._connections.admitted(websocket, client=client, user=principal),
            self._watchers.added(str(watcher.feed_id), watcher),
        ):
            if self._revocations.covers(principal.session_id):
                raise SessionRevoked
            await accept(websocket)
            await run_until_closed(
                websocket, sending=self._follow(websocket, watcher, since), ending=watcher.wait_until_login_ends()
            )

    async def _follow(self, websocket: WebSocket, watcher: _Watcher, since: int | None) -> None:
        last_seen = since
        if last_seen is None:
            last_seen = watcher.shape.number_after((await self._page(watcher.feed_id, None))["last_sequence"])
        await _send(websocket, {"type": "subscribed", "sequence": last_seen})
        watcher.has_news.set()
        while True:
            await watcher.has_news.wait()
            watcher.has_news.clear()  # before reading, so that a message during it causes another read
            last_seen = await self._catch_up(websocket, watcher, last_seen)

    async def _catch_up(self, websocket: WebSocket, watcher: _Watcher, last_seen: int) -> int:
        """Send the new messages and return the number of the last one."""
        shape = watcher.shape
        while True:
            position = shape.entry_before(last_seen)
            page = await self._page(watcher.feed_id, position)
            entries, last = page["entries"], page["last_sequence"]
            if not page["is_complete"]:
                position = entries[0]["sequence"] - 1 if entries else last
                last_seen = shape.number_after(position)
                await _send(websocket, {"type": "resync", "sequence": last_seen})
            for entry in entries:
                for message in shape.unseen(entry, last_seen):
                    await _send(websocket, message)
                position = entry["sequence"]
                last_seen = shape.number_after(position)
            if position >= last:
                return last_seen

    async def _page(self, feed_id: uuid.UUID, since: int | None) -> dict[str, Any]:
        """Read a page; retry while the orchestrator is unavailable."""
        pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=MAX_WAIT_SECONDS)
        while True:
            try:
                async with self._reads:
                    return await self._read(feed_id, since)
            except ServiceError as error:
                logger.warning("user_feed.retry_scheduled", code=error.code, **error.private)
            await asyncio.sleep(next(pauses) * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the retries


async def _send(websocket: WebSocket, message: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await websocket.send_text(orjson.dumps(message).decode())
    except TimeoutError as error:
        raise ClientTooSlow from error
