"""Integrators that do not respond delay no other delivery, and their own deliveries wait without losing attempts."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import pytest
from sqlalchemy import text

from common.db.engine import Database, Row
from common.messaging.message import Message
from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.features.notifications.messages import NotificationConsumer
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.outbound_webhooks.adapters.public_resolver import PublicResolver
from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import MOST_AT_ONCE, SubscriptionLimiter
from orchestrator.features.outbound_webhooks.errors import NotDelivered
from orchestrator.features.outbound_webhooks.jobs import DeliveryHandler
from orchestrator.features.outbound_webhooks.repository import SubscriptionStore
from orchestrator.features.outbound_webhooks.schemas import DeliverWebhook
from orchestrator.jobs.registry import JobContext, Registry
from orchestrator.jobs.service import JobQueue
from tests.integration.notifications.integrator import Integrator
from tests.integration.notifications.running_worker import running_worker
from tests.support.servers import Vhost
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually

# Each is put off by the time that the URL has taken, which grows with the load of the machine.
DELIVERIES: Final = 3 * MOST_AT_ONCE


def delivery_handler(database: Database, jobs: JobQueue, limiter: SubscriptionLimiter) -> DeliveryHandler:
    sender = WebhookSender(PublicResolver(), is_private_allowed=True, timeout_seconds=60, connect_timeout_seconds=60)
    return DeliveryHandler(SubscriptionStore(database), sender, jobs, limiter)


async def subscribed(database: Database, integrator: Integrator, message_type: str) -> uuid.UUID:
    subscription_id = uuid.uuid4()
    await SubscriptionStore(database).create(
        subscription_id=subscription_id,
        url=integrator.url,
        message_types=[message_type],
        secret="whsec_AAAA",
        created_by=uuid.uuid4(),
    )
    return subscription_id


async def publish(database: Database, jobs: JobQueue, message_type: str) -> None:
    data = {"user_id": str(uuid.uuid4()), "reason": "fan"}
    message = Message(type=message_type, source="tests", subject=str(uuid.uuid4()), data=data)
    await NotificationConsumer(FeedStore(database), jobs, wake_relay=jobs.wake_relay).handle(message)


async def deliveries(database: Database, subscription_id: uuid.UUID) -> Sequence[Row]:
    statement = text("SELECT * FROM webhook_deliveries WHERE subscription_id = :id")
    return await database.fetch_all(statement, {"id": subscription_id})


async def test_unresponsive_integrator_does_not_delay_others(database: Database, vhost: Vhost) -> None:
    def deliver(registry: Registry, jobs: JobQueue) -> None:
        handler = delivery_handler(database, jobs, SubscriptionLimiter(shortest_wait_seconds=0.2)).deliver
        registry.register(POLICIES["delivery"], DeliverWebhook, handler)

    async with (
        Integrator() as unresponsive,
        Integrator() as healthy,
        running_worker(database, vhost, policies=POLICIES, register=deliver) as jobs,
    ):
        unresponsive.gate.clear()
        blocked = await subscribed(database, unresponsive, "order.failed")
        active = await subscribed(database, healthy, "order.cancelled")
        for _ in range(DELIVERIES):
            await publish(database, jobs, "order.failed")
        await eventually(lambda: unresponsive.in_progress == MOST_AT_ONCE)
        await publish(database, jobs, "order.cancelled")
        await eventually(lambda: healthy.received.total() == 1)
        assert unresponsive.received.total() == 0

        unresponsive.gate.set()
        await eventually(lambda: unresponsive.received.total() == DELIVERIES)
        assert unresponsive.most_in_progress == MOST_AT_ONCE

        async def all_are_noted() -> bool:
            found = [*await deliveries(database, blocked), *await deliveries(database, active)]
            return {(row["status"], row["attempts"]) for row in found} == {("DELIVERED", 1)}

        await eventually(all_are_noted)
        assert set(unresponsive.received.values()) == {1}


async def _report(_: Mapping[str, Any]) -> None:
    raise AssertionError("a delivery reports no progress")


class TestPostponed:
    @pytest.fixture
    async def delivery(self, database: Database, jobs: JobQueue) -> DeliverWebhook:
        async with Integrator() as integrator:
            subscription_id = await subscribed(database, integrator, "sale.failed")
        await publish(database, jobs, "sale.failed")
        [row] = await deliveries(database, subscription_id)
        await database.execute(
            text("UPDATE jobs SET status = 'cancelled', finished_at = now() WHERE kind = 'delivery'")
        )
        return DeliverWebhook(delivery_id=row["delivery_id"])

    @pytest.fixture
    async def busy(
        self, database: Database, jobs: JobQueue, delivery: DeliverWebhook
    ) -> AsyncIterator[DeliveryHandler]:
        """All slots of the delivery's subscription are taken."""
        pending = await SubscriptionStore(database).find(delivery.delivery_id)
        assert pending is not None
        limiter = SubscriptionLimiter()
        with ExitStack() as slots:
            while limiter.has_slot(pending.subscription_id):
                slots.enter_context(limiter.slot(pending.subscription_id))
            yield delivery_handler(database, jobs, limiter)

    async def test_postponed_delivery_keeps_its_remaining_attempts_in_its_own_job(
        self, database: Database, jobs: JobQueue, delivery: DeliverWebhook, busy: DeliveryHandler
    ) -> None:
        """It happens once, even if the worker crashes before it reports and another worker repeats the attempt."""
        context = JobContext(job_id=uuid.uuid4(), attempt=4, max_attempts=10, requested_by=None, _report=_report)
        for _ in range(2):
            assert (await busy.deliver(delivery, context))["put_off_seconds"] >= 5
        [job] = [job for job in (await jobs.page(kind="delivery"))[0] if job.status == "queued"]
        assert (job.payload, job.max_attempts) == (delivery.model_dump(mode="json"), 7)
        assert (job.run_at - job.created_at).total_seconds() > 4
        await SubscriptionStore(database).fail_abandoned()
        pending = await SubscriptionStore(database).find(delivery.delivery_id)
        assert pending is not None
        [row] = await deliveries(database, pending.subscription_id)
        assert (row["status"], row["attempts"]) == ("PENDING", 0)

    async def test_delivery_completed_meanwhile_is_not_repeated(
        self, database: Database, delivery: DeliverWebhook, busy: DeliveryHandler
    ) -> None:
        await SubscriptionStore(database).record(
            delivery.delivery_id, status="DELIVERED", last_status=200, last_error=None
        )
        context = JobContext(job_id=uuid.uuid4(), attempt=1, max_attempts=10, requested_by=None, _report=_report)
        assert await busy.deliver(delivery, context) == {"status": "delivered before"}


async def test_address_that_never_completes_a_connection_times_out_early() -> None:
    """The server accepts the connection and sends nothing: the TLS handshake never starts."""
    gate = asyncio.Event()

    async def stay_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.close()

    sender = WebhookSender(PublicResolver(), is_private_allowed=True, timeout_seconds=60, connect_timeout_seconds=0.2)
    async with await asyncio.start_server(stay_silent, "127.0.0.1", 0) as server, asyncio.timeout(ANSWER_SECONDS / 2):
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotDelivered):
            await sender.post(f"https://127.0.0.1:{port}/", body="{}", headers={})
        gate.set()
