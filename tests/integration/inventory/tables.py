"""Direct access to the inventory's tables: locks and states that no call produces, and invariants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from common.db.engine import Database


@asynccontextmanager
async def locked_seat(database: Database, seat_id: str) -> AsyncIterator[None]:
    """Hold the seat's lock, as a concurrent change does."""
    async with database.transaction() as connection:
        await connection.execute(
            text("SELECT FROM seats WHERE seat_id = CAST(:seat_id AS uuid) FOR UPDATE"), {"seat_id": seat_id}
        )
        yield


@asynccontextmanager
async def inserting_answer(database: Database, request_id: str) -> AsyncIterator[None]:
    """Insert a response under that request id without committing; it is rolled back in the end."""
    async with database.transaction() as connection:
        statement = text(
            "INSERT INTO requests (request_id, fingerprint, result) VALUES (CAST(:request_id AS uuid), 'x', '{}')"
        )
        savepoint = await connection.begin_nested()
        await connection.execute(statement, {"request_id": request_id})
        yield
        await savepoint.rollback()


async def waiting_for_locks(database: Database, connections: int) -> bool:
    """Return whether this many connections wait for a lock."""
    statement = text(
        """
        SELECT count(*) AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
    )
    (row,) = await database.fetch_all(statement)
    return bool(row["waiting"] >= connections)


async def remove_seat_from_hold(database: Database, seat_id: str) -> None:
    """Take a held seat from its hold, bypassing the service."""
    statement = text(
        """
        UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, held_by_user_id = NULL, held_until = NULL,
            hold_size = NULL
        WHERE seat_id = CAST(:seat_id AS uuid)
        """
    )
    assert await database.execute(statement, {"seat_id": seat_id}) == 1


async def expire_hold(database: Database, hold_id: str) -> None:
    """Move the hold's expiry into the past."""
    statement = text(
        """
        UPDATE seats SET held_until = clock_timestamp() - interval '1 millisecond'
        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD'
        """
    )
    await database.execute(statement, {"hold_id": hold_id})


async def wrong_counts(database: Database, event_id: str) -> list[dict[str, object]]:
    """Return the categories whose counts do not match their seats."""
    statement = text(
        """
        WITH counted AS (
            SELECT event_id, category, available, held, sold, blocked FROM seat_counts
            UNION ALL SELECT event_id, category, available, held, sold, blocked FROM seat_count_changes),
        told AS (
            SELECT category, sum(available) AS available, sum(held) AS held, sum(sold) AS sold, sum(blocked) AS blocked
            FROM counted WHERE event_id = CAST(:event_id AS uuid) GROUP BY category),
        real AS (
            SELECT category, count(*) FILTER (WHERE status = 'AVAILABLE') AS available,
                count(*) FILTER (WHERE status = 'HELD') AS held,
                count(*) FILTER (WHERE status IN ('SOLD', 'LISTED', 'CHECKED_IN')) AS sold,
                count(*) FILTER (WHERE status = 'BLOCKED') AS blocked
            FROM seats WHERE event_id = CAST(:event_id AS uuid) GROUP BY category)
        SELECT * FROM told FULL JOIN real USING (category)
        WHERE (told.available, told.held, told.sold, told.blocked)
            IS DISTINCT FROM (real.available, real.held, real.sold, real.blocked)
        """
    )
    return [dict(row) for row in await database.fetch_all(statement, {"event_id": event_id})]


async def count_changes(database: Database, event_id: str) -> int:
    """Return the number of changes of the event's counts that are not aggregated yet."""
    statement = text("SELECT count(*) AS changes FROM seat_count_changes WHERE event_id = CAST(:event_id AS uuid)")
    (row,) = await database.fetch_all(statement, {"event_id": event_id})
    return int(row["changes"])
