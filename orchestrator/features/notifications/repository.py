"""Feeds: a message adds one entry for each user it concerns, once, in an order that readers can rely on."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import text

from common.db.engine import Database
from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.inbox import RECEIVED
from common.messaging.message import Message
from common.rows import readable
from common.telemetry.correlation import correlation_id
from orchestrator.features.notifications.models.notices import Notice, shown
from orchestrator.features.notifications.schemas import FeedEntry, FeedPage
from orchestrator.features.outbound_webhooks.repository import ADD_DELIVERIES, delivery_body, subscriptions_wanting
from orchestrator.features.outbound_webhooks.schemas import DELIVERABLE
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.repository.writer import GIVEN_JOB, given_jobs, many_jobs

__all__ = ["FEED_CHANGED", "FeedStore"]

FEED_CHANGED: Final = "feed.changed"
SOURCE: Final = "orchestrator"
CONSUMER: Final = "notifications"
UNREADABLE: Final = "unreadable"

# Atomic, and without effect if the message was received before. Heads are locked in order, so that two messages about
# the same users lock their feeds in the same order (docs/locking.md). A hint has the format of `Message`.
_RECORD: Final = text(
    f"""
    WITH {RECEIVED},
    given AS (
        SELECT n.user_id, n.message
        FROM received CROSS JOIN jsonb_to_recordset(CAST(:notices AS jsonb)) AS n (user_id uuid, message jsonb)),
    heads AS (
        INSERT INTO feed_heads (user_id, last_sequence)
        SELECT user_id, 1 FROM given ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET last_sequence = feed_heads.last_sequence + 1
        RETURNING user_id, last_sequence),
    entries AS (
        INSERT INTO user_feed (user_id, sequence, message)
        SELECT user_id, last_sequence, message FROM heads JOIN given USING (user_id)),
    hints AS MATERIALIZED (SELECT gen_random_uuid() AS message_id, user_id, last_sequence FROM heads),
    hinted AS (
        INSERT INTO outbox (message_id, exchange, routing_key, body)
        SELECT message_id, '{MESSAGES_EXCHANGE}', '{FEED_CHANGED}', convert_to(jsonb_build_object(
            'id', message_id, 'type', '{FEED_CHANGED}', 'version', 1, 'time', clock_timestamp(), 'source', '{SOURCE}',
            'subject', user_id, 'correlation_id', CAST(:correlation_id AS text),
            'data', jsonb_build_object('sequence', last_sequence))::text, 'UTF8')
        FROM hints),
    to_deliver AS (
        SELECT * FROM jsonb_to_recordset(CAST(:deliveries AS jsonb)) AS d (delivery_id uuid, subscription_id uuid)),
    {ADD_DELIVERIES},
    wanted AS (
        SELECT j.* FROM received CROSS JOIN jsonb_to_recordset(CAST(:email_jobs AS jsonb)) AS j ({GIVEN_JOB})
        UNION ALL
        SELECT j.* FROM jsonb_to_recordset(CAST(:delivery_jobs AS jsonb)) AS j ({GIVEN_JOB})
        JOIN deliveries ON j.payload ->> 'delivery_id' = deliveries.delivery_id::text),
    {many_jobs(of="wanted")}
    SELECT message_id FROM received
    """  # noqa: S608 - constants only
)
_READ: Final = text(
    """
    WITH page AS (
        SELECT sequence, message FROM user_feed
        WHERE user_id = :user_id AND sequence > CAST(:since AS bigint) ORDER BY sequence LIMIT :limit)
    SELECT (SELECT last_sequence FROM feed_heads WHERE user_id = :user_id) AS last_sequence,
           coalesce((SELECT jsonb_agg(to_jsonb(page) ORDER BY page.sequence) FROM page), '[]') AS entries
    """
)


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
        """Record the message as handled, add feed entries, and enqueue emails and webhooks, atomically.

        Wake the outbox relay afterwards.

        Args:
            jobs: the emails' and text messages' jobs.
            delivery_job: returns the job of a webhook's delivery.

        Returns:
            False if the message was handled before.
        """
        deliveries = await self._new_deliveries(message)
        parameters = {
            "message_id": message.id,
            "consumer": CONSUMER,
            "correlation_id": correlation_id(),
            "notices": _json([{"user_id": notice.user_id, "message": notice.entry} for notice in notices]),
            "deliveries": _json(deliveries),
            "message_type": message.type,
            "delivery_body": delivery_body(message, data=shown(message)),
            "email_jobs": _json(given_jobs(jobs)),
            "delivery_jobs": _json(given_jobs(delivery_job(delivery["delivery_id"]) for delivery in deliveries)),
        }
        return await self._database.fetch_one(_RECORD, parameters) is not None

    async def _new_deliveries(self, message: Message) -> list[dict[str, uuid.UUID]]:
        """Return a delivery for each subscription that wants the message."""
        if message.type not in DELIVERABLE:
            return []
        wanting = await subscriptions_wanting(self._database, message.type)
        return [{"delivery_id": uuid.uuid4(), "subscription_id": subscription_id} for subscription_id in wanting]

    async def read(self, user_id: uuid.UUID, *, since: int | None, limit: int) -> FeedPage:
        """Return a page of entries; without `since`, only the feed's last sequence number."""
        parameters = {"user_id": user_id, "since": since, "limit": limit}
        row = await self._database.fetch_one(_READ, parameters)
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        last = row["last_sequence"] or 0
        entries = readable(row["entries"], _entry, of="user_feed", otherwise=_unreadable_entry)
        if since is None:
            return FeedPage(entries=[], last_sequence=last, is_complete=True)
        first = entries[0].sequence if entries else last + 1
        return FeedPage(entries=entries, last_sequence=last, is_complete=since + 1 == first)


def _entry(row: Mapping[str, Any]) -> FeedEntry:
    return FeedEntry.model_validate({**row["message"], "sequence": row["sequence"]})


def _unreadable_entry(row: Mapping[str, Any]) -> FeedEntry:
    """Return an entry that keeps its place, because readers count on numbers without gaps."""
    key = uuid.uuid5(uuid.NAMESPACE_OID, f"{UNREADABLE} {row['sequence']}")
    return FeedEntry(sequence=row["sequence"], id=key, type=UNREADABLE, time="", subject="", data={})


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows, default=str).decode()
