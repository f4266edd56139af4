"""The job that delivers a webhook to an integrator."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from orchestrator.features.outbound_webhooks.adapters.signing import headers_of
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import SubscriptionLimiter
from orchestrator.features.outbound_webhooks.errors import AddressNotAllowed, NotDelivered
from orchestrator.features.outbound_webhooks.repository import PendingDelivery, SubscriptionStore, postponed_key
from orchestrator.features.outbound_webhooks.schemas import KIND, DeliverWebhook
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

__all__ = ["POLICY", "DeliveryHandler"]

# The schedule in the Standard Webhooks specification, section "Deliverability and reliability".
RETRY_SECONDS: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
# Deliveries mostly wait for integrators, so there are many slots; `adapters/subscription_limiter` limits each one's share.
POLICY: Final = JobPolicy(
    KIND, max_attempts=10, retry_seconds=RETRY_SECONDS, timeout_seconds=30, concurrency=64, publishes_completion=False
)
GONE: Final = 410  # in the specification: stop sending
OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class DeliveryHandler:
    """The handler of `delivery` jobs."""

    store: SubscriptionStore
    sender: WebhookSender
    jobs: JobQueue
    limiter: SubscriptionLimiter

    async def deliver(self, request: DeliverWebhook, context: JobContext) -> Mapping[str, Any]:
        """Post a webhook once, or postpone it if its subscription is at its limit.

        Raises:
            JobRefused: the subscription is deleted or disabled, or its URL is not allowed.
            NotDelivered: the delivery is to be retried.
        """
        delivery = await self.store.find(request.delivery_id)
        if delivery is None:
            raise JobRefused("The subscription was deleted.")
        if delivery.is_delivered:  # by an attempt that was not recorded, or is being recorded at this moment
            return {"status": "delivered before"}
        if not delivery.is_wanted:
            await self._record(delivery, "FAILED", error="the subscription is disabled")
            raise JobRefused("The subscription is disabled.")
        if not self.limiter.has_slot(delivery.subscription_id):
            return await self._postpone(delivery, context)
        return await self._attempt(delivery, context)

    async def _postpone(self, delivery: PendingDelivery, context: JobContext) -> Mapping[str, Any]:
        """Enqueue a later job with the attempts that this job has left; this attempt does not count."""
        wait_seconds = self.limiter.reserve_wait(delivery.subscription_id)
        job = self.jobs.new_job(
            KIND,
            DeliverWebhook(delivery_id=delivery.delivery_id),
            idempotency_key=postponed_key(delivery.delivery_id, job_id=context.job_id),
            run_at=datetime.now(UTC) + timedelta(seconds=wait_seconds),
        )
        await self.store.enqueue(replace(job, max_attempts=context.max_attempts - context.attempt + 1))
        return {"put_off_seconds": round(wait_seconds, 1)}

    async def _attempt(self, delivery: PendingDelivery, context: JobContext) -> Mapping[str, Any]:
        with self.limiter.slot(delivery.subscription_id):
            status = await self._post(delivery, is_last=context.is_last_attempt)
        if status in OK:
            await self._record(delivery, "DELIVERED", status=status)
            return {"status": status}
        if status == GONE:
            await self.store.set_status(delivery.subscription_id, status="DISABLED", reason="answered 410 Gone")
            await self._record(delivery, "FAILED", status=status, error="gone")
            raise JobRefused("The address returned 410: the subscription is disabled.")
        await self._record(delivery, _status_after_failure(is_last=context.is_last_attempt), status=status)
        raise NotDelivered(status=status)

    async def _post(self, delivery: PendingDelivery, *, is_last: bool) -> int:
        headers = headers_of(
            webhook_id=delivery.delivery_id,
            timestamp=int(time.time()),
            body=delivery.body,
            secret=delivery.secret,
        )
        try:
            return await self.sender.post(delivery.url, body=delivery.body, headers=headers)
        except AddressNotAllowed as error:
            await self._record(delivery, "FAILED", error="the address is not allowed")
            raise JobRefused("The address is not on the public internet.") from error
        except NotDelivered as error:
            await self._record(delivery, _status_after_failure(is_last=is_last), error=str(error.private.get("reason")))
            raise

    async def _record(
        self, delivery: PendingDelivery, outcome: str, *, status: int | None = None, error: str | None = None
    ) -> None:
        await self.store.record(delivery.delivery_id, status=outcome, last_status=status, last_error=error)


def _status_after_failure(*, is_last: bool) -> str:
    return "FAILED" if is_last else "PENDING"
