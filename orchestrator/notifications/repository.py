"""Feeds: an entry for each person a message concerns, written once, in an order that readers can rely on."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import Database
from common.messaging.inbox import is_first_delivery
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from common.messaging.topology import MESSAGES_EXCHANGE
from orchestrator.integrations.repository import add_deliveries
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.repository.enqueuing import enqueue_in
from orchestrator.notifications.models import OUTBOX
from orchestrator.notifications.notices import Notice, shown

__all__ = ["FEED_CHANGED", "FeedEntry", "FeedPage", "FeedStore"]

FEED_CHANGED: Final = "feed.changed"
SOURCE: Final = "orchestrator"
CONSUMER: Final = "notifications"
# A message may come again as long as its sender's outbox keeps it; this is far beyond.
KEEP_INBOX: Final = "14 days"

# Ordered, so that two messages about the same people lock their feeds in the same order (docs/locking.md).
_APPEND: Final = text(
    """
    WITH given AS (
        SELECT user_id, message
        FROM jsonb_to_recordset(CAST(:notices AS jsonb)) AS n(user_id uuid, message jsonb)),
    heads AS (
        INSERT INTO feed_heads (user_id, last_sequence)
        SELECT user_id, 1 FROM given ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET last_sequence = feed_heads.last_sequence + 1
        RETURNING user_id, last_sequence)
    INSERT INTO user_feed (user_id, sequence, message)
    SELECT user_id, last_sequence, message FROM heads JOIN given USING (user_id)
    RETURNING user_id, sequence
    """
)
_READ: Final = text(
    """
    WITH page AS (
        SELECT sequence, message FROM user_feed
        WHERE user_id = :user_id AND sequence > CAST(:since AS bigint) ORDER BY sequence LIMIT :limit)
    SELECT (SELECT last_sequence FROM feed_heads WHERE user_id = :user_id) AS last_sequence,
           coalesce((SELECT jsonb_agg(page.message || jsonb_build_object('sequence', page.sequence)
                     ORDER BY page.sequence) FROM page), '[]') AS entries
    """
)
_TRIM: Final = text("DELETE FROM user_feed WHERE created_at < clock_timestamp() - make_interval(secs => :keep_seconds)")
_TRIM_INBOX: Final = text(f"DELETE FROM inbox WHERE received_at < now() - interval '{KEEP_INBOX}'")  # noqa: S608


class FeedEntry(BaseModel):
    """One thing that happened to somebody. `data` depends on the type; `sequence` counts up by one, per person."""

    sequence: int
    id: uuid.UUID
    type: str
    time: str
    subject: str
    data: dict[str, Any]


class FeedPage(BaseModel):
    """Entries after a sequence number, oldest first.

    `is_complete` is False when some after that number are not kept any more, or there never was such a number: who
    relies on the feed must read anew what it tells of.
    """

    entries: list[FeedEntry]
    last_sequence: int
    is_complete: bool


class FeedStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        message: Message,
        notices: Sequence[Notice],
        jobs: Sequence[NewJob],
        delivery_job: Callable[[uuid.UUID], NewJob],
    ) -> bool:
        """Note the message as handled, add to feeds, queue letters and webhooks: all or nothing.

        Poke the outbox relay afterwards.

        Args:
            delivery_job: makes the job of a webhook's delivery.

        Returns:
            False when the message was handled before.
        """
        async with self._database.transaction() as connection:
            if not await is_first_delivery(connection, message, consumer=CONSUMER):
                return False
            await self._append(connection, notices)
            deliveries = await add_deliveries(connection, message, data=shown(message))
            for job in (*jobs, *map(delivery_job, deliveries)):
                await enqueue_in(connection, job)
            return True

    async def read(self, user_id: uuid.UUID, *, since: int | None, limit: int) -> FeedPage:
        """Return a page; without `since` no entries, only how far the feed is."""
        parameters = {"user_id": user_id, "since": since, "limit": limit}
        row = await self._database.fetch_one(_READ, parameters)
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        last = row["last_sequence"] or 0
        entries = [FeedEntry.model_validate(entry) for entry in row["entries"]]
        if since is None:
            return FeedPage(entries=[], last_sequence=last, is_complete=True)
        begins_at = entries[0].sequence if entries else last + 1
        return FeedPage(entries=entries, last_sequence=last, is_complete=since + 1 == begins_at)

    async def trim(self, *, keep_seconds: float) -> None:
        """Throw away what is older than that, and the memory of messages that will not come again."""
        await self._database.execute(_TRIM, {"keep_seconds": keep_seconds})
        await self._database.execute(_TRIM_INBOX)

    async def _append(self, connection: AsyncConnection, notices: Sequence[Notice]) -> None:
        if not notices:
            return
        given = [{"user_id": notice.user_id, "message": notice.entry} for notice in notices]
        added = await connection.execute(_APPEND, {"notices": orjson.dumps(given).decode()})
        hints = [_hint(row.user_id, row.sequence) for row in added]
        rows = [outbox_row(hint, exchange=MESSAGES_EXCHANGE, routing_key=FEED_CHANGED) for hint in hints]
        await connection.execute(OUTBOX.insert(), rows)


def _hint(user_id: uuid.UUID, sequence: int) -> Message:
    """Tell gateways that there is something to read; what it is they ask for, as the feed is the user's own."""
    return Message(type=FEED_CHANGED, source=SOURCE, subject=str(user_id), data={"sequence": sequence})
