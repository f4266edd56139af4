"""Takes messages out of the queue `parking` and keeps them; each is acknowledged when it is stored."""

import asyncio
import hashlib
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection
from aiormq.exceptions import AMQPError

from common.backoff import backoff
from common.errors import Unavailable
from common.messaging.broker import Broker
from common.messaging.parking import ParkingHeaders
from common.messaging.topology import PARKING_QUEUE, Topology
from common.telemetry.logs import get_logger
from orchestrator.features.parked_messages.models.records import Parked
from orchestrator.features.parked_messages.repository import ParkedMessageStore

__all__ = ["ParkedMessageConsumer"]

# They are read by people, and some are long.
PREFETCH: Final = 10
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0
BROKEN: Final = (AMQPError, OSError, RuntimeError)
NAMESPACE: Final = uuid.UUID("5b1f7c0e-4a51-4f0b-8a57-6a1f0c8f3d2e")

logger = get_logger(__name__)


class ParkedMessageConsumer:
    """Reads `parking` on a connection of its own. What is there need not be a message of ours."""

    def __init__(self, url: str, *, service: str, topology: Topology, store: ParkedMessageStore) -> None:
        self.broker = Broker(url, name=f"{service} {PARKING_QUEUE}", topology=topology, on_connected=self._subscribe)
        self._store = store
        self._channel: AbstractChannel | None = None  # kept: only what is referred to survives a reconnection

    async def _subscribe(self, connection: AbstractRobustConnection) -> None:
        self._channel = channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(PARKING_QUEUE)
        await queue.consume(self._take)

    async def _take(self, incoming: AbstractIncomingMessage) -> None:
        await self._keep(_parked(incoming))
        with suppress(*BROKEN):  # the connection is gone: it comes again, and is kept already
            await incoming.ack()

    async def _keep(self, parked: Parked) -> None:
        """Store it, however long that takes: there is no other place for it."""
        pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS)
        while True:
            try:
                await self._store.store(parked)
            except Unavailable as error:
                logger.warning("parking.waits", **error.private)
            except Exception:
                logger.exception("parking.failed", parked_id=str(parked.parked_id))
            else:
                return
            await asyncio.sleep(next(pauses))


def _parked(incoming: AbstractIncomingMessage) -> Parked:
    ticket = ParkingHeaders.read(incoming.headers or {})
    message_id = _plain(incoming.message_id or "")
    when = ticket.parked_at.isoformat() if ticket else ""
    told_apart_by = "\n".join((when, message_id, hashlib.sha256(incoming.body).hexdigest()))
    return Parked(
        parked_id=uuid.uuid5(NAMESPACE, told_apart_by),
        message_id=message_id,
        queue=_plain(ticket.queue) if ticket and ticket.queue else None,
        reason=_plain(ticket.reason) if ticket else "",
        body=incoming.body,
        parked_at=ticket.parked_at if ticket else datetime.now(UTC),
    )


def _plain(words: str) -> str:
    """Replace what PostgreSQL has no place for in a text (U+0000)."""
    return words.replace("\0", "?")
