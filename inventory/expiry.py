"""Holds end on time: by the broker's message, or by the sweeper when no message came.

`held_until` in the database is the truth. A hold that is over is free for others and cannot be sold, whether or not
anybody has ended it yet; ending it returns its seats to view and tells the orchestrator with `hold.expired`.

The sweeper leaves `hold.expired` in the outbox, in the transaction that frees the seats. The consumer publishes it
itself, between its commit and its acknowledgement. If it dies in between, the broker delivers the message again; the
seats are then free already, and `hold.expired` is published because the hold was not sold. So it may be said twice,
and its listener must not mind.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

from common.messaging.message import Message
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.messaging.topology import MESSAGES_EXCHANGE
from common.periodic import PeriodicTask, repeat_while_full
from common.telemetry.logs import get_logger
from inventory.messages import ExpiredHold, HoldMessage
from inventory.metrics import HOLDS_EXPIRED, HOLDS_OPEN
from inventory.repository.expiry import EndedHold, ExpiryRepository
from inventory.repository.hall import HallRepository
from inventory.schemas import SeatStatus
from inventory.seat_changes import SeatChanges

__all__ = ["HoldExpiry", "SeatCountAggregator", "Sweeper"]

# The broker's clock and ours may differ a little: a message that comes this early waits for its time.
EARLY_SECONDS: Final = 2.0
SWEPT_SEATS: Final = 500
"""In one transaction: a few milliseconds. A sweep repeats until nothing is due."""
BATCH_SIZE: Final = 10_000  # changes that one statement adds up

logger = get_logger(__name__)


class HoldExpiry:
    """Handles `seat.hold` messages from the release queue."""

    def __init__(self, holds: ExpiryRepository, publisher: Publisher, changes: SeatChanges) -> None:
        self._holds = holds
        self._publisher = publisher
        self._changes = changes

    async def handle(self, message: Message) -> None:
        """End the message's hold if its time is over and it was not sold.

        Raises:
            InvalidMessage: it does not tell of a hold.
            Unavailable: the database or the broker is away; the message comes again.
        """
        hold = HoldMessage.read(message)
        await self._wait_until_due(hold)
        ended = await self._holds.end_hold(hold.hold_id, message)
        if ended.is_sold:
            return
        if ended.live_until is not None:
            logger.warning("hold.message_too_early", hold_id=str(hold.hold_id), live_until=str(ended.live_until))
            return  # the sweeper ends it
        await self._tell(hold, ended)

    async def _wait_until_due(self, hold: HoldMessage) -> None:
        early_seconds = (hold.held_until - datetime.now(UTC)).total_seconds()
        if 0 < early_seconds <= EARLY_SECONDS:
            await asyncio.sleep(early_seconds)

    async def _tell(self, hold: HoldMessage, ended: EndedHold) -> None:
        expired = ExpiredHold(
            hold_id=hold.hold_id, event_id=hold.event_id, user_id=hold.user_id, seat_ids=hold.seat_ids
        )
        message = expired.as_message()
        await self._publisher.publish(
            message.to_bytes(), exchange=MESSAGES_EXCHANGE, routing_key=message.type, message_id=str(message.id)
        )
        if ended.freed_seat_ids:
            HOLDS_EXPIRED.labels("message").inc()
            self._changes.note(hold.event_id, ended.freed_seat_ids, SeatStatus.AVAILABLE)


class Sweeper:
    """Ends the holds whose message never came, every `interval_seconds`."""

    def __init__(
        self, holds: ExpiryRepository, relay: OutboxRelay, changes: SeatChanges, *, interval_seconds: float
    ) -> None:
        self._holds = holds
        self._relay = relay
        self._changes = changes
        self.task = PeriodicTask(self.sweep, name="sweeper", interval_seconds=interval_seconds)

    async def sweep(self) -> int:
        """End what is due and return how many holds that were."""
        ended = 0
        while expired := await self._holds.end_due_holds(batch=SWEPT_SEATS):
            ended += len(expired)
            self._tell(expired)
        HOLDS_OPEN.set(await self._holds.count_open_holds())
        return ended

    def _tell(self, expired: list[ExpiredHold]) -> None:
        self._relay.wake()
        HOLDS_EXPIRED.labels("sweeper").inc(len(expired))
        for hold in expired:
            self._changes.note(hold.event_id, hold.seat_ids, SeatStatus.AVAILABLE)


class SeatCountAggregator:
    """Adds changes up into the seat counts, so that availability stays cheap to ask."""

    def __init__(self, halls: HallRepository, *, interval_seconds: float) -> None:
        self._halls = halls
        self.task = PeriodicTask(self.aggregate, name="seat count aggregator", interval_seconds=interval_seconds)

    async def aggregate(self) -> None:
        await repeat_while_full(self._halls.fold_count_changes, batch=BATCH_SIZE)
