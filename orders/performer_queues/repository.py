"""Performers' queues in PostgreSQL."""

import uuid
from typing import Final

from sqlalchemy import ARRAY, bindparam, text
from sqlalchemy.dialects.postgresql import UUID

from common.db.engine import Database
from common.rows import readable
from common.telemetry.correlation import correlation_id
from orders.performer_queues.schemas import PerformerQueue
from orders.purchased_items.schemas import PurchasedItem
from orders.purchased_items.statements import announced, item_json

_BATCH: Final = 100
_QUEUE: Final = "performer_id, is_paused, waiting, waiting_minutes + in_progress_minutes AS estimated_minutes"

_FIND: Final = text(f"SELECT {_QUEUE} FROM performer_queues WHERE performer_id = :performer_id")  # noqa: S608
_SET_PAUSED: Final = text(
    f"""
    INSERT INTO performer_queues (performer_id, is_paused) VALUES (:performer_id, :is_paused)
    ON CONFLICT (performer_id) DO UPDATE SET is_paused = excluded.is_paused, is_changed = true
    RETURNING {_QUEUE}
    """  # noqa: S608
)

# Each part reads no more rows than the page needs. Scheduled items that are not due yet have no place and come last.
_ITEMS: Final = text(
    f"""
    SELECT {item_json("item")} AS found
    FROM (
        (SELECT 0 AS part, * FROM purchased_items
         WHERE performer_id = :performer_id AND status = 'IN_PROGRESS'
         ORDER BY started_at LIMIT CAST(:last AS integer))
        UNION ALL
        (SELECT 1 AS part, * FROM purchased_items
         WHERE performer_id = :performer_id AND status = 'PENDING'
         ORDER BY place, scheduled_for LIMIT CAST(:last AS integer))
        ORDER BY part, place, started_at, scheduled_for LIMIT :limit OFFSET :offset
    ) AS item
    ORDER BY part, place, started_at, scheduled_for
    """  # noqa: S608
)

# One item at a time: a statement that gave places in two queues might wait for another that does so in another order.
_PLACE_DUE: Final = text(
    f"""
    WITH placed AS (
        UPDATE purchased_items SET is_due = true
        WHERE purchased_item_id = (
            SELECT purchased_item_id FROM purchased_items
            WHERE status = 'PENDING' AND NOT is_due AND scheduled_for <= now()
            ORDER BY scheduled_for LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING *),
    shaped AS MATERIALIZED (SELECT {item_json("placed")} AS item FROM placed),
    {announced(kind="'queued'", rows="shaped")}
    SELECT FROM placed
    """  # noqa: S608
)

# Two statements: the second one has a new snapshot, so it sees every move that set `is_changed` before the lock.
_CHANGED: Final = text("SELECT performer_id FROM performer_queues WHERE is_changed LIMIT :batch FOR UPDATE SKIP LOCKED")
_ANNOUNCE_NEXT: Final = text(
    f"""
    WITH next AS MATERIALIZED (
        SELECT item.* FROM performer_queues AS queue
        CROSS JOIN LATERAL (
            SELECT * FROM purchased_items
            WHERE performer_id = queue.performer_id AND status = 'PENDING' AND place IS NOT NULL AND type = 'menu_item'
            ORDER BY place LIMIT 1) AS item
        WHERE queue.performer_id = ANY(:performer_ids) AND NOT queue.is_paused AND queue.in_progress = 0
          AND item.place > queue.announced_place),
    shaped AS (SELECT {item_json("next")} AS item FROM next),
    {announced(kind="'next'", rows="shaped")}
    UPDATE performer_queues AS queue SET
        is_changed = false,
        announced_place = greatest(
            announced_place, (SELECT place FROM next WHERE next.performer_id = queue.performer_id))
    WHERE performer_id = ANY(:performer_ids)
    """  # noqa: S608
).bindparams(bindparam("performer_ids", type_=ARRAY(UUID(as_uuid=True))))


class PerformerQueueRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, performer_id: uuid.UUID) -> PerformerQueue:
        """Return the state of a queue; a performer without one has an empty one."""
        row = await self._database.fetch_one(_FIND, {"performer_id": performer_id})
        return PerformerQueue(**row) if row else PerformerQueue(performer_id=performer_id)

    async def set_paused(self, performer_id: uuid.UUID, *, is_paused: bool) -> PerformerQueue:
        row = await self._database.fetch_one(_SET_PAUSED, {"performer_id": performer_id, "is_paused": is_paused})
        assert row is not None  # noqa: S101 - the statement inserts or updates one row
        return PerformerQueue(**row)

    async def items(self, performer_id: uuid.UUID, *, limit: int, offset: int) -> list[PurchasedItem]:
        """Return items IN_PROGRESS, then those PENDING in their order."""
        parameters = {"performer_id": performer_id, "limit": limit, "offset": offset, "last": limit + offset}
        rows = await self._database.fetch_all(_ITEMS, parameters)
        return readable(rows, lambda row: PurchasedItem(**row["found"]), of="purchased_items", key="purchased_item_id")

    async def place_due(self) -> int:
        """Give scheduled items that are due their places, announce these, and return how many they are.

        Copies of the service share the work.
        """
        placed = 0
        while await self._database.fetch_one(_PLACE_DUE, {"correlation_id": correlation_id()}) is not None:
            placed += 1
        return placed

    async def announce_next(self) -> int:
        """Announce the items whose turn comes, each once, and return how many queues were looked at.

        It is the turn of the first menu item that waits, if nothing is in progress and the queue is not paused: tips need no
        performer.
        """
        async with self._database.transaction() as connection:
            rows = (await connection.execute(_CHANGED, {"batch": _BATCH})).all()
            if rows:
                performer_ids = [row.performer_id for row in rows]
                await connection.execute(
                    _ANNOUNCE_NEXT, {"performer_ids": performer_ids, "correlation_id": correlation_id()}
                )
        return len(rows)
