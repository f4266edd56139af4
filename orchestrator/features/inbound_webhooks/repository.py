"""The webhook log in PostgreSQL."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.engine import Database
from common.db.pages import find_newest, has_value
from common.db.retention import Retention
from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from common.pages import Cursor, Total
from common.rows import readable
from common.sealing import Sealer
from orchestrator.clients.users.payments import Provider
from orchestrator.database import metadata
from orchestrator.features.inbound_webhooks.models.records import (
    DONE,
    StoredWebhook,
    WebhookError,
    WebhookOutcome,
    WebhookStatus,
    WebhookView,
)
from orchestrator.features.inbound_webhooks.models.tables import webhook_log
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.repository.writer import enqueue_in

__all__ = ["SEALED_PROVIDERS", "WebhookLog", "log_retention"]

SEALED_PROVIDERS: Final = frozenset({Provider.KINGUIN})
"""Their webhooks carry the codes that fans have bought."""
WithoutGoods = Callable[[bytes], bytes]
"""Returns a webhook's body without the codes that it carries."""
BATCH: Final = 500
OUTBOX: Final = metadata.tables["outbox"]
SOURCE: Final = "orchestrator"
RECEIVED: Final = "webhook.received"
# Admins see these next to the orders of digital goods that they move (F5).
SHOWN_LIVE: Final = frozenset({Provider.KINGUIN, Provider.NOWPAYMENTS})
JOB_ENDED: Final = "JOB_ENDED"
ABANDONED: Final = WebhookError(code=JOB_ENDED, message="The job ended before the webhook was processed.")
_COLUMNS: Final = """
    webhook_id, provider, external_id, event_type, status, outcome, payment_id, attempts, replays, job_id, error,
    earlier, received_at, processed_at
"""

_STORE: Final = text(
    """
    INSERT INTO webhook_log (webhook_id, provider, external_id, event_type, body, sealed_body, job_id)
    VALUES (:webhook_id, :provider, :external_id, :event_type, :body, :sealed_body, :job_id)
    ON CONFLICT (provider, external_id) DO NOTHING
    """
)

# A job from before the last replay has no effect.
_BEGIN: Final = text(
    """
    UPDATE webhook_log SET status = 'processing', attempts = attempts + 1
    WHERE webhook_id = :webhook_id AND replays = :replay
    RETURNING webhook_id, provider, body, sealed_body
    """
)

_IDENTITY: Final = "convert_to(CAST(jsonb_build_object('event_id', external_id, 'type', event_type) AS text), 'UTF8')"

# A worker that was suspended cannot record a failure after another worker has processed the webhook.
_END: Final = text(
    f"""
    UPDATE webhook_log SET
        body = CASE WHEN CAST(:sealed_body AS bytea) IS NULL THEN body ELSE {_IDENTITY} END,
        sealed_body = coalesce(CAST(:sealed_body AS bytea), sealed_body),
        status = :status, outcome = :outcome, payment_id = coalesce(:payment_id, payment_id),
        error = :error, processed_at = clock_timestamp()
    WHERE webhook_id = :webhook_id AND replays = :replay AND (status = 'processing' OR :error IS NULL)
    """  # noqa: S608 - constants only
).bindparams(bindparam("error", type_=JSONB(none_as_null=True)))

_RECORD_ERROR: Final = text(
    """
    UPDATE webhook_log SET error = :error
    WHERE webhook_id = :webhook_id AND replays = :replay AND status = 'processing'
    """
).bindparams(bindparam("error", type_=JSONB))

