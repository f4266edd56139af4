"""Subscriptions and their deliveries, for admins."""

import uuid
from dataclasses import dataclass
from typing import Any

from common.auth.principal import Principal
from common.http.envelope import Page
from common.pages import Total
from orchestrator.features.outbound_webhooks.adapters.signing import new_secret
from orchestrator.features.outbound_webhooks.adapters.url_guard import check_url
from orchestrator.features.outbound_webhooks.errors import DeliveryNotFound, SubscriptionNotFound
from orchestrator.features.outbound_webhooks.repository import SubscriptionStore, delivery_key
from orchestrator.features.outbound_webhooks.schemas import (
    KIND,
    DeliverWebhook,
    Delivery,
    NewSubscription,
    Subscription,
    SubscriptionWithSecret,
)
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.service import JobQueue


@dataclass(frozen=True, slots=True)
class SubscriptionService:
    """Manages subscriptions; `is_private_allowed` is for development, where the integrator is on the same machine."""

    store: SubscriptionStore
    jobs: JobQueue
    is_private_allowed: bool

    async def subscribe(
        self, new: NewSubscription, *, subscription_id: uuid.UUID, caller: Principal
    ) -> SubscriptionWithSecret:
        """Create a subscription. Its secret is returned only here.

        Raises:
            AddressNotAllowed: webhooks cannot be sent to the URL.
        """
        check_url(new.url, is_private_allowed=self.is_private_allowed)
        secret = new_secret()
        created = await self.store.create(
            subscription_id=subscription_id,
            url=new.url,
            message_types=sorted(set(new.message_types)),
            secret=secret,
            created_by=caller.user_id,
        )
        return SubscriptionWithSecret(**created.model_dump(), secret=secret)

    async def page(self, page: Page) -> tuple[list[Subscription], Total]:
        return await self.store.page(limit=page.per_page, offset=page.offset)

    async def enable(self, subscription_id: uuid.UUID) -> tuple[str, Subscription]:
        """Enable a disabled subscription; return its status before, and the subscription.

        Deliveries that failed meanwhile can be replayed.
        """
        enabled = await self.store.set_status(subscription_id, status="ACTIVE", reason=None)
        if enabled is None:
            raise SubscriptionNotFound(subscription_id=subscription_id)
        return enabled

    async def unsubscribe(self, subscription_id: uuid.UUID) -> dict[str, Any]:
        """Delete a subscription and its deliveries; return its message types and status."""
        deleted = await self.store.delete(subscription_id)
        if deleted is None:
            raise SubscriptionNotFound(subscription_id=subscription_id)
        return deleted

    async def deliveries(
        self, subscription_id: uuid.UUID, *, status: str | None, page: Page
    ) -> tuple[list[Delivery], Total]:
        return await self.store.deliveries(
            subscription_id, status=status, limit=page.per_page, offset=page.offset, after=page.after
        )

    async def replay(self, delivery_id: uuid.UUID) -> tuple[str, Delivery]:
        """Deliver a webhook again, under the same id; return the delivery's status before, and the delivery."""

        def job(number: int) -> NewJob:
            key = delivery_key(delivery_id, replay=number)
            return self.jobs.new_job(KIND, DeliverWebhook(delivery_id=delivery_id), idempotency_key=key)

        replayed = await self.store.replay(delivery_id, job)
        if replayed is None:
            raise DeliveryNotFound(delivery_id=delivery_id)
        self.jobs.wake_relay()
        return replayed
