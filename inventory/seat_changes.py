"""Publishes `seat.changed`: hints for live seat maps, after the commit and best effort.

Changes are collected for a short time and sent as one message per event. No request waits for them or fails with them.
While the broker is unavailable they are dropped; clients read the seats again when they reconnect.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from common.background import BackgroundTask
from common.errors import Unavailable
from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.message import Message
from common.messaging.publisher import Publisher
from common.telemetry.logs import get_logger
from inventory.messages import SOURCE
from inventory.metrics import SEAT_CHANGES_DROPPED
from inventory.schemas import SeatStatus

__all__ = ["SeatChangePublisher"]

MESSAGE_TYPE: Final = "seat.changed"
# A message must fit into a WebSocket frame; further seats go into further messages.
SEATS_PER_MESSAGE: Final = 1_000

logger = get_logger(__name__)


class SeatChangePublisher(BackgroundTask):
    """Collects changes and publishes them every `interval_seconds`."""

    def __init__(self, publisher: Publisher, *, interval_seconds: float) -> None:
        super().__init__(self._publish_all, name="seat changes")
        self._publisher = publisher
        self._interval_seconds = interval_seconds
        self._pending: defaultdict[uuid.UUID, dict[uuid.UUID, SeatStatus]] = defaultdict(dict)
        self._has_pending = asyncio.Event()

    def add(self, event_id: uuid.UUID, seat_ids: Iterable[uuid.UUID], status: SeatStatus) -> None:
        """Add the seats' new status; a seat's latest status is published."""
        self._pending[event_id].update(dict.fromkeys(seat_ids, status))
        self._has_pending.set()

    async def _publish_all(self) -> None:
        while True:
            await self._has_pending.wait()
            await asyncio.sleep(self._interval_seconds)
            self._has_pending.clear()
            pending, self._pending = self._pending, defaultdict(dict)
            for event_id, statuses in pending.items():
                await self._publish_or_drop(event_id, statuses)

    async def _publish_or_drop(self, event_id: uuid.UUID, statuses: Mapping[uuid.UUID, SeatStatus]) -> None:
        seats = [{"seat_id": str(seat_id), "status": str(status)} for seat_id, status in statuses.items()]
        for start in range(0, len(seats), SEATS_PER_MESSAGE):
            data = {"event_id": str(event_id), "seats": seats[start : start + SEATS_PER_MESSAGE]}
            message = Message(type=MESSAGE_TYPE, source=SOURCE, subject=str(event_id), data=data)
            try:
                await self._publish(message)
            except Exception as error:  # noqa: BLE001 - a lost hint must not end the task
                SEAT_CHANGES_DROPPED.inc(len(data["seats"]))
                logger.warning("seat_changes.dropped", seats=len(data["seats"]), reason=repr(error))

    async def _publish(self, message: Message) -> None:
        if not await self._publisher.broker.is_healthy():
            raise Unavailable(reason="the broker is unavailable")  # no waiting, because newer hints will follow
        await self._publisher.publish(
            message.to_bytes(),
            exchange=MESSAGES_EXCHANGE,
            routing_key=MESSAGE_TYPE,
            message_id=str(message.id),
            mandatory=False,  # there may be no client
        )
