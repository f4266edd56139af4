"""Subscriptions and deliveries in PostgreSQL."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import select, text

from common.db.engine import Database
from common.db.pages import find_newest, has_value
from common.db.retention import Retention
from common.messaging.message import Message
from common.pages import Cursor, Total
from common.rows import readable
from orchestrator.features.outbound_webhooks.models import webhook_deliveries, webhook_subscriptions
from orchestrator.features.outbound_webhooks.schemas import Delivery, Subscription
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.repository.writer import enqueue_in

DELIVERIES_RETENTION: Final = Retention(table="webhook_deliveries", aged_by="created_at", keep_days=30)
_SUBSCRIPTION: Final = "subscription_id, url, message_types, status, reason, created_at"
_DELIVERY: Final = """
    delivery_id, subscription_id, message_id, message_type, status, attempts, last_status, last_error, created_at,
    delivered_at
"""

_CREATE: Final = text(
    f"""
    INSERT INTO webhook_subscriptions (subscription_id, url, message_types, secret, created_by)
    VALUES (:subscription_id, :url, :message_types, :secret, :created_by)
    RETURNING {_SUBSCRIPTION}
    """  # noqa: S608 - constants only
)
_SUBSCRIPTIONS: Final = select(*(webhook_subscriptions.c[name] for name in Subscription.model_fields))
_SET_STATUS: Final = text(
    f"""
    UPDATE webhook_subscriptions SET status = :status, reason = :reason
    FROM (SELECT subscription_id AS key, status AS previous_status FROM webhook_subscriptions
          WHERE subscription_id = :subscription_id FOR UPDATE) AS previous
    WHERE subscription_id = key
    RETURNING {_SUBSCRIPTION}, previous_status
    """  # noqa: S608 - constants only
)
_DELETE: Final = text(
    "DELETE FROM webhook_subscriptions WHERE subscription_id = :subscription_id RETURNING message_types, status"
)
_WANTING: Final = text(
    """
    SELECT subscription_id FROM webhook_subscriptions WHERE status = 'ACTIVE' AND :message_type = ANY(message_types)
    """
)
# Part of a statement in which `received` has a row if the message is new: inserts `deliveries` for the rows of `to_deliver`
# (delivery_id, subscription_id) whose subscription is still active.
ADD_DELIVERIES: Final = """
    deliveries AS (
        INSERT INTO webhook_deliveries (delivery_id, subscription_id, message_id, message_type, body)
        SELECT d.delivery_id, d.subscription_id, r.message_id, :message_type, :delivery_body
        FROM received AS r CROSS JOIN to_deliver AS d JOIN webhook_subscriptions AS s USING (subscription_id)
        WHERE s.status = 'ACTIVE'
        ON CONFLICT (subscription_id, message_id) DO NOTHING
        RETURNING delivery_id)
"""
_FIND: Final = text(
    """
    SELECT d.delivery_id, d.subscription_id, d.body, s.url, s.secret, s.status = 'ACTIVE' AS is_wanted,
        d.status = 'DELIVERED' AS is_delivered
    FROM webhook_deliveries AS d JOIN webhook_subscriptions AS s USING (subscription_id)
    WHERE d.delivery_id = :delivery_id
    """
)
# A worker that was suspended cannot overwrite a successful delivery of another worker.
_RECORD: Final = text(
    """
    UPDATE webhook_deliveries
    SET attempts = attempts + 1, status = :status, last_status = :last_status, last_error = :last_error,
        delivered_at = CASE WHEN :status = 'DELIVERED' THEN clock_timestamp() END
    WHERE delivery_id = :delivery_id AND (status <> 'DELIVERED' OR :status = 'DELIVERED')
    """
)
# The job was cancelled, or failed when its last worker crashed, so no job will deliver the webhook.
_FAIL_ABANDONED: Final = text(
    """
    UPDATE webhook_deliveries AS d SET status = 'FAILED', last_error = coalesce(last_error, 'its job has ended')
    WHERE status = 'PENDING' AND NOT EXISTS (
        SELECT FROM jobs AS j
        WHERE j.kind = 'delivery' AND j.status IN ('queued', 'running', 'retrying')
          AND j.payload ->> 'delivery_id' = d.delivery_id::text)
    """
)
_DELIVERIES: Final = select(*(webhook_deliveries.c[name] for name in Delivery.model_fields))
_REPLAY: Final = text(
    f"""
    UPDATE webhook_deliveries SET status = 'PENDING', replays = replays + 1
    FROM (SELECT delivery_id AS key, status AS previous_status FROM webhook_deliveries
          WHERE delivery_id = :delivery_id FOR UPDATE) AS previous
    WHERE delivery_id = key
    RETURNING {_DELIVERY}, replays, previous_status
    """  # noqa: S608 - constants only
)


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery with its subscription's URL and secret."""

    delivery_id: uuid.UUID
    subscription_id: uuid.UUID
    url: str
    secret: str
    body: str
    is_wanted: bool
    is_delivered: bool


