"""Parked messages: stored once, shown, and settled by one admin, once."""

import uuid
from collections.abc import Collection
from dataclasses import asdict
from typing import Final

from sqlalchemy import text

from common.db.engine import Database, Row
from orchestrator.features.parked_messages.models.records import Parked, ParkedStatus, ParkedView

__all__ = ["ParkedMessageStore"]

# Ours have a few hundred bytes. Longer ones are for the database's own tools.
LONGEST_SHOWN_BYTES: Final = 65_536
# For people who ask who threw it away, and longer than any delivery can come again.
KEEP_SETTLED: Final = "30 days"

_COLUMNS: Final = f"""
    parked_id, message_id, queue, reason, status, length(body) AS size_bytes,
    CASE WHEN length(body) <= {LONGEST_SHOWN_BYTES} THEN body END AS body, parked_at, settled_at, settled_by
"""

_STORE: Final = text(
    """
    INSERT INTO parked_messages (parked_id, message_id, queue, reason, body, parked_at)
    VALUES (:parked_id, :message_id, :queue, :reason, :body, :parked_at)
    ON CONFLICT DO NOTHING
    """
)

_FIND: Final = text(f"SELECT {_COLUMNS} FROM parked_messages WHERE parked_id = :parked_id")  # noqa: S608

_PAGE: Final = text(
    f"""
    WITH found AS (
        SELECT *, count(*) OVER () AS total FROM parked_messages
        WHERE (CAST(:status AS text) IS NULL OR status = :status) AND (CAST(:queue AS text) IS NULL OR queue = :queue)
        ORDER BY parked_at DESC, parked_id LIMIT :limit OFFSET :offset)
    SELECT {_COLUMNS}, total FROM found ORDER BY parked_at DESC, parked_id
    """  # noqa: S608 - constants only
)

# It goes through the default exchange, by which a message reaches the one queue it names.
_REPLAY: Final = text(
    f"""
    WITH written AS (
        UPDATE parked_messages SET status = 'replayed', settled_at = clock_timestamp(), settled_by = :settled_by
        WHERE parked_id = :parked_id AND status = 'parked' AND queue = ANY(:queues)
        RETURNING *),
    sent AS (
        INSERT INTO outbox (message_id, exchange, routing_key, body) SELECT parked_id, '', queue, body FROM written)
    SELECT {_COLUMNS} FROM written
    """  # noqa: S608 - constants only
)

_DISCARD: Final = text(
    f"""
    UPDATE parked_messages SET status = 'discarded', settled_at = clock_timestamp(), settled_by = :settled_by
    WHERE parked_id = :parked_id AND status = 'parked'
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

_COUNT: Final = text("SELECT count(*) AS messages FROM parked_messages WHERE status = 'parked'")
_TRIM: Final = text(
    f"DELETE FROM parked_messages WHERE settled_at < clock_timestamp() - interval '{KEEP_SETTLED}'"  # noqa: S608
)


class ParkedMessageStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, parked: Parked) -> None:
        """Keep a message; one that is kept, or was settled, stays as it is."""
        await self._database.execute(_STORE, asdict(parked))

    async def find(self, parked_id: uuid.UUID) -> ParkedView | None:
        row = await self._database.fetch_one(_FIND, {"parked_id": parked_id})
        return _view(row) if row else None

    async def page(
        self, *, status: ParkedStatus | None, queue: str | None, limit: int, offset: int
    ) -> tuple[list[ParkedView], int]:
        """Return messages, last parked first, and how many there are in all."""
        parameters = {"status": status and status.value, "queue": queue, "limit": limit, "offset": offset}
        rows = await self._database.fetch_all(_PAGE, parameters)
        return [_view(row) for row in rows], rows[0]["total"] if rows else 0

    async def replay(
        self, parked_id: uuid.UUID, *, queues: Collection[str], settled_by: uuid.UUID
    ) -> ParkedView | None:
        """Send a message to where it came from, through the outbox; None when it is not parked, or not of `queues`."""
        parameters = {"parked_id": parked_id, "queues": list(queues), "settled_by": settled_by}
        row = await self._database.fetch_one(_REPLAY, parameters)
        return _view(row) if row else None

    async def discard(self, parked_id: uuid.UUID, *, settled_by: uuid.UUID) -> ParkedView | None:
        """Let a message rest; None when it is not parked."""
        row = await self._database.fetch_one(_DISCARD, {"parked_id": parked_id, "settled_by": settled_by})
        return _view(row) if row else None

    async def count(self) -> int:
        """Return how many wait for people."""
        row = await self._database.fetch_one(_COUNT)
        return int(row["messages"]) if row else 0

    async def trim(self) -> None:
        """Throw away what was settled long ago."""
        await self._database.execute(_TRIM)


def _view(row: Row) -> ParkedView:
    return ParkedView(
        parked_id=row["parked_id"],
        message_id=row["message_id"],
        queue=row["queue"],
        reason=row["reason"],
        status=ParkedStatus(row["status"]),
        size_bytes=row["size_bytes"],
        body=None if row["body"] is None else bytes(row["body"]),
        parked_at=row["parked_at"],
        settled_at=row["settled_at"],
        settled_by=row["settled_by"],
    )
