"""Parked messages in PostgreSQL: stored once, and settled once."""

import uuid
from collections.abc import Collection
from dataclasses import asdict
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from orchestrator.features.parked_messages.models.records import Parked, ParkedStatus, ParkedView

__all__ = ["ParkedMessageStore"]

# The platform's own messages have a few hundred bytes. Longer ones can be read with the database's tools.
LONGEST_SHOWN_BYTES: Final = 65_536
# For admins who look up who discarded a message; longer than any redelivery can take.
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

# The default exchange routes a message to the one queue that its routing key names.
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
_DELETE_OLD: Final = text(
    f"DELETE FROM parked_messages WHERE settled_at < clock_timestamp() - interval '{KEEP_SETTLED}'"  # noqa: S608
)


class ParkedMessageStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, parked: Parked) -> None:
        """Store a message; one that is already stored or settled stays unchanged."""
        await self._database.execute(_STORE, asdict(parked))

    async def find(self, parked_id: uuid.UUID) -> ParkedView | None:
        row = await self._database.fetch_one(_FIND, {"parked_id": parked_id})
        return ParkedView.model_validate(row) if row else None

    async def page(
        self, *, status: ParkedStatus | None, queue: str | None, limit: int, offset: int
    ) -> tuple[list[ParkedView], int]:
        """Return messages, the last parked first, and the total."""
        parameters = {"status": status and status.value, "queue": queue, "limit": limit, "offset": offset}
        rows = await self._database.fetch_all(_PAGE, parameters)
        return [ParkedView.model_validate(row) for row in rows], rows[0]["total"] if rows else 0

    async def replay(
        self, parked_id: uuid.UUID, *, queues: Collection[str], settled_by: uuid.UUID
    ) -> ParkedView | None:
        """Send a message to its queue through the outbox; return None unless it is parked and from one of `queues`."""
        parameters = {"parked_id": parked_id, "queues": list(queues), "settled_by": settled_by}
        row = await self._database.fetch_one(_REPLAY, parameters)
        return ParkedView.model_validate(row) if row else None

    async def discard(self, parked_id: uuid.UUID, *, settled_by: uuid.UUID) -> ParkedView | None:
        """Discard a message; return None if it is not parked."""
        row = await self._database.fetch_one(_DISCARD, {"parked_id": parked_id, "settled_by": settled_by})
        return ParkedView.model_validate(row) if row else None

    async def count(self) -> int:
        """Return the number of messages that wait for an admin."""
        row = await self._database.fetch_one(_COUNT)
        return int(row["messages"]) if row else 0

    async def delete_old(self) -> None:
        """Delete messages that were settled long ago."""
        await self._database.execute(_DELETE_OLD)
