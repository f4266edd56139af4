"""The webhook log: rows whose job has ended, late workers, and the deletion of old rows."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from common.db.engine import Database
from common.db.retention import TableRetention
from common.sealing import Sealer
from common.settings import DatabaseSettings
from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.models.records import (
    StoredWebhook,
    WebhookError,
    WebhookOutcome,
    WebhookStatus,
    WebhookView,
)
from orchestrator.features.inbound_webhooks.repository import WebhookLog, log_retention
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.jobs.record import NewJob
from tests.support.servers import DatabaseFactory

REASON = WebhookError(code="UPSTREAM_TIMEOUT", message="No response.")
SEALER = Sealer({"test": bytes(32)})
PROCESSED = WebhookOutcome(status=WebhookStatus.PROCESSED, outcome="CREDITED")


@pytest.fixture(scope="module")
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(
        DatabaseSettings(database_url=SecretStr(database_url("orchestrator"))), application_name="tests"
    )
    yield database
    await database.close()


@pytest.fixture
def log(database: Database) -> WebhookLog:
    return WebhookLog(database, SEALER)


def job_of(webhook_id: uuid.UUID) -> NewJob:
    return NewJob(
        kind="webhook",
        payload={},
        idempotency_key=str(uuid.uuid4()),
        priority=0,
        max_attempts=20,
        correlation_id=str(webhook_id),
    )


async def stored(log: WebhookLog) -> WebhookView:
    webhook_id = uuid.uuid4()
    inbound = VerifiedWebhook(external_id=f"evt_{webhook_id}", event_type="payment_intent.succeeded")
    await log.store(inbound, b"{}", provider=Provider.STRIPE, webhook_id=webhook_id, job=job_of(webhook_id))
    return await seen(log, webhook_id)


async def begun(log: WebhookLog) -> StoredWebhook:
    webhook = await log.begin((await stored(log)).webhook_id, replay=0)
    assert webhook is not None
    return webhook


async def seen(log: WebhookLog, webhook_id: uuid.UUID) -> WebhookView:
    found = await log.find(webhook_id)
    assert found is not None
    return found[0]


async def end_job(database: Database, webhook: WebhookView, status: str, **values: Any) -> None:
    statement = text(
        "UPDATE jobs SET status = :status, error = CAST(:error AS jsonb), result = CAST(:result AS jsonb), "
        "finished_at = CASE WHEN :status IN ('completed', 'failed', 'cancelled') THEN clock_timestamp() END, "
        "lease_until = CASE WHEN :status = 'running' THEN clock_timestamp() END "
        "WHERE job_id = :job_id"
    )
    parameters = {"error": None, "result": None} | values
    await database.execute(statement, {"status": status, "job_id": webhook.job_id, **parameters})


class TestAbandoned:
    async def test_last_error_of_the_job_is_shown(self, database: Database, log: WebhookLog) -> None:
        webhook = await stored(log)
        await end_job(database, webhook, "failed", error=REASON.model_dump_json())
        await log.end_abandoned()
        ended = await seen(log, webhook.webhook_id)
        assert (ended.status, ended.error) == (WebhookStatus.FAILED, REASON)
        assert ended.processed_at is not None

    async def test_webhook_of_a_cancelled_job_fails(self, database: Database, log: WebhookLog) -> None:
        webhook = await stored(log)
        await end_job(database, webhook, "cancelled")
        await log.end_abandoned()
        ended = await seen(log, webhook.webhook_id)
        assert (ended.status, ended.error and ended.error.code) == (WebhookStatus.FAILED, "JOB_ENDED")

    async def test_webhook_of_a_deleted_job_fails(self, database: Database, log: WebhookLog) -> None:
        webhook = await begun(log)
        await database.execute(
            text("DELETE FROM jobs WHERE job_id = (SELECT job_id FROM webhook_log WHERE webhook_id = :webhook_id)"),
            {"webhook_id": webhook.webhook_id},
        )
        await log.end_abandoned()
        assert (await seen(log, webhook.webhook_id)).status is WebhookStatus.FAILED

    async def test_webhook_restarted_after_its_end_keeps_its_status(self, database: Database, log: WebhookLog) -> None:
        webhook = await begun(log)
        result = '{"status": "processed", "outcome": "CREDITED"}'
        await end_job(database, await seen(log, webhook.webhook_id), "completed", result=result)
        await log.end_abandoned()
        ended = await seen(log, webhook.webhook_id)
        assert (ended.status, ended.outcome, ended.error) == (WebhookStatus.PROCESSED, "CREDITED", None)

    @pytest.mark.parametrize("status", ["queued", "running", "retrying"])
    async def test_webhook_with_an_active_job_is_not_changed(
        self, database: Database, log: WebhookLog, status: str
    ) -> None:
        webhook = await begun(log)
        await end_job(database, await seen(log, webhook.webhook_id), status)
        await log.end_abandoned()
        assert (await seen(log, webhook.webhook_id)).status is WebhookStatus.PROCESSING

    async def test_settled_webhook_is_not_changed(self, database: Database, log: WebhookLog) -> None:
        webhook = await begun(log)
        await log.end(webhook, PROCESSED)
        before = await seen(log, webhook.webhook_id)
        await end_job(database, before, "failed", error=REASON.model_dump_json())
        await log.end_abandoned()
        assert await seen(log, webhook.webhook_id) == before


class TestLateWorkers:
    async def test_late_failure_does_not_overwrite_processed(self, log: WebhookLog) -> None:
        webhook = await begun(log)
        await log.end(webhook, PROCESSED)
        before = await seen(log, webhook.webhook_id)
        await log.record_error(webhook, REASON)
        await log.end(webhook, WebhookOutcome(status=WebhookStatus.FAILED, error=REASON))
        assert await seen(log, webhook.webhook_id) == before

    async def test_late_success_overwrites_a_failure(self, log: WebhookLog) -> None:
        webhook = await begun(log)
        await log.end(webhook, WebhookOutcome(status=WebhookStatus.FAILED, error=REASON))
        await log.end(webhook, PROCESSED)
        ended = await seen(log, webhook.webhook_id)
        assert (ended.status, ended.error) == (WebhookStatus.PROCESSED, None)

    async def test_failed_attempt_is_stored(self, log: WebhookLog) -> None:
        webhook = await begun(log)
        await log.record_error(webhook, REASON)
        assert (await seen(log, webhook.webhook_id)).error == REASON
        await log.end(webhook, WebhookOutcome(status=WebhookStatus.FAILED, error=REASON))
        assert (await seen(log, webhook.webhook_id)).status is WebhookStatus.FAILED


async def test_only_old_settled_webhooks_are_deleted(database: Database, log: WebhookLog) -> None:
    old, new, unfinished = [await begun(log) for _ in range(3)]
    for webhook in (old, new):
        await log.end(webhook, PROCESSED)
    age = text("UPDATE webhook_log SET received_at = received_at - interval '91 days' WHERE webhook_id = ANY(:ids)")
    await database.execute(age, {"ids": [old.webhook_id, unfinished.webhook_id]})
    await TableRetention(database, log_retention(90)).delete_old()
    assert await log.find(old.webhook_id) is None
    assert await log.find(new.webhook_id)
    assert await log.find(unfinished.webhook_id)
