"""Moves messages from the queue `parking` to a table; each is acknowledged once it is stored."""

import asyncio
import hashlib
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection
from aiormq.exceptions import AMQPError

from common.background import report_failure
from common.backoff import backoff
from common.errors import Unavailable
from common.messaging.broker import Broker
from common.messaging.declarations import PARKING_QUEUE, Topology
from common.messaging.parking import ParkingHeaders
from common.telemetry.logs import get_logger
from orchestrator.features.parked_messages.models.records import Parked
from orchestrator.features.parked_messages.repository import ParkedMessageStore

__all__ = ["ParkedMessageConsumer"]

# Few, because some messages are long and none is urgent.
PREFETCH: Final = 10
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 5.0
CONNECTION_ERRORS: Final = (AMQPError, OSError, RuntimeError)
NAMESPACE: Final = uuid.UUID("5b1f7c0e-4a51-4f0b-8a57-6a1f0c8f3d2e")

logger = get_logger(__name__)


class ParkedMessageConsumer:
    """Consumes `parking` on its own connection. Its content need not be a valid `Message`."""

    def __init__(self, url: str, *, service: str, topology: Topology, store: ParkedMessageStore) -> None:
        self.broker = Broker(url, name=f"{service} {PARKING_QUEUE}", topology=topology, on_connected=self._subscribe)
        self._store = store
        self._channel: AbstractChannel | None = None  # kept: a channel survives a reconnection only while referenced

    async def _subscribe(self, connection: AbstractRobustConnection) -> None:
        self._channel = channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(PARKING_QUEUE)
        await queue.consume(self._receive)

    async def _receive(self, incoming: AbstractIncomingMessage) -> None:
        await self._store_parked(_parked(incoming))
        with suppress(*CONNECTION_ERRORS):  # the broker redelivers the message, which is already stored
            await incoming.ack()

    async def _store_parked(self, parked: Parked) -> None:
        """Retry until the message is stored, even if the database is unavailable for long."""
        pauses = backoff(FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS)
        while True:
            try:
                await self._store.store(parked)
            except Unavailable as error:
                logger.warning("parking.database_unavailable", **error.private)
            except Exception as error:  # noqa: BLE001 - whatever the error, the message must not be lost
                report_failure(PARKING_QUEUE, error)
            else:
                return
            await asyncio.sleep(next(pauses))


def _parked(incoming: AbstractIncomingMessage) -> Parked:
    headers = ParkingHeaders.read(incoming.headers or {})
    message_id = _plain(incoming.message_id or "")
    parked_at = headers.parked_at.isoformat() if headers else ""
    identity = "\n".join((parked_at, message_id, hashlib.sha256(incoming.body).hexdigest()))
    return Parked(
        parked_id=uuid.uuid5(NAMESPACE, identity),
        message_id=message_id,
        queue=_plain(headers.queue) if headers and headers.queue else None,
        reason=_plain(headers.reason) if headers else "",
        body=incoming.body,
        parked_at=headers.parked_at if headers else datetime.now(UTC),
    )


def _plain(text: str) -> str:
    """Replace U+0000, which PostgreSQL's text cannot hold."""
    return text.replace("\0", "?")
