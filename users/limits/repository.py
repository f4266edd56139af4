"""Counted attempts in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from common.db.engine import Database, Row
from common.db.retention import Retention

# Rows are locked in one order, so that two calls with the same pair of limits never deadlock.
_COUNT: Final = text(
    """
    INSERT INTO attempts AS a (scope, subject_hash, attempts, ends_at)
    SELECT scope, subject_hash, 1, now() + make_interval(secs => window_seconds)
    FROM unnest(CAST(:scopes AS text[]), CAST(:subject_hashes AS text[]), CAST(:windows_seconds AS integer[]))
         AS tried (scope, subject_hash, window_seconds)
    ORDER BY scope, subject_hash
    ON CONFLICT (scope, subject_hash) DO UPDATE SET
        attempts = CASE WHEN a.ends_at <= now() THEN 1 ELSE a.attempts + 1 END,
        ends_at = CASE WHEN a.ends_at <= now() THEN excluded.ends_at ELSE a.ends_at END
    RETURNING scope, attempts, ceil(extract(epoch FROM ends_at - now())) AS seconds_left
    """
)
_READ: Final = text(
    """
    SELECT scope, attempts, ceil(extract(epoch FROM ends_at - now())) AS seconds_left
    FROM attempts JOIN unnest(CAST(:scopes AS text[]), CAST(:subject_hashes AS text[]))
         AS tried (scope, subject_hash) USING (scope, subject_hash)
    WHERE ends_at > now()
    """
)
_UNCOUNT: Final = text(
    "UPDATE attempts SET attempts = attempts - 1 "
    "WHERE scope = :scope AND subject_hash = :subject_hash AND attempts > 0 AND ends_at > now()"
)
_RESET: Final = text("DELETE FROM attempts WHERE scope = :scope AND subject_hash = :subject_hash")
ATTEMPTS_RETENTION: Final = Retention(table="attempts", aged_by="ends_at", keep_days=0)


@dataclass(frozen=True, slots=True)
class AttemptCount:
    scope: str
    attempts: int
    seconds_left: int


class AttemptsRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(
        self, *, scopes: Sequence[str], subject_hashes: Sequence[str], windows_seconds: Sequence[int]
    ) -> list[AttemptCount]:
        """Count one attempt for each (scope, subject); a window that has ended is started again."""
        rows = await self._database.fetch_all(
            _COUNT, {"scopes": scopes, "subject_hashes": subject_hashes, "windows_seconds": windows_seconds}
        )
        return [_count_of(row) for row in rows]

    async def read(self, *, scopes: Sequence[str], subject_hashes: Sequence[str]) -> list[AttemptCount]:
        """Return the counts in windows that have not ended."""
        rows = await self._database.fetch_all(_READ, {"scopes": scopes, "subject_hashes": subject_hashes})
        return [_count_of(row) for row in rows]

    async def uncount(self, *, scope: str, subject_hash: str) -> None:
        await self._database.execute(_UNCOUNT, {"scope": scope, "subject_hash": subject_hash})

    async def reset(self, *, scope: str, subject_hash: str) -> None:
        await self._database.execute(_RESET, {"scope": scope, "subject_hash": subject_hash})


def _count_of(row: Row) -> AttemptCount:
    return AttemptCount(row["scope"], row["attempts"], max(1, int(row["seconds_left"])))
