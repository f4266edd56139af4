"""Webhooks of payment providers and the supplier: verified, stored once, and processed by a job."""

from collections.abc import Iterable, Mapping
from typing import Final

from common.db.retention import Retention
from common.periodic import PeriodicTask
from common.sealing import Sealer
from common.settings import SealingSettings
from orchestrator.clients.users.payments import Provider
from orchestrator.feature import REPAIR_INTERVAL_SECONDS, Feature, Resources
from orchestrator.features.digital_goods.service.delivery import DeliveryService
from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks, without_codes
from orchestrator.features.inbound_webhooks.jobs import POLICY, WebhookProcessor
from orchestrator.features.inbound_webhooks.models.tables import webhook_log
from orchestrator.features.inbound_webhooks.repository import WebhookLog, log_retention
from orchestrator.features.inbound_webhooks.routes import router
from orchestrator.features.inbound_webhooks.schemas import KIND, ProcessWebhook
from orchestrator.features.inbound_webhooks.service import WebhookInbox
from orchestrator.features.payments.adapters.interfaces import WebhookAdapter
from orchestrator.features.payments.adapters.nowpayments import NowPaymentsWebhooks
from orchestrator.features.payments.adapters.stripe import StripeWebhooks
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.jobs.registry import JobHandler


def _log(resources: Resources) -> WebhookLog:
    return WebhookLog(resources.database, Sealer.of(resources.settings_of(SealingSettings)))


def _adapters(resources: Resources) -> Mapping[Provider, WebhookAdapter]:
    settings = resources.settings_of(PaymentSettings)
    adapters: tuple[WebhookAdapter, ...] = (
        StripeWebhooks(settings.stripe_webhook_secret),
        NowPaymentsWebhooks(settings.nowpayments_ipn_secret),
        SupplierWebhooks(settings.supplier_webhook_secret),
    )
    return {adapter.provider: adapter for adapter in adapters}


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    delivery = resources.service(DeliveryService)
    processor = WebhookProcessor(_log(resources), _adapters(resources), resources.clients.payments, delivery)
    yield JobHandler(KIND, ProcessWebhook, processor.process)


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    log = _log(resources)

    async def repair() -> None:
        await log.end_abandoned()
        await log.seal_all(without_goods=without_codes)

    yield PeriodicTask(repair, name="webhook log", interval_seconds=REPAIR_INTERVAL_SECONDS)


def _retentions(resources: Resources) -> Iterable[Retention]:
    yield log_retention(resources.settings_of(PaymentSettings).webhook_log_days)


FEATURE: Final = Feature(
    tables=(webhook_log,),
    routers=(router,),
    services=lambda resources: [WebhookInbox(_log(resources), _adapters(resources), resources.jobs)],
    job_policies=(POLICY,),
    job_handlers=_job_handlers,
    periodic=_periodic,
    retentions=_retentions,
)
