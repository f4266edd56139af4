"""Publishes the messages that users and inventory send to every gateway."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.message import Message
from common.messaging.publisher import Publisher
from rabbitmq.topology import platform_topology


class MessagePublisher:
    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def revoke(self, session_id: uuid.UUID) -> None:
        expires_at = (datetime.now(UTC) + timedelta(minutes=15)).isoformat()
        await self.publish(
            "session.revoked", str(session_id), {"session_id": str(session_id), "expires_at": expires_at}
        )

    async def change_seats(self, event_id: uuid.UUID, *seats: dict[str, str]) -> None:
        await self.publish("seat.changed", str(event_id), {"event_id": str(event_id), "seats": list(seats)})

    async def publish(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        await self.send(kind, Message(type=kind, source="tests", subject=subject, data=data).to_bytes())

    async def send(self, routing_key: str, body: bytes) -> None:
        await self._publisher.publish(
            body, exchange=MESSAGES_EXCHANGE, routing_key=routing_key, message_id=str(uuid.uuid4()), mandatory=False
        )


@asynccontextmanager
async def publishing(rabbitmq_url: str) -> AsyncIterator[MessagePublisher]:
    publisher = Publisher(rabbitmq_url, service="tests", topology=platform_topology(), timeout_seconds=5)
    publisher.broker.start()
    try:
        yield MessagePublisher(publisher)
    finally:
        await publisher.broker.close()
