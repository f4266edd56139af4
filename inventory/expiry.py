"""Ends expired holds: by the broker's message, or by the sweeper if no message arrives.

`held_until` in the database decides. The seats of an expired hold are free for other users and cannot be sold, even if
the hold has not been ended yet. Ending it shows its seats as free and publishes `hold.expired` for the orchestrator.

The sweeper writes `hold.expired` to the outbox, in the transaction that frees the seats. The consumer publishes it
between its commit and its acknowledgement. If the consumer crashes in between, the broker delivers the message again;
the seats are then free, and `hold.expired` is published because the hold was not sold. So it may be published twice.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.message import Message
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.periodic import PeriodicTask, repeat_while_full
from common.telemetry.logs import get_logger
from inventory.messages import ExpiredHold, HoldMessage
from inventory.metrics import HOLDS_EXPIRED, HOLDS_OPEN
from inventory.repository.expiry import EndedHold, ExpiryRepository
from inventory.repository.halls import HallRepository
from inventory.schemas import SeatStatus
from inventory.seat_changes import SeatChangePublisher

__all__ = ["HoldExpiry", "HoldSweeper", "SeatCountAggregator"]

# The broker's clock and this process's may differ: a message that is up to this early waits until it is due.
EARLY_SECONDS: Final = 2.0
SWEPT_SEATS: Final = 500
"""Per transaction, which takes a few milliseconds. A sweep repeats until no hold is due."""
CHANGES_PER_BATCH: Final = 10_000

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HoldExpiry:
    """Handles `seat.hold` messages from the release queue."""

    holds: ExpiryRepository
    publisher: Publisher
    changes: SeatChangePublisher

    async def handle(self, message: Message) -> None:
        """End the message's hold if it has expired and was not sold.

        Raises:
            InvalidMessage: the message is not about a hold.
            Unavailable: the database or the broker is unavailable; the message is retried.
        """
        hold = HoldMessage.read(message)
        await self._wait_until_due(hold)
        ended = await self.holds.end_hold(hold.hold_id, message)
        if ended.is_sold:
            return
        if ended.live_until is not None:
            logger.warning("hold.message_too_early", hold_id=str(hold.hold_id), live_until=str(ended.live_until))
            return  # the sweeper ends it
        await self._publish(hold, ended)

    async def _wait_until_due(self, hold: HoldMessage) -> None:
        early_seconds = (hold.held_until - datetime.now(UTC)).total_seconds()
        if 0 < early_seconds <= EARLY_SECONDS:
            await asyncio.sleep(early_seconds)

    async def _publish(self, hold: HoldMessage, ended: EndedHold) -> None:
        expired = ExpiredHold(
            hold_id=hold.hold_id, event_id=hold.event_id, user_id=hold.user_id, seat_ids=hold.seat_ids
        )
        message = expired.as_message()
        await self.publisher.publish(
            message.to_bytes(), exchange=MESSAGES_EXCHANGE, routing_key=message.type, message_id=str(message.id)
        )
        if ended.freed_seat_ids:
            HOLDS_EXPIRED.labels("message").inc()
            self.changes.add(hold.event_id, ended.freed_seat_ids, SeatStatus.AVAILABLE)


class HoldSweeper:
    """Ends the expired holds whose message did not arrive, every `interval_seconds`."""

    def __init__(
        self, holds: ExpiryRepository, relay: OutboxRelay, changes: SeatChangePublisher, *, interval_seconds: float
    ) -> None:
        self._holds = holds
        self._relay = relay
        self._changes = changes
        self.task = PeriodicTask(self.sweep, name="sweeper", interval_seconds=interval_seconds)

    async def sweep(self) -> int:
        """End the holds that are due and return how many there were."""
        ended = 0
        while expired := await self._holds.end_due_holds(batch=SWEPT_SEATS):
            ended += len(expired)
            self._report(expired)
        HOLDS_OPEN.set(await self._holds.count_open_holds())
        return ended

    def _report(self, expired: list[ExpiredHold]) -> None:
        self._relay.wake()
        HOLDS_EXPIRED.labels("sweeper").inc(len(expired))
        for hold in expired:
            self._changes.add(hold.event_id, hold.seat_ids, SeatStatus.AVAILABLE)


class SeatCountAggregator:
    """Adds changes to the seat counts, so that availability is cheap to read."""

    def __init__(self, halls: HallRepository, *, interval_seconds: float) -> None:
        self._halls = halls
        self.task = PeriodicTask(self.aggregate, name="seat count aggregator", interval_seconds=interval_seconds)

    async def aggregate(self) -> None:
        await repeat_while_full(self._halls.aggregate_count_changes, batch=CHANGES_PER_BATCH)
