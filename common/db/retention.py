"""Deletes old rows in small batches and within a time limit, so that a backlog of millions of rows delays nothing.

docs/operations.md has the period of each table, and why no repeat of a request or message comes later. Several processes
may delete from one table at once: each skips the rows that another has locked.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from prometheus_client import Counter, Gauge
from sqlalchemy import TextClause, text

from common.db.engine import Database
from common.periodic import PeriodicTask

__all__ = ["DELETED_ROWS", "RUN_SECONDS", "SECONDS_PER_DAY", "Retention", "RetentionTask", "TableRetention"]

SECONDS_PER_DAY: Final = 86_400.0
INTERVAL_SECONDS: Final = 60.0
# A table gets this much of an interval; the rest of a backlog is left to the next run.
RUN_SECONDS: Final = 5.0
# A batch of a thousand rows takes some milliseconds. One that takes longer than this is rolled back.
STATEMENT_TIMEOUT_MILLISECONDS: Final = 2_000
BATCH: Final = 1_000

DELETED_ROWS = Counter("retention_deleted_rows_total", "Rows deleted after their retention period.", ["table"])
PERIOD_SECONDS = Gauge("retention_period_seconds", "How long rows of the table are kept.", ["table"])
OLDEST_SECONDS = Gauge("retention_oldest_seconds", "Age of the oldest row that may be deleted; 0 if none.", ["table"])

_LIMIT_TIME: Final = text("SELECT set_config('statement_timeout', :milliseconds, true)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a table's rows are kept.

    Args:
        table: the table's name.
        aged_by: the column from which a row's age counts. It has an index, or the table stays small.
        keep_days: the period in days.
        condition: SQL; other rows are kept for ever.
        label: of the metrics; the table's name by default. Two rules of one table have two.
    """

    table: str
    aged_by: str
    keep_days: float
    condition: str = "true"
    label: str = ""

    @property
    def metrics_label(self) -> str:
        return self.label or self.table

    @property
    def keep_seconds(self) -> float:
        return self.keep_days * SECONDS_PER_DAY


class _Batch(NamedTuple):
    """What one statement has deleted, and the age of the newest of these rows."""

    rows: int
    last: datetime | None


class RetentionTask(PeriodicTask):
    """Deletes the rows of some tables whose period is over, every `interval_seconds`, and not before that."""

    def __init__(
        self, database: Database, retentions: Sequence[Retention], *, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        tables = [TableRetention(database, retention) for retention in retentions]
        works = [work for table in tables for work in (table.delete_old, table.measure)]
        super().__init__(*works, name="retention", interval_seconds=interval_seconds)

    async def _repeat(self) -> None:
        await asyncio.sleep(self._interval_seconds)  # a process that has just started serves first
        await super()._repeat()


class TableRetention:
    """Deletes and measures the old rows of one table."""

    def __init__(self, database: Database, retention: Retention) -> None:
        self._database = database
        self._retention = retention
        self._delete = _deletion(retention)
        self._oldest = _oldest(retention)
        PERIOD_SECONDS.labels(retention.metrics_label).set(retention.keep_seconds)

    async def delete_old(self) -> None:
        """Delete the rows whose period is over, the oldest first, for at most `RUN_SECONDS`.

        Raises:
            Unavailable: the database is unavailable, or a batch took too long; the batches before it stay deleted.
        """
        since: datetime | None = None
        ends_at = time.monotonic() + RUN_SECONDS
        while time.monotonic() < ends_at:
            batch = await self._delete_batch(since)
            DELETED_ROWS.labels(self._retention.metrics_label).inc(batch.rows)
            if batch.rows < BATCH:
                return
            since = batch.last

    async def measure(self) -> None:
        row = await self._database.fetch_one(self._oldest)
        OLDEST_SECONDS.labels(self._retention.metrics_label).set(float(row["seconds"]) if row else 0.0)

    async def _delete_batch(self, since: datetime | None) -> _Batch:
        parameters = {"keep_seconds": self._retention.keep_seconds, "since": since, "batch": BATCH}
        async with self._database.transaction() as connection:
            await connection.execute(_LIMIT_TIME, {"milliseconds": str(STATEMENT_TIMEOUT_MILLISECONDS)})
            row = (await connection.execute(self._delete, parameters)).one()
        return _Batch(row.rows, row.last)


def _deletion(retention: Retention) -> TextClause:
    """Return the statement that deletes a batch.

    `since` is where the batch before ended: without it, each batch would read the index entries of all rows that the run
    has deleted so far.
    """
    table, aged_by = retention.table, retention.aged_by
    return text(
        f"""
        WITH old AS MATERIALIZED (
            SELECT ctid FROM {table}
            WHERE {aged_by} < now() - make_interval(secs => :keep_seconds)
              AND {aged_by} >= coalesce(CAST(:since AS timestamptz), '-infinity') AND ({retention.condition})
            ORDER BY {aged_by} LIMIT :batch FOR UPDATE SKIP LOCKED),
        gone AS (
            DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM old)) RETURNING {aged_by} AS aged_by)
        SELECT count(*) AS rows, max(aged_by) AS last FROM gone
        """  # noqa: S608 - constants only
    )


def _oldest(retention: Retention) -> TextClause:
    return text(
        f"""
        SELECT greatest(0, extract(epoch FROM now() - {retention.aged_by})) AS seconds FROM {retention.table}
        WHERE {retention.aged_by} IS NOT NULL AND ({retention.condition}) ORDER BY {retention.aged_by} LIMIT 1
        """  # noqa: S608 - constants only
    )
