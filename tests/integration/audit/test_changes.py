"""What entries say of the state before an action and after it."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.support.callers import Caller, new_id

SUBSCRIPTIONS = "/api/admin/webhook-subscriptions"


async def change(admin: Caller, object_id: object, action: str) -> tuple[Any, Any]:
    """Return what the newest entry of an action says was before and after."""
    entry = (await admin.get("/api/admin/audit", object=object_id, action=action)).json()["data"][0]
    return entry["before"], entry["after"]


async def act(admin: Caller, method: str, path: str) -> None:
    answer = await admin.request(method, path)
    assert answer.is_success, answer.text


@pytest.fixture
async def subscription_id(admin: Caller) -> str:
    wanted = {"url": "https://203.0.113.1/hook", "message_types": ["order.confirmed"]}
    return str((await admin.post(SUBSCRIPTIONS, wanted)).json()["data"]["subscription_id"])


async def test_subscription(admin: Caller, database: Database, subscription_id: str) -> None:
    disable = text("UPDATE webhook_subscriptions SET status = 'DISABLED' WHERE subscription_id = :key")
    await database.execute(disable, {"key": uuid.UUID(subscription_id)})
    path = f"{SUBSCRIPTIONS}/{subscription_id}"

    await act(admin, "POST", f"{path}/enable")
    await act(admin, "DELETE", path)

    enabled = await change(admin, subscription_id, "webhook_subscription.enable")
    assert enabled == ({"status": "DISABLED"}, {"status": "ACTIVE"})
    deleted = await change(admin, subscription_id, "webhook_subscription.delete")
    assert deleted == ({"message_types": ["order.confirmed"], "status": "ACTIVE"}, None)


async def test_delivery(admin: Caller, database: Database, subscription_id: str) -> None:
    insert = text(
        """
        INSERT INTO webhook_deliveries (delivery_id, subscription_id, message_id, message_type, body, status)
        VALUES (:key, :subscription_id, gen_random_uuid(), 'order.confirmed', '{}', 'FAILED')
        """
    )
    delivery_id = uuid.uuid4()
    await database.execute(insert, {"key": delivery_id, "subscription_id": uuid.UUID(subscription_id)})

    await act(admin, "POST", f"/api/admin/webhook-deliveries/{delivery_id}/replay")

    replayed = await change(admin, delivery_id, "webhook_delivery.replay")
    assert replayed == ({"status": "FAILED"}, {"status": "PENDING"})


async def test_webhook(admin: Caller, database: Database) -> None:
    insert = text(
        """
        INSERT INTO webhook_log (webhook_id, provider, external_id, event_type, body, status, job_id)
        VALUES (:key, 'stripe', CAST(:key AS uuid)::text, 'ping', '', 'failed', gen_random_uuid())
        """
    )
    webhook_id = uuid.uuid4()
    await database.execute(insert, {"key": webhook_id})

    await act(admin, "POST", f"/api/admin/webhook-logs/{webhook_id}/replay")

    replayed = await change(admin, webhook_id, "webhook.replay")
    assert replayed == ({"status": "failed", "replays": 0}, {"status": "received", "replays": 1})


async def test_jobs(admin: Caller, database: Database) -> None:
    insert = text(
        """
        INSERT INTO jobs (job_id, kind, payload, idempotency_key, priority, status, failure, max_attempts, correlation_id,
                          queued_at, run_at, finished_at)
        VALUES (:key, 'delivery', '{}', CAST(:key AS uuid)::text, 0, CAST(:status AS text), :failure, 1, '', now(), now(),
                CASE WHEN CAST(:status AS text) = 'failed' THEN now() END)
        """
    )
    dead, queued = new_id(), new_id()
    for job_id, status, failure in ((dead, "failed", "dead"), (queued, "queued", None)):
        await database.execute(insert, {"key": uuid.UUID(job_id), "status": status, "failure": failure})

    await act(admin, "POST", f"/api/admin/jobs/{dead}/acknowledge")
    acknowledged = await change(admin, dead, "job.acknowledge")
    await act(admin, "POST", f"/api/admin/jobs/{queued}/cancel")
    cancelled = await change(admin, queued, "job.cancel")
    await act(admin, "POST", f"/api/admin/jobs/{queued}/cancel")
    repeated = await change(admin, queued, "job.cancel")

    assert acknowledged == ({"failure": "dead"}, {"failure": "acknowledged"})
    assert cancelled == ({"status": "queued"}, {"status": "cancelled"})
    assert repeated == ({"status": "cancelled"}, {"status": "cancelled"})