_REPLAY: Final = text(
    f"""
    UPDATE webhook_log SET status = 'received', replays = replays + 1, attempts = 0, job_id = :job_id,
        outcome = NULL, error = NULL, processed_at = NULL,
        earlier = earlier || jsonb_build_array(jsonb_build_object(
            'status', status, 'outcome', outcome, 'error', error, 'attempts', attempts, 'job_id', job_id,
            'processed_at', processed_at, 'replayed_at', clock_timestamp(), 'replayed_by', CAST(:admin_id AS uuid)))
    WHERE webhook_id = :webhook_id AND replays = :replay
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

# The job was cancelled, or failed when its last worker crashed; or a suspended worker began a webhook whose job was over.
_END_ABANDONED: Final = text(
    """
    UPDATE webhook_log AS w SET
        status = coalesce(ended.result ->> 'status', 'failed'),
        outcome = coalesce(ended.result ->> 'outcome', outcome),
        error = CASE WHEN ended.result IS NULL THEN coalesce(ended.error, w.error, :error) END,
        processed_at = clock_timestamp()
    FROM (
        SELECT open.webhook_id, open.job_id, j.result, j.error
        FROM webhook_log AS open LEFT JOIN jobs AS j ON j.job_id = open.job_id
        WHERE open.status IN ('received', 'processing')
          AND (j.job_id IS NULL OR j.status IN ('completed', 'failed', 'cancelled'))) AS ended
    WHERE w.webhook_id = ended.webhook_id AND w.job_id = ended.job_id AND w.status IN ('received', 'processing')
    """
).bindparams(bindparam("error", type_=JSONB))

_FIND: Final = text(f"SELECT {_COLUMNS}, body, sealed_body FROM webhook_log WHERE webhook_id = :webhook_id")  # noqa: S608

_UNSEALED: Final = text(
    """
    SELECT webhook_id, status, body FROM webhook_log
    WHERE provider = 'kinguin' AND sealed_body IS NULL ORDER BY webhook_id LIMIT :limit
    """
)
_SEAL: Final = text(
    f"""
    UPDATE webhook_log SET sealed_body = :sealed_body, body = {_IDENTITY}
    WHERE webhook_id = :webhook_id AND sealed_body IS NULL AND status = :status
    """  # noqa: S608 - constants only
)
_SEALED: Final = text(
    """
    SELECT webhook_id, sealed_body FROM webhook_log
    WHERE sealed_body IS NOT NULL AND webhook_id > :after ORDER BY webhook_id LIMIT :limit
    """
)
_REWRAP: Final = text(
    """
    UPDATE webhook_log SET sealed_body = :rewrapped WHERE webhook_id = :webhook_id AND sealed_body = :sealed_body
    """
)

_LISTED: Final = select(*(webhook_log.c[name] for name in WebhookView.model_fields))


def log_retention(keep_days: float) -> Retention:
    """Return how long processed webhooks are kept."""
    return Retention(
        table="webhook_log",
        aged_by="received_at",
        keep_days=keep_days,
        condition="status NOT IN ('received', 'processing')",
    )


class WebhookLog:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def store(
        self, verified: VerifiedWebhook, body: bytes, *, provider: Provider, webhook_id: uuid.UUID, job: NewJob
    ) -> bool:
        """Store a webhook and the job that processes it, atomically; return False if the webhook is a duplicate."""
        values = {
            "webhook_id": webhook_id,
            "provider": provider.value,
            "external_id": verified.external_id,
            "event_type": verified.event_type,
            **self._stored(verified, body, provider=provider, webhook_id=webhook_id),
            "job_id": job.job_id,
        }
        async with self._database.transaction() as connection:
            if (await connection.execute(_STORE, values)).rowcount == 0:
                return False
            if provider in SHOWN_LIVE:
                received = {"webhook_id": str(webhook_id), "provider": provider, "event_type": verified.event_type}
                message = Message(type=RECEIVED, source=SOURCE, subject=str(webhook_id), data=received)
                await connection.execute(OUTBOX.insert(), outbox_row(message))
            return await enqueue_in(connection, job)

    async def begin(self, webhook_id: uuid.UUID, *, replay: int) -> StoredWebhook | None:
        """Record that a job has begun to process it; return None if it belongs to another job.

        Raises:
            SealBroken: its body was sealed under a key that is retired.
        """
        row = await self._database.fetch_one(_BEGIN, {"webhook_id": webhook_id, "replay": replay})
        if row is None:
            return None
        return StoredWebhook(
            webhook_id=webhook_id, provider=Provider(row["provider"]), body=self._body(row), replay=replay
        )

    async def end(self, webhook: StoredWebhook, outcome: WebhookOutcome, *, kept: bytes | None = None) -> None:
        """Record an outcome.

        Args:
            kept: what is kept of the body, sealed; None keeps it as it is.
        """
        values = {
            "sealed_body": None if kept is None else self._sealer.seal(kept, context=_context(webhook.webhook_id)),
            "webhook_id": webhook.webhook_id,
            "replay": webhook.replay,
            "status": outcome.status.value,
            "outcome": outcome.outcome,
            "payment_id": outcome.payment_id,
            "error": _error_json(outcome.error),
        }
        await self._database.execute(_END, values)

    async def record_error(self, webhook: StoredWebhook, error: WebhookError) -> None:
        """Record why an attempt failed that will be retried."""
        values = {"webhook_id": webhook.webhook_id, "replay": webhook.replay, "error": _error_json(error)}
        await self._database.execute(_RECORD_ERROR, values)

    async def end_abandoned(self) -> None:
        """Record the outcome of webhooks whose job has ended without doing so."""
        await self._database.execute(_END_ABANDONED, {"error": _error_json(ABANDONED)})

    async def replay(self, webhook: WebhookView, job: NewJob, *, admin_id: uuid.UUID) -> WebhookView | None:
        """Store another job for it and keep the earlier outcome; return None if another admin has just done so."""
        values = {
            "webhook_id": webhook.webhook_id,
            "replay": webhook.replays,
            "job_id": job.job_id,
            "admin_id": admin_id,
        }
        async with self._database.transaction() as connection:
            row = (await connection.execute(_REPLAY, values)).mappings().first()
            if row is None:
                return None
            await enqueue_in(connection, job)
            return WebhookView.model_validate(dict(row))

    async def find(self, webhook_id: uuid.UUID) -> tuple[WebhookView, bytes] | None:
        """Return a webhook and its body."""
        row = await self._database.fetch_one(_FIND, {"webhook_id": webhook_id})
        return None if row is None else (WebhookView.model_validate(dict(row)), self._body(row))

    async def page(
        self,
        *,
        provider: Provider | None,
        status: WebhookStatus | None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[WebhookView], Total]:
        """Return webhooks, newest first, and the total."""
        names = {webhook_log.c.provider: provider, webhook_log.c.status: status}
        found = _LISTED.where(*(has_value(column, name) for column, name in names.items() if name is not None))
        at, key = webhook_log.c.received_at, webhook_log.c.webhook_id
        rows, total = await find_newest(self._database, found, at=at, key=key, limit=limit, offset=offset, after=after)
        return readable(map(dict, rows), WebhookView.model_validate, of="webhook_log"), total

    async def seal_all(self, *, without_goods: WithoutGoods) -> int:
        """Seal bodies that the previous release stored as they are, of processed webhooks without goods; return how many."""
        sealed = 0
        while rows := await self._database.fetch_all(_UNSEALED, {"limit": BATCH}):
            for row in rows:
                is_done = row["status"] in DONE
                body = without_goods(bytes(row["body"])) if is_done else bytes(row["body"])
                values = {"webhook_id": row["webhook_id"], "status": row["status"]}
                values["sealed_body"] = self._sealer.seal(body, context=_context(row["webhook_id"]))
                sealed += await self._database.execute(_SEAL, values)
        return sealed

    async def rewrap(self) -> int:
        """Put all sealed bodies under the current key; return how many were not. Repeating it goes on."""
        rewrapped, after = 0, uuid.UUID(int=0)
        while rows := await self._database.fetch_all(_SEALED, {"after": after, "limit": BATCH}):
            for row in rows:
                sealed = bytes(row["sealed_body"])
                if (current := self._sealer.rewrap(sealed)) is not None:
                    values = {"webhook_id": row["webhook_id"], "sealed_body": sealed, "rewrapped": current}
                    rewrapped += await self._database.execute(_REWRAP, values)
            after = rows[-1]["webhook_id"]
        return rewrapped

    def _stored(
        self, verified: VerifiedWebhook, body: bytes, *, provider: Provider, webhook_id: uuid.UUID
    ) -> dict[str, bytes | None]:
        """Return the columns of a body. Processes of the previous release read `body`, which must not confuse them."""
        if provider not in SEALED_PROVIDERS:
            return {"body": body, "sealed_body": None}
        identity = orjson.dumps({"event_id": verified.external_id, "type": verified.event_type})
        return {"body": identity, "sealed_body": self._sealer.seal(body, context=_context(webhook_id))}

    def _body(self, row: Mapping[Any, Any]) -> bytes:
        """Return a webhook's signed bytes."""
        if row["sealed_body"] is None:
            return bytes(row["body"])
        return self._sealer.open(bytes(row["sealed_body"]), context=_context(row["webhook_id"]))


def _context(webhook_id: uuid.UUID) -> str:
    return f"webhook {webhook_id}"


def _error_json(error: WebhookError | None) -> dict[str, str] | None:
    return None if error is None else error.model_dump()
