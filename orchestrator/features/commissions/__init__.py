"""Commissions: articles and backlinks, ordered by sponsors and written in the background."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from common.messaging.broker import Broker
from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.commissions.adapters.providers import text_provider
from orchestrator.features.commissions.adapters.quality import QualityChecker
from orchestrator.features.commissions.adapters.settings import TextSettings
from orchestrator.features.commissions.jobs import POLICY, FailedTextTask, OrderFailure, WritingJobHandler
from orchestrator.features.commissions.models import KIND, WriteText
from orchestrator.features.commissions.repository import WritingJobStore
from orchestrator.features.commissions.routes import router
from orchestrator.features.commissions.saga import PURPOSE, commission_plans
from orchestrator.features.commissions.service.failed_orders import FailedOrderTask
from orchestrator.features.commissions.service.ordering import OrderingService
from orchestrator.features.commissions.service.review import ReviewService
from orchestrator.features.commissions.service.status import CommissionStatusService
from orchestrator.features.commissions.service.writing import TextWriter
from orchestrator.features.commissions.settings import CommissionSettings
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.payments.adapters.stripe import StripePayments
from orchestrator.features.payments.adapters.stripe_checkout import StripeCheckout
from orchestrator.features.payments.messages import PaymentHandler
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.jobs.registry import JobHandler
from orchestrator.saga_engine.plan import AnyPlan
from rabbitmq.topology import COMMISSION_PAYMENTS_QUEUE

JOB_GRACE: Final = timedelta(minutes=1)
"""How long an order may wait for its job to be enqueued."""


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    stripe = StripePayments.connect(resources.settings_of(PaymentSettings))
    resources.closing.push_async_callback(stripe.close)
    checkouts = StripeCheckout(stripe, resources.settings_of(NotificationSettings).public_url)
    return commission_plans(resources.clients, resources.jobs, checkouts)


def _services(resources: Resources) -> Iterable[object]:
    settings = resources.settings_of(CommissionSettings)
    status = CommissionStatusService(
        commissions=resources.clients.commissions,
        store=WritingJobStore(resources.database),
        jobs=resources.jobs,
        slots=POLICY.concurrency,
    )
    yield status
    yield OrderingService(resources.engine, resources.clients, settings, _checker(resources))
    yield ReviewService(resources.engine, resources.clients, status)


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    settings = resources.settings_of(TextSettings)
    provider = text_provider(settings)
    resources.closing.push_async_callback(provider.close)
    writer = TextWriter(resources.clients, provider, _checker(resources))
    handler = WritingJobHandler(resources.clients, resources.jobs, writer, _failure(resources))
    yield JobHandler(KIND, WriteText, handler.write)


def _checker(resources: Resources) -> QualityChecker:
    return QualityChecker(resources.settings_of(TextSettings).text_banned_words)


def _failure(resources: Resources) -> OrderFailure:
    return OrderFailure(resources.clients.commissions)


def _refunded_after(resources: Resources) -> timedelta:
    return timedelta(hours=resources.settings_of(CommissionSettings).commission_refund_hours)


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = PaymentHandler(PURPOSE, resources.service(OrderingService))
    consumer = resources.consumer(COMMISSION_PAYMENTS_QUEUE, handler.handle, name="worker")
    return {"commission payments": consumer.broker}


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    store = WritingJobStore(resources.database)
    failed_texts = FailedTextTask(resources.clients, store, _failure(resources), grace=JOB_GRACE)
    failed_orders = FailedOrderTask(resources.engine, resources.clients.commissions, store, _refunded_after(resources))
    yield PeriodicTask(
        failed_texts.fail_all,
        failed_orders.refund_all,
        failed_texts.measure,
        name="failed commissions",
        interval_seconds=resources.settings_of(CommissionSettings).failed_commissions_interval_seconds,
    )


FEATURE: Final = Feature(
    routers=(router,),
    plans=_plans,
    services=_services,
    job_policies=(POLICY,),
    job_handlers=_job_handlers,
    worker_consumers=_worker_consumers,
    periodic=_periodic,
)
