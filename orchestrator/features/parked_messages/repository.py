"""Parked messages in PostgreSQL: stored once, and settled once."""

import uuid
from collections.abc import Collection
from dataclasses import asdict
from typing import Final

from sqlalchemy import case, func, select, text

from common.db.engine import Database
from common.db.pages import find_newest, has_value
from common.db.retention import Retention
from common.pages import Cursor, Total
from common.rows import readable
from orchestrator.features.parked_messages.models.records import Parked, ParkedFacts, ParkedStatus, ParkedView
from orchestrator.features.parked_messages.models.tables import parked_messages

__all__ = ["SETTLED_RETENTION", "ParkedMessageStore"]

# The platform's own messages have a few hundred bytes. Longer ones can be read with the database's tools.
LONGEST_SHOWN_BYTES: Final = 65_536
# For admins who look up who discarded a message; longer than any redelivery can take.
SETTLED_RETENTION: Final = Retention(
    table="parked_messages", aged_by="settled_at", keep_days=30, condition="settled_at IS NOT NULL"
)

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

_SIZE: Final = func.length(parked_messages.c.body)
_LISTED: Final = select(
    *(parked_messages.c[name] for name in ParkedFacts.model_fields if name != "size_bytes"),
    _SIZE.label("size_bytes"),
    case((_SIZE <= LONGEST_SHOWN_BYTES, parked_messages.c.body)).label("body"),
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
        self, *, status: ParkedStatus | None, queue: str | None, limit: int, offset: int, after: Cursor | None = None
    ) -> tuple[list[ParkedView], Total]:
        """Return messages, the last parked first, and the total."""
        found = _LISTED if status is None else _LISTED.where(has_value(parked_messages.c.status, status))
        if queue is not None:
            found = found.where(parked_messages.c.queue == queue)
        at, key = parked_messages.c.parked_at, parked_messages.c.parked_id
        rows, total = await find_newest(self._database, found, at=at, key=key, limit=limit, offset=offset, after=after)
        return readable(rows, ParkedView.model_validate, of="parked_messages"), total

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