def delivery_key(delivery_id: uuid.UUID, *, replay: int = 0) -> str:
    """Return the idempotency key of the job that delivers it, first or as a replay."""
    return f"{delivery_id} replay {replay}" if replay else str(delivery_id)


def postponed_key(delivery_id: uuid.UUID, *, job_id: uuid.UUID) -> str:
    """Return the idempotency key of the job that replaces a postponed one."""
    return f"{delivery_id} after {job_id}"


def delivery_body(message: Message, *, data: Mapping[str, Any]) -> str:
    """Return a webhook's body; `data` is the part of the message that integrators may see."""
    return orjson.dumps(
        {"type": message.type, "timestamp": message.time.isoformat(), "subject": message.subject, "data": data}
    ).decode()


async def subscriptions_wanting(database: Database, message_type: str) -> list[uuid.UUID]:
    rows = await database.fetch_all(_WANTING, {"message_type": message_type})
    return [row["subscription_id"] for row in rows]


class SubscriptionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, *, subscription_id: uuid.UUID, url: str, message_types: list[str], secret: str, created_by: uuid.UUID
    ) -> Subscription:
        parameters = {
            "subscription_id": subscription_id,
            "url": url,
            "message_types": message_types,
            "secret": secret,
            "created_by": created_by,
        }
        return Subscription.model_validate(await self._database.fetch_one(_CREATE, parameters))

    async def page(self, *, limit: int, offset: int) -> tuple[list[Subscription], Total]:
        at, key = webhook_subscriptions.c.created_at, webhook_subscriptions.c.subscription_id
        rows, total = await find_newest(self._database, _SUBSCRIPTIONS, at=at, key=key, limit=limit, offset=offset)
        return readable(rows, Subscription.model_validate, of="webhook_subscriptions"), total

    async def set_status(
        self, subscription_id: uuid.UUID, *, status: str, reason: str | None
    ) -> tuple[str, Subscription] | None:
        """Return the status before, and the subscription; None if there is none."""
        parameters = {"subscription_id": subscription_id, "status": status, "reason": reason}
        row = await self._database.fetch_one(_SET_STATUS, parameters)
        return (row["previous_status"], Subscription.model_validate(row)) if row else None

    async def delete(self, subscription_id: uuid.UUID) -> dict[str, Any] | None:
        """Return the message types and the status of the subscription; None if there was none."""
        row = await self._database.fetch_one(_DELETE, {"subscription_id": subscription_id})
        return None if row is None else dict(row)

    async def find(self, delivery_id: uuid.UUID) -> PendingDelivery | None:
        row = await self._database.fetch_one(_FIND, {"delivery_id": delivery_id})
        return PendingDelivery(**row) if row else None

    async def record(
        self, delivery_id: uuid.UUID, *, status: str, last_status: int | None, last_error: str | None
    ) -> None:
        """Record the outcome of an attempt."""
        outcome = {"status": status, "last_status": last_status, "last_error": last_error}
        await self._database.execute(_RECORD, {"delivery_id": delivery_id, **outcome})

    async def enqueue(self, job: NewJob) -> None:
        """Store the job that replaces a postponed one."""
        async with self._database.transaction() as connection:
            await enqueue_in(connection, job)

    async def deliveries(
        self, subscription_id: uuid.UUID, *, status: str | None, limit: int, offset: int, after: Cursor | None = None
    ) -> tuple[list[Delivery], Total]:
        found = _DELIVERIES.where(webhook_deliveries.c.subscription_id == subscription_id)
        if status is not None:
            found = found.where(has_value(webhook_deliveries.c.status, status))
        at, key = webhook_deliveries.c.created_at, webhook_deliveries.c.delivery_id
        rows, total = await find_newest(self._database, found, at=at, key=key, limit=limit, offset=offset, after=after)
        return readable(rows, Delivery.model_validate, of="webhook_deliveries"), total

    async def replay(self, delivery_id: uuid.UUID, job: Callable[[int], NewJob]) -> tuple[str, Delivery] | None:
        """Set a delivery to PENDING and store its job; return its status before, and the delivery, or None if there is none.

        Wake the queue afterwards.

        Args:
            job: returns the job of a replay with that number.
        """
        async with self._database.transaction() as connection:
            row = (await connection.execute(_REPLAY, {"delivery_id": delivery_id})).mappings().first()
            if row is None:
                return None
            await enqueue_in(connection, job(row["replays"]))
            return row["previous_status"], Delivery.model_validate(row)

    async def fail_abandoned(self) -> None:
        """Set deliveries to FAILED whose job has ended without delivering them."""
        await self._database.execute(_FAIL_ABANDONED)
