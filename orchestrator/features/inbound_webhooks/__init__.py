"""Webhooks of payment providers and the supplier: verified, stored once, and processed by a job."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from common.periodic import PeriodicTask
from orchestrator.clients.users.payments import Provider
from orchestrator.feature import DELETION_INTERVAL_SECONDS, Feature, Resources
from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks
from orchestrator.features.inbound_webhooks.jobs import POLICY, WebhookProcessor
from orchestrator.features.inbound_webhooks.models.tables import webhook_log
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.inbound_webhooks.routes import router
from orchestrator.features.inbound_webhooks.schemas import KIND, ProcessWebhook
from orchestrator.features.inbound_webhooks.service import WebhookInbox
from orchestrator.features.payments.adapters.interfaces import WebhookAdapter
from orchestrator.features.payments.adapters.nowpayments import NowPaymentsWebhooks
from orchestrator.features.payments.adapters.stripe import StripeWebhooks
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.jobs.registry import JobHandler

__all__ = ["FEATURE"]

SECONDS_PER_DAY: Final = 86_400.0


def _adapters(resources: Resources) -> Mapping[Provider, WebhookAdapter]:
    settings = resources.settings_of(PaymentSettings)
    adapters: tuple[WebhookAdapter, ...] = (
        StripeWebhooks(settings.stripe_webhook_secret),
        NowPaymentsWebhooks(settings.nowpayments_ipn_secret),
        SupplierWebhooks(settings.supplier_webhook_secret),
    )
    return {adapter.provider: adapter for adapter in adapters}


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    processor = WebhookProcessor(WebhookLog(resources.database), _adapters(resources), resources.clients.payments)
    yield JobHandler(KIND, ProcessWebhook, processor.process)


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    log = WebhookLog(resources.database)
    keep_seconds = resources.settings_of(PaymentSettings).webhook_log_days * SECONDS_PER_DAY
    yield PeriodicTask(
        log.end_abandoned,
        partial(log.delete_old, keep_seconds=keep_seconds),
        name="webhook log",
        interval_seconds=DELETION_INTERVAL_SECONDS,
    )


FEATURE: Final = Feature(
    tables=(webhook_log,),
    routers=(router,),
    services=lambda resources: [WebhookInbox(WebhookLog(resources.database), _adapters(resources), resources.jobs)],
    job_policies=(POLICY,),
    job_handlers=_job_handlers,
    periodic=_periodic,
)
