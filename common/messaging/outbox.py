"""The outbox: a message is a row, written in the transaction of the change that it reports.

The relay is woken after a commit, and polls for rows that another process left. It claims unsent rows with SKIP LOCKED,
not by position, so that copies of a service share the work.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text, func, text
from sqlalchemy.dialects import postgresql

from common.background import BackgroundTask, report_failure
from common.backoff import backoff
from common.db.engine import Database, Row
from common.db.retention import Retention, RetentionTask
from common.errors import ServiceError
from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.message import Message
from common.messaging.publisher import NotRouted, Publisher
from common.periodic import PeriodicTask
from common.telemetry.logs import get_logger
from common.telemetry.metrics import OUTBOX_LAG_SECONDS
from common.telemetry.tracing import TRACEPARENT, continuing, is_tracing

__all__ = [
    "ANNOUNCE", "BATCH", "OutboxRelay", "OutgoingMessage", "message_arrays", "outbox_row", "outbox_table", "sent_retention",
]  # fmt: skip

BATCH: Final = 100
# Sent rows are kept, so that what the broker loses afterwards can be sent again (`common.messaging.resend`).
KEEP_HOURS: Final = 72
# Measuring reads one index entry. It continues while nothing can be sent, because the lag matters most then.
LAG_EVERY_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 5.0
REST_SECONDS: Final = 5.0

logger = get_logger(__name__)


def outbox_table(metadata: MetaData) -> Table:
    """Define the table in a service's metadata."""
    return Table(
        "outbox",
        metadata,
        Column("message_id", postgresql.UUID(as_uuid=True), primary_key=True),
        Column("exchange", Text, nullable=False),
        Column("routing_key", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        Column("sent_at", DateTime(timezone=True)),
        Index("ix_outbox_unsent", "created_at", postgresql_where=text("sent_at IS NULL")),
        Index("ix_outbox_sent", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
    )


def outbox_row(message: Message) -> dict[str, Any]:
    """Return the values to insert into `outbox`, in the transaction of the change that the message reports."""
    return {
        "message_id": message.id,
        "exchange": MESSAGES_EXCHANGE,
        "routing_key": message.type,
        "body": message.to_bytes(),
    }


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message for the outbox with its exchange and routing key."""

    message: Message
    exchange: str
    routing_key: str


# Messages are passed as arrays, so that a write with any number of them is the same statement.
ANNOUNCE: Final = """
    announced AS (
        INSERT INTO outbox (message_id, exchange, routing_key, body)
        SELECT m.message_id, m.exchange, m.routing_key, m.body
        FROM unnest(CAST(:message_ids AS uuid[]), CAST(:exchanges AS text[]),
                    CAST(:routing_keys AS text[]), CAST(:bodies AS bytea[]))
             AS m (message_id, exchange, routing_key, body)
        WHERE EXISTS (SELECT FROM written))
"""
"""The CTE that stores messages if the CTE ``written`` has a row; `message_arrays` returns its parameters."""


def message_arrays(messages: Sequence[OutgoingMessage]) -> dict[str, list[Any]]:
    """Return the parameters of `ANNOUNCE`."""
    return {
        "message_ids": [outgoing.message.id for outgoing in messages],
        "exchanges": [outgoing.exchange for outgoing in messages],
        "routing_keys": [outgoing.routing_key for outgoing in messages],
        "bodies": [outgoing.message.to_bytes() for outgoing in messages],
    }


_CLAIM: Final = text(
    """
    SELECT message_id, exchange, routing_key, body, created_at FROM outbox
    WHERE sent_at IS NULL AND message_id <> ALL(CAST(:resting AS uuid[]))
    ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
    """
)
_MARK_SENT: Final = text("UPDATE outbox SET sent_at = clock_timestamp() WHERE message_id = ANY(:message_ids)")
_OLDEST: Final = text("SELECT clock_timestamp() - min(created_at) AS lag FROM outbox WHERE sent_at IS NULL")


def sent_retention(keep_hours: int = KEEP_HOURS) -> Retention:
    return Retention(table="outbox", aged_by="sent_at", keep_days=keep_hours / 24, condition="sent_at IS NOT NULL")


class OutboxRelay(BackgroundTask):
    """Sends a service's outbox. A message is sent at least once, and twice if the process crashes before marking it.

    Args:
        keep_hours: how long sent rows are kept.
    """

    def __init__(
        self, database: Database, publisher: Publisher, *, poll_seconds: float, keep_hours: int = KEEP_HOURS
    ) -> None:
        super().__init__(self._send_rows, name="outbox relay")
        self._database = database
        self._publisher = publisher
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._lag = PeriodicTask(self.measure_lag, name="outbox lag", interval_seconds=LAG_EVERY_SECONDS)
        self._deletion = RetentionTask(database, [sent_retention(keep_hours)])
        self._resting: dict[UUID, float] = {}  # message id -> time of the next try, by the loop's clock

    def start(self) -> None:
        super().start()
        self._lag.start()
        self._deletion.start()

    def wake(self) -> None:
        """Send rows now instead of with the next poll; call it after a commit."""
        self._woken.set()

    async def close(self) -> None:
        """Stop. Unsent rows stay in the table for the next process."""
        await self._deletion.close()
        await self._lag.close()
        await super().close()

    async def _send_rows(self) -> None:
        pauses = backoff(FIRST_PAUSE_SECONDS, longest_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                await self._publisher.broker.wait_until_ready()
                while await self.send_batch() == BATCH:
                    pass
                pauses = backoff(FIRST_PAUSE_SECONDS, longest_seconds=MAX_PAUSE_SECONDS)
                await self._wait_for_work()
            except ServiceError as error:
                logger.warning("outbox.retry_scheduled", **{"reason": repr(error), **error.private})
                await asyncio.sleep(next(pauses))
            except Exception as error:  # noqa: BLE001 - whatever the error, the rows stay and are retried
                report_failure(self._name, error)
                await asyncio.sleep(next(pauses))

    async def measure_lag(self) -> None:
        """Export the age of the oldest unsent message, even if it is claimed or no queue takes it."""
        row = await self._database.fetch_one(_OLDEST)
        OUTBOX_LAG_SECONDS.set(row["lag"].total_seconds() if row and row["lag"] else 0)

    async def _wait_for_work(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
        self._woken.clear()

    async def send_batch(self) -> int:
        """Send up to a hundred rows and return how many were claimed.

        Raises:
            Unavailable: at least one was not confirmed. The confirmed ones are marked.
        """
        async with self._database.transaction() as connection:
            parameters = {"batch": BATCH, "resting": self._resting_ids()}
            rows = (await connection.execute(_CLAIM, parameters)).mappings().all()
            outcomes = await asyncio.gather(*(self._send(row) for row in rows))
            if sent := [row["message_id"] for row, failure in zip(rows, outcomes, strict=True) if failure is None]:
                await connection.execute(_MARK_SENT, {"message_ids": sent})
        for row, failure in zip(rows, outcomes, strict=True):
            self._rest_or_raise(row, failure)
        return len(rows)

    async def _send(self, row: Row) -> ServiceError | None:
        body = bytes(row["body"])
        try:
            with continuing(_traceparent_of(body)):
                await self._publisher.publish(
                    body,
                    exchange=row["exchange"],
                    routing_key=row["routing_key"],
                    message_id=str(row["message_id"]),
                    mandatory=row["exchange"] != MESSAGES_EXCHANGE,  # a fact may have no consumer
                )
        except ServiceError as error:
            return error
        return None

    def _rest_or_raise(self, row: Row, failure: ServiceError | None) -> None:
        """Skip a message that no queue takes for a while, so that it does not block the others."""
        if isinstance(failure, NotRouted):
            self._resting[row["message_id"]] = asyncio.get_running_loop().time() + REST_SECONDS
            logger.warning("outbox.not_routed", message_id=str(row["message_id"]), **failure.private)
        elif failure is not None:
            raise failure

    def _resting_ids(self) -> list[UUID]:
        now = asyncio.get_running_loop().time()
        self._resting = {message_id: until for message_id, until in self._resting.items() if until > now}
        return list(self._resting)


def _traceparent_of(body: bytes) -> str | None:
    """Return the trace of the message's writer. A replayed message may not be JSON."""
    if not is_tracing():
        return None
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return message.get(TRACEPARENT) if isinstance(message, dict) else None
