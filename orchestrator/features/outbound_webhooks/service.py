"""Subscribing, delivering and looking into the log."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from common.auth.principal import Principal
from common.http.envelope import Page
from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from orchestrator.features.outbound_webhooks.adapters.signing import headers_of, new_secret
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import SubscriptionLimiter
from orchestrator.features.outbound_webhooks.adapters.url_guard import check_url
from orchestrator.features.outbound_webhooks.errors import (
    AddressNotAllowed,
    DeliveryNotFound,
    NotDelivered,
    SubscriptionNotFound,
)
from orchestrator.features.outbound_webhooks.repository import (
    PendingDelivery,
    SubscriptionStore,
    delivery_key,
    put_off_key,
)
from orchestrator.features.outbound_webhooks.schemas import (
    Delivery,
    NewSubscription,
    Subscription,
    SubscriptionWithSecret,
)
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

__all__ = ["KIND", "DeliverWebhook", "DeliveryHandler", "SubscriptionService"]

KIND: Final = "delivery"
GONE: Final = 410  # the specification: do not send any more
OK: Final = range(200, 300)


class DeliverWebhook(BaseModel):
    """A job's payload."""

    delivery_id: uuid.UUID


class SubscriptionService:
    """What admins do with subscriptions.

    Args:
        is_private_allowed: in development the integrator is on this machine.
    """

    def __init__(self, store: SubscriptionStore, jobs: JobQueue, *, is_private_allowed: bool) -> None:
        self._store = store
        self._jobs = jobs
        self._is_private_allowed = is_private_allowed

    async def subscribe(self, new: NewSubscription, *, caller: Principal) -> SubscriptionWithSecret:
        """Open a subscription; its secret is shown this once.

        Raises:
            AddressNotAllowed: nothing is sent there.
        """
        check_url(new.url, is_private_allowed=self._is_private_allowed)
        secret = new_secret()
        made = await self._store.create(
            subscription_id=uuid.uuid4(),
            url=new.url,
            message_types=sorted(set(new.message_types)),
            secret=secret,
            created_by=caller.user_id,
        )
        return SubscriptionWithSecret(**made.model_dump(), secret=secret)

    async def page(self, page: Page) -> tuple[list[Subscription], int]:
        return await self._store.page(limit=page.per_page, offset=page.offset)

    async def enable(self, subscription_id: uuid.UUID) -> Subscription:
        """Send again what happens from now on; what was missed can be replayed."""
        enabled = await self._store.set_status(subscription_id, status="ACTIVE", reason=None)
        if enabled is None:
            raise SubscriptionNotFound(subscription_id=subscription_id)
        return enabled

    async def unsubscribe(self, subscription_id: uuid.UUID) -> None:
        """Delete it with its log."""
        if not await self._store.delete(subscription_id):
            raise SubscriptionNotFound(subscription_id=subscription_id)

    async def log(self, subscription_id: uuid.UUID, *, status: str | None, page: Page) -> tuple[list[Delivery], int]:
        return await self._store.log(subscription_id, status=status, limit=page.per_page, offset=page.offset)

    async def replay(self, delivery_id: uuid.UUID) -> Delivery:
        """Deliver it once more, under its old id."""

        def job(number: int) -> NewJob:
            order = DeliverWebhook(delivery_id=delivery_id)
            return self._jobs.new_job(KIND, order, idempotency_key=delivery_key(delivery_id, replay=number))

        delivery = await self._store.replay(delivery_id, job)
        if delivery is None:
            raise DeliveryNotFound(delivery_id=delivery_id)
        self._jobs.poke()
        return delivery


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
        consignment = await self._store.find(order.delivery_id)
        if consignment is None:
            raise JobRefused("The subscription was deleted.")
        if consignment.is_delivered:  # by a try that was not written down, or that is written down at this moment
            return {"status": "delivered before"}
        if not consignment.is_wanted:
            await self._note(consignment, "FAILED", error="the subscription is disabled")
            raise JobRefused("The subscription is disabled.")
        if not self._turns.is_free(consignment.subscription_id):
            return await self._put_off(consignment, context)
        return await self._try(consignment, context)

    async def _put_off(self, consignment: PendingDelivery, context: JobContext) -> Mapping[str, Any]:
        """Leave it to a job that comes later, with the tries that this one has left: this is none."""
        wait_seconds = self._turns.book(consignment.subscription_id)
        job = self._jobs.new_job(
            KIND,
            DeliverWebhook(delivery_id=consignment.delivery_id),
            idempotency_key=put_off_key(consignment.delivery_id, job_id=context.job_id),
            run_at=datetime.now(UTC) + timedelta(seconds=wait_seconds),
        )
        await self._store.put_off(replace(job, max_attempts=context.max_attempts - context.attempt + 1))
        return {"put_off_seconds": round(wait_seconds, 1)}

    async def _try(self, consignment: PendingDelivery, context: JobContext) -> Mapping[str, Any]:
        with self._turns.taken(consignment.subscription_id):
            status = await self._post(consignment, is_last=context.is_last_attempt)
        if status in OK:
            await self._note(consignment, "DELIVERED", status=status)
            return {"status": status}
        if status == GONE:
            await self._store.set_status(consignment.subscription_id, status="DISABLED", reason="answered 410 Gone")
            await self._note(consignment, "FAILED", status=status, error="gone")
            raise JobRefused("The address answered 410: its subscription is disabled.")
        await self._note(consignment, _after_failure(is_last=context.is_last_attempt), status=status)
        raise NotDelivered(status=status)

    async def _post(self, consignment: PendingDelivery, *, is_last: bool) -> int:
        headers = headers_of(
            webhook_id=consignment.delivery_id,
            timestamp=int(time.time()),
            body=consignment.body,
            secret=consignment.secret,
        )
        try:
            return await self._sender.post(consignment.url, body=consignment.body, headers=headers)
        except AddressNotAllowed as error:
            await self._note(consignment, "FAILED", error="the address is not allowed")
            raise JobRefused("The address is not one of the public internet.") from error
        except NotDelivered as error:
            await self._note(consignment, _after_failure(is_last=is_last), error=str(error.private.get("reason")))
            raise

    async def _note(
        self, consignment: PendingDelivery, outcome: str, *, status: int | None = None, error: str | None = None
    ) -> None:
        await self._store.note(consignment.delivery_id, status=outcome, last_status=status, last_error=error)


def _after_failure(*, is_last: bool) -> str:
    return "FAILED" if is_last else "PENDING"
