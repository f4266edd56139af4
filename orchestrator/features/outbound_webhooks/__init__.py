"""Outbound webhooks: messages about events of the platform, posted to URLs of integrators.

A *subscription* has a URL, message types and a secret. Each message of such a type becomes a *delivery*, stored in the
transaction that records the message as handled (`orchestrator.features.notifications`), and a job that posts it, signed
according to the Standard Webhooks specification (https://www.standardwebhooks.com). The job retries over days until the
URL returns 2xx. 410 disables the subscription.

Integrators choose the URLs, so `adapters.url_guard` restricts them, `adapters.public_resolver` resolves their hosts,
`adapters.sender` posts to them, and `adapters.subscription_limiter` keeps a slow URL from delaying the others.
"""

from collections.abc import Iterable
from typing import Final

from common.periodic import PeriodicTask
from common.settings import ServiceSettings
from orchestrator.feature import REPAIR_INTERVAL_SECONDS, Feature, Resources
from orchestrator.features.outbound_webhooks.adapters.public_resolver import PublicResolver
from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import SubscriptionLimiter
from orchestrator.features.outbound_webhooks.jobs import POLICY, DeliveryHandler
from orchestrator.features.outbound_webhooks.models import webhook_deliveries, webhook_subscriptions
from orchestrator.features.outbound_webhooks.repository import DELIVERIES_RETENTION, SubscriptionStore
from orchestrator.features.outbound_webhooks.routes import router
from orchestrator.features.outbound_webhooks.schemas import KIND, DeliverWebhook
from orchestrator.features.outbound_webhooks.service import SubscriptionService
from orchestrator.features.outbound_webhooks.settings import OutboundWebhookSettings
from orchestrator.jobs.registry import JobHandler


def _services(resources: Resources) -> Iterable[object]:
    is_dev = resources.settings_of(ServiceSettings).is_dev
    yield SubscriptionService(SubscriptionStore(resources.database), resources.jobs, is_private_allowed=is_dev)


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    settings = resources.settings_of(OutboundWebhookSettings)
    sender = WebhookSender(
        PublicResolver(),
        is_private_allowed=resources.settings_of(ServiceSettings).is_dev,
        timeout_seconds=settings.delivery_timeout_seconds,
        connect_timeout_seconds=settings.delivery_connect_timeout_seconds,
    )
    handler = DeliveryHandler(SubscriptionStore(resources.database), sender, resources.jobs, SubscriptionLimiter())
    yield JobHandler(KIND, DeliverWebhook, handler.deliver)


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    store = SubscriptionStore(resources.database)
    yield PeriodicTask(store.fail_abandoned, name="outbound webhooks", interval_seconds=REPAIR_INTERVAL_SECONDS)


FEATURE: Final = Feature(
    tables=(webhook_deliveries, webhook_subscriptions),
    routers=(router,),
    services=_services,
    job_policies=(POLICY,),
    job_handlers=_job_handlers,
    periodic=_periodic,
    retentions=lambda _: [DELIVERIES_RETENTION],
)
