"""The job that delivers a webhook to an integrator."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from orchestrator.features.outbound_webhooks.adapters.signing import headers_of
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import SubscriptionLimiter
from orchestrator.features.outbound_webhooks.errors import (
    AddressNotAllowed,
    NotDelivered,
)
from orchestrator.features.outbound_webhooks.repository import (
    PendingDelivery,
    SubscriptionStore,
    put_off_key,
)
from orchestrator.features.outbound_webhooks.schemas import (
    KIND,
    DeliverWebhook,
)
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

__all__ = ["POLICY", "DeliveryHandler"]

# The schedule that the Standard Webhooks specification proposes (section "Deliverability and reliability").
OVER_DAYS: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
# A delivery waits for its integrator most of the time. No integrator gets all slots (`adapters/subscription_limiter`).
POLICY: Final = JobPolicy(
    KIND, tries=10, retry_seconds=OVER_DAYS, timeout_seconds=30, concurrency=64, tells_completion=False
)
GONE: Final = 410  # the specification: do not send any more
OK: Final = range(200, 300)


class DeliveryHandler:
    """The handler of `delivery` jobs."""

    def __init__(
        self, store: SubscriptionStore, sender: WebhookSender, jobs: JobQueue, turns: SubscriptionLimiter
    ) -> None:
        self._store = store
        self._sender = sender
        self._jobs = jobs
        self._turns = turns

    async def deliver(self, order: DeliverWebhook, context: JobContext) -> Mapping[str, Any]:
        """Post it once, or put it off when its subscription has as many posts in hand as it may.

        Raises:
            JobRefused: nobody wants it any more, or it may not be sent there.
            NotDelivered: to be tried again.
        """
        delivery = await self._store.find(order.delivery_id)
        if delivery is None:
            raise JobRefused("The subscription was deleted.")
        if delivery.is_delivered:  # by a try that was not written down, or that is written down at this moment
            return {"status": "delivered before"}
        if not delivery.is_wanted:
            await self._note(delivery, "FAILED", error="the subscription is disabled")
            raise JobRefused("The subscription is disabled.")
        if not self._turns.is_free(delivery.subscription_id):
            return await self._put_off(delivery, context)
        return await self._try(delivery, context)

    async def _put_off(self, delivery: PendingDelivery, context: JobContext) -> Mapping[str, Any]:
        """Leave it to a job that comes later, with the tries that this one has left: this is none."""
        wait_seconds = self._turns.book(delivery.subscription_id)
        job = self._jobs.new_job(
            KIND,
            DeliverWebhook(delivery_id=delivery.delivery_id),
            idempotency_key=put_off_key(delivery.delivery_id, job_id=context.job_id),
            run_at=datetime.now(UTC) + timedelta(seconds=wait_seconds),
        )
        await self._store.put_off(replace(job, max_attempts=context.max_attempts - context.attempt + 1))
        return {"put_off_seconds": round(wait_seconds, 1)}

    async def _try(self, delivery: PendingDelivery, context: JobContext) -> Mapping[str, Any]:
        with self._turns.taken(delivery.subscription_id):
            status = await self._post(delivery, is_last=context.is_last_attempt)
        if status in OK:
            await self._note(delivery, "DELIVERED", status=status)
            return {"status": status}
        if status == GONE:
            await self._store.set_status(delivery.subscription_id, status="DISABLED", reason="answered 410 Gone")
            await self._note(delivery, "FAILED", status=status, error="gone")
            raise JobRefused("The address answered 410: its subscription is disabled.")
        await self._note(delivery, _after_failure(is_last=context.is_last_attempt), status=status)
        raise NotDelivered(status=status)

    async def _post(self, delivery: PendingDelivery, *, is_last: bool) -> int:
        headers = headers_of(
            webhook_id=delivery.delivery_id,
            timestamp=int(time.time()),
            body=delivery.body,
            secret=delivery.secret,
        )
        try:
            return await self._sender.post(delivery.url, body=delivery.body, headers=headers)
        except AddressNotAllowed as error:
            await self._note(delivery, "FAILED", error="the address is not allowed")
            raise JobRefused("The address is not one of the public internet.") from error
        except NotDelivered as error:
            await self._note(delivery, _after_failure(is_last=is_last), error=str(error.private.get("reason")))
            raise

    async def _note(
        self, delivery: PendingDelivery, outcome: str, *, status: int | None = None, error: str | None = None
    ) -> None:
        await self._store.note(delivery.delivery_id, status=outcome, last_status=status, last_error=error)


def _after_failure(*, is_last: bool) -> str:
    return "FAILED" if is_last else "PENDING"
