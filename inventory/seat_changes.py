"""`seat.changed`: hints for live seat maps, best effort after commit.

Changes are collected for a moment and leave as one message per event. Nothing waits for them and nothing fails with
them: while the broker is away they are dropped, and clients read the seats again when they reconnect.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from common.errors import Unavailable
from common.messaging.message import Message
from common.messaging.publisher import Publisher
from common.messaging.topology import MESSAGES_EXCHANGE
from common.telemetry.logs import get_logger
from inventory.messages import SOURCE
from inventory.metrics import SEAT_CHANGES_DROPPED
from inventory.schemas import SeatStatus

__all__ = ["SeatChanges"]

MESSAGE_TYPE: Final = "seat.changed"
# One message stays small enough for a WebSocket frame; more seats go in further messages.
SEATS_PER_MESSAGE: Final = 1_000

logger = get_logger(__name__)


class SeatChanges:
    """Collects changes and publishes them every `interval_seconds`."""

    def __init__(self, publisher: Publisher, *, interval_seconds: float) -> None:
        self._publisher = publisher
        self._interval_seconds = interval_seconds
        self._pending: defaultdict[uuid.UUID, dict[uuid.UUID, SeatStatus]] = defaultdict(dict)
        self._noted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="seat changes")

    def note(self, event_id: uuid.UUID, seat_ids: Iterable[uuid.UUID], status: SeatStatus) -> None:
        """Say what just became of these seats; the last word on a seat counts."""
        self._pending[event_id].update(dict.fromkeys(seat_ids, status))
        self._noted.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._noted.wait()
            await asyncio.sleep(self._interval_seconds)
            self._noted.clear()
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
            except Exception as error:  # noqa: BLE001 - a hint is not worth an ended task
                SEAT_CHANGES_DROPPED.inc(len(data["seats"]))
                logger.warning("seat_changes.dropped", seats=len(data["seats"]), reason=repr(error))

    async def _publish(self, message: Message) -> None:
        if not await self._publisher.broker.is_healthy():
            raise Unavailable(reason="the broker is away")  # at once: there will be newer hints when it is back
        await self._publisher.publish(
            message.to_bytes(),
            exchange=MESSAGES_EXCHANGE,
            routing_key=MESSAGE_TYPE,
            message_id=str(message.id),
            mandatory=False,  # nobody may be looking
        )
