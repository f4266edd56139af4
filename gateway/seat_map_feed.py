"""Live seat maps: `seat.changed` messages for every client that watches the event (T1).

The messages are hints, not the truth: a client reads the seats after it has connected, and again after a `resync`.
The feed sends JSON text::

    {"type": "subscribed", "event_id": …}
    {"type": "seat.changed", "event_id": …, "seats": [{"seat_id": …, "status": …}, …]}
    {"type": "resync", "event_id": …}           messages may have been missed: read the seats again

`gateway.live_feed` describes how a connection is closed.
"""

import asyncio
import uuid
from typing import Final

import orjson
from fastapi import WebSocket

from common.auth.principal import Principal
from common.messaging.message import Message
from gateway.connections import LiveConnections
from gateway.live_feed import ClientTooSlow, Close, Watchers, accept, run_until_closed

SEAT_CHANGED: Final = "seat.changed"


class _Watcher:
    """A client's backlog of messages not yet sent."""

    def __init__(self, backlog: int) -> None:
        self._messages: asyncio.Queue[str] = asyncio.Queue(backlog)
        self._is_behind = asyncio.Event()

    def offer(self, text: str) -> None:
        try:
            self._messages.put_nowait(text)
        except asyncio.QueueFull:
            self._is_behind.set()

    async def send_to(self, websocket: WebSocket) -> None:
        while True:
            await websocket.send_text(await self._messages.get())

    async def wait_until_behind(self) -> Close:
        await self._is_behind.wait()
        raise ClientTooSlow


class SeatMapFeed:
    """Sends seat changes to the clients that watch an event.

    Args:
        backlog: how many messages a client may be behind.
    """

    def __init__(self, connections: LiveConnections, *, backlog: int) -> None:
        self._connections = connections
        self._backlog = backlog
        self._watchers = Watchers[_Watcher]()

    async def take(self, message: Message) -> None:
        """Handle a `seat.changed` message; its subject is the event's id."""
        if watchers := self._watchers.of(message.subject):
            text = _text(SEAT_CHANGED, message.subject, seats=message.data["seats"])
            for watcher in watchers:
                watcher.offer(text)

    def resync(self) -> None:
        """Notify every client that messages may have been missed."""
        for event_id, watcher in self._watchers.all():
            watcher.offer(_text("resync", event_id))

    async def serve(self, websocket: WebSocket, event_id: uuid.UUID, *, client: str, user: Principal | None) -> None:
        """Send the event's changes until the connection ends.

        Args:
            user: None if anonymous.

        Raises:
            Forbidden, TooManyRequests, Unavailable: as `LiveConnections.admitted`.
        """
        topic = str(event_id)
        with (
            self._connections.admitted(websocket, client=client, user=user),
            self._watchers.added(topic, _Watcher(self._backlog)) as watcher,
        ):
            await accept(websocket)
            watcher.offer(_text("subscribed", topic))
            await run_until_closed(websocket, sending=watcher.send_to(websocket), ending=watcher.wait_until_behind())


def _text(kind: str, event_id: str, **facts: object) -> str:
    return orjson.dumps({"type": kind, "event_id": event_id, **facts}).decode()
