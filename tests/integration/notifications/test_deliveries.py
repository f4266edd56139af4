"""Deliveries to integrators: their content, their jobs, and their status after their job has ended."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database, Row
from common.messaging.message import Message
from orchestrator.features.notifications.messages import NotificationConsumer
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.outbound_webhooks.errors import DeliveryNotFound
from orchestrator.features.outbound_webhooks.repository import SubscriptionStore
from orchestrator.features.outbound_webhooks.service import SubscriptionService
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.service import JobQueue

SECRETS = {"shares": {str(uuid.UUID(int=7)): "10.00"}, "error": "no such seat", "flags": ["LATE"]}


@pytest.fixture
def store(database: Database) -> SubscriptionStore:
    return SubscriptionStore(database)


@pytest.fixture
def subscriptions(store: SubscriptionStore, jobs: JobQueue) -> SubscriptionService:
    return SubscriptionService(store, jobs, is_private_allowed=True)


@pytest.fixture
async def delivery_id(database: Database, store: SubscriptionStore, jobs: JobQueue) -> uuid.UUID:
    """A delivery that waits for its job."""
    subscription_id = uuid.uuid4()
    await store.create(
        subscription_id=subscription_id,
        url="https://integrator.example",
        message_types=["order.refunded"],
        secret="whsec_AAAA",
        created_by=uuid.uuid4(),
    )
    data = {"user_id": str(uuid.uuid4()), "reason": "fan", **SECRETS}
    message = Message(type="order.refunded", source="tests", subject=str(uuid.uuid4()), data=data)
    await NotificationConsumer(FeedStore(database), jobs, wake_relay=lambda: None).handle(message)
    [row] = await rows(database, "subscription_id = :id", subscription_id)
    delivery_id: uuid.UUID = row["delivery_id"]
    return delivery_id


async def test_words_of_a_fan_and_a_performer_are_not_delivered(
    database: Database, store: SubscriptionStore, jobs: JobQueue
) -> None:
    subscription_id = uuid.uuid4()
    await store.create(
        subscription_id=subscription_id,
        url="https://integrator.example",
        message_types=["purchased_item.success"],
        secret="whsec_AAAA",
        created_by=uuid.uuid4(),
    )
    words = dict.fromkeys(("message", "note", "file_url", "explanation"), "for your eyes only")
    data = {"purchased_item_id": str(uuid.uuid4()), "amount": "12.00", "status": "success", **words}
    message = Message(type="purchased_item.success", source="orders", subject="x", data=data)
    consumer = NotificationConsumer(FeedStore(database), jobs, wake_relay=lambda: None)
    for _ in range(2):
        await consumer.handle(message)
    [row] = await rows(database, "subscription_id = :id", subscription_id)
    assert set(json.loads(row["body"])["data"]) == {"purchased_item_id", "amount", "status"}


async def rows(database: Database, condition: str, id_: Any) -> Sequence[Row]:
    return await database.fetch_all(text(f"SELECT * FROM webhook_deliveries WHERE {condition}"), {"id": id_})  # noqa: S608


async def one(database: Database, delivery_id: uuid.UUID) -> Row:
    [row] = await rows(database, "delivery_id = :id", delivery_id)
    return row


async def end_jobs(database: Database, delivery_id: uuid.UUID, status: str) -> None:
    statement = text(
        "UPDATE jobs SET status = :status, finished_at = CASE WHEN :status IN ('completed', 'failed', 'cancelled') THEN clock_timestamp() END, "
        "lease_until = CASE WHEN :status = 'running' THEN clock_timestamp() END "
        "WHERE kind = 'delivery' AND idempotency_key LIKE :key"
    )
    assert await database.execute(statement, {"status": status, "key": f"{delivery_id}%"})


async def jobs_of(database: Database, delivery_id: uuid.UUID) -> int:
    statement = text("SELECT FROM jobs WHERE kind = 'delivery' AND idempotency_key LIKE :key")
    return len(await database.fetch_all(statement, {"key": f"{delivery_id}%"}))


async def test_internal_fields_are_not_delivered(database: Database, delivery_id: uuid.UUID) -> None:
    body = json.loads((await one(database, delivery_id))["body"])
    assert (body["type"], set(body["data"])) == ("order.refunded", {"user_id", "reason"})


class TestReplay:
    async def test_replay_waits_for_its_own_job(
        self, database: Database, delivery_id: uuid.UUID, subscriptions: SubscriptionService
    ) -> None:
        for times in (1, 2):
            assert (await subscriptions.replay(delivery_id))[1].status == "PENDING"
            assert await jobs_of(database, delivery_id) == 1 + times

    async def test_replay_without_its_job_is_rolled_back(
        self, database: Database, delivery_id: uuid.UUID, store: SubscriptionStore
    ) -> None:
        await store.record(delivery_id, status="DELIVERED", last_status=200, last_error=None)

        def fails(_: int) -> NewJob:
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await store.replay(delivery_id, fails)
        row = await one(database, delivery_id)
        assert (row["status"], row["replays"]) == ("DELIVERED", 0)

    async def test_unknown_delivery_is_not_replayed(self, subscriptions: SubscriptionService) -> None:
        with pytest.raises(DeliveryNotFound):
            await subscriptions.replay(uuid.uuid4())


class TestAbandoned:
    @pytest.mark.parametrize("is_replayed", [False, True])
    @pytest.mark.parametrize("status", ["failed", "cancelled", "completed"])
    async def test_delivery_whose_job_has_ended_fails(  # noqa: PLR0917 - fixtures
        self,
        database: Database,
        delivery_id: uuid.UUID,
        store: SubscriptionStore,
        subscriptions: SubscriptionService,
        status: str,
        is_replayed: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        if is_replayed:
            await subscriptions.replay(delivery_id)
        await end_jobs(database, delivery_id, status)
        await store.fail_abandoned()
        row = await one(database, delivery_id)
        assert (row["status"], row["last_error"]) == ("FAILED", "its job has ended")

    @pytest.mark.parametrize("status", ["queued", "running", "retrying"])
    async def test_delivery_with_an_active_job_stays_pending(
        self, database: Database, delivery_id: uuid.UUID, store: SubscriptionStore, status: str
    ) -> None:
        await end_jobs(database, delivery_id, status)
        await store.fail_abandoned()
        assert (await one(database, delivery_id))["status"] == "PENDING"

    async def test_replay_stays_pending_even_if_the_first_job_has_ended(
        self, database: Database, delivery_id: uuid.UUID, store: SubscriptionStore, subscriptions: SubscriptionService
    ) -> None:
        await end_jobs(database, delivery_id, "failed")
        await subscriptions.replay(delivery_id)
        await store.fail_abandoned()
        assert (await one(database, delivery_id))["status"] == "PENDING"


async def test_late_worker_does_not_overwrite_a_delivery(
    database: Database, delivery_id: uuid.UUID, store: SubscriptionStore
) -> None:
    await store.record(delivery_id, status="PENDING", last_status=500, last_error=None)
    await store.record(delivery_id, status="DELIVERED", last_status=200, last_error=None)
    for status in ("PENDING", "FAILED"):
        await store.record(delivery_id, status=status, last_status=None, last_error="TimeoutError")
    row = await one(database, delivery_id)
    assert (row["status"], row["attempts"], row["last_status"]) == ("DELIVERED", 2, 200)
