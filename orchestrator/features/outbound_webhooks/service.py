"""Subscribing, delivering and looking into the log."""

import uuid

from common.auth.principal import Principal
from common.http.envelope import Page
from orchestrator.features.outbound_webhooks.adapters.signing import new_secret
from orchestrator.features.outbound_webhooks.adapters.url_guard import check_url
from orchestrator.features.outbound_webhooks.errors import (
    DeliveryNotFound,
    SubscriptionNotFound,
)
from orchestrator.features.outbound_webhooks.repository import (
    SubscriptionStore,
    delivery_key,
)
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

__all__ = ["SubscriptionService"]


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
        self._jobs.wake()
        return delivery
