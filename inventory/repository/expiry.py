"""Ends expired holds."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from sqlalchemy import text

from common.db.engine import Database, Row
from common.db.retention import SECONDS_PER_DAY, Retention
from common.messaging.inbox import is_first_delivery
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from inventory.messages import ExpiredHold
from inventory.repository.fragments import COUNT_FREED, FREE_LOCKED, RAISE_ROWS, STORE_LAPSES
from inventory.schemas import HoldLimits

__all__ = ["EndedHold", "ExpiryRepository", "lapses_retention"]

CONSUMER: Final = "hold expiry"

# Seats are found by their hold and then filtered by time, because an index on the time would read every expired hold.
_END_HOLD: Final = text(
    f"""
    WITH held AS MATERIALIZED (
        SELECT seat_id, event_id, hold_id, held_by_user_id, held_until FROM seats
        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' ORDER BY seat_id FOR UPDATE),
    locked AS MATERIALIZED (SELECT * FROM held WHERE held_until <= clock_timestamp()),
    ended AS (SELECT * FROM locked),
    {FREE_LOCKED}, {COUNT_FREED}, {RAISE_ROWS}, {STORE_LAPSES}
    SELECT seat_id FROM freed
    """  # noqa: S608 - built of constants
)

_HOLD_STATE: Final = text(
    """
    SELECT bool_or(status <> 'HELD') AS is_sold, max(held_until) AS live_until
    FROM seats WHERE hold_id = CAST(:hold_id AS uuid)
    """
)

# Seats that another transaction has locked are skipped: that transaction decides about them.
_END_DUE: Final = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT DISTINCT hold_id FROM (
            SELECT hold_id FROM seats WHERE held_until <= (SELECT clock_timestamp())
            ORDER BY held_until LIMIT CAST(:batch AS int)) AS oldest),
    held AS MATERIALIZED (
        SELECT seat_id, event_id, hold_id, held_by_user_id, held_until FROM seats
        WHERE hold_id = ANY(ARRAY(SELECT hold_id FROM due)) AND status = 'HELD'
        ORDER BY seat_id FOR UPDATE SKIP LOCKED),
    locked AS MATERIALIZED (SELECT * FROM held WHERE held_until <= clock_timestamp()),
    ended AS (SELECT * FROM locked),
    {FREE_LOCKED}, {COUNT_FREED}, {RAISE_ROWS}, {STORE_LAPSES}
    SELECT locked.hold_id, locked.held_by_user_id, freed.event_id, freed.seat_id
    FROM freed JOIN locked USING (seat_id) ORDER BY locked.hold_id, freed.seat_id
    """  # noqa: S608 - built of constants
)

_ADD_TO_OUTBOX: Final = text(
    """
    INSERT INTO outbox (message_id, exchange, routing_key, body)
    VALUES (:message_id, :exchange, :routing_key, :body)
    """
)

_COUNT_OPEN: Final = text("SELECT count(DISTINCT hold_id) FROM seats WHERE held_until > (SELECT clock_timestamp())")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedHold:
    """The state of a hold after its message was handled."""

    freed_seat_ids: list[uuid.UUID] = field(default_factory=list)
    is_sold: bool = False
    live_until: datetime | None = None


def lapses_retention(limits: HoldLimits) -> Retention:
    """Return how long lapsed holds are kept: as long as a limit counts them."""
    keep_seconds = limits.lapse_window_seconds + limits.cooldown_seconds
    return Retention(table="lapsed_holds", aged_by="ended_at", keep_days=keep_seconds / SECONDS_PER_DAY)


class ExpiryRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def end_hold(self, hold_id: uuid.UUID, message: Message) -> EndedHold:
        """Free the hold's seats, if it has expired, and record its message as handled, in one transaction.

        A repeated message frees nothing; the hold's state is returned nevertheless.
        """
        async with self._database.transaction() as connection:
            freed: list[uuid.UUID] = []
            if await is_first_delivery(connection, message, consumer=CONSUMER):
                rows = await connection.execute(_END_HOLD, {"hold_id": hold_id})
                freed = [row.seat_id for row in rows]
            state = (await connection.execute(_HOLD_STATE, {"hold_id": hold_id})).one()
            return EndedHold(freed_seat_ids=freed, is_sold=bool(state.is_sold), live_until=state.live_until)

    async def end_due_holds(self, *, batch: int) -> list[ExpiredHold]:
        """End the holds that are longest overdue, up to `batch` seats, and write `hold.expired` for each to the outbox."""
        async with self._database.transaction() as connection:
            rows = (await connection.execute(_END_DUE, {"batch": batch})).mappings().all()
            expired = [
                _expired_hold(hold_id, seats) for hold_id, seats in groupby(rows, key=lambda row: row["hold_id"])
            ]
            if expired:
                messages = [outbox_row(hold.as_message()) for hold in expired]
                await connection.execute(_ADD_TO_OUTBOX, messages)
        return expired

    async def count_open_holds(self) -> int:
        row = await self._database.fetch_one(_COUNT_OPEN)
        return int(row["count"]) if row else 0


def _expired_hold(hold_id: uuid.UUID, rows: Iterable[Row]) -> ExpiredHold:
    seats = list(rows)
    return ExpiredHold(
        hold_id=hold_id,
        event_id=seats[0]["event_id"],
        user_id=seats[0]["held_by_user_id"],
        seat_ids=[seat["seat_id"] for seat in seats],
    )
