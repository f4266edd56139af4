"""Commissions: articles and backlinks, ordered by sponsors and written in the background."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from common.messaging.broker import Broker
from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.commissions.messages import PaymentHandler
from orchestrator.features.commissions.routes import router
from orchestrator.features.commissions.saga import commission_plans
from orchestrator.features.commissions.service.failed_orders import FailedOrderTask
from orchestrator.features.commissions.service.ordering import OrderingService
from orchestrator.features.commissions.service.review import ReviewService
from orchestrator.features.commissions.settings import CommissionSettings
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.payments.adapters.stripe import StripePayments
from orchestrator.features.payments.adapters.stripe_checkout import StripeCheckout
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.saga_engine.plan import AnyPlan
from rabbitmq.topology import COMMISSION_PAYMENTS_QUEUE


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    stripe = StripePayments.connect(resources.settings_of(PaymentSettings))
    resources.closing.push_async_callback(stripe.close)
    checkouts = StripeCheckout(stripe, resources.settings_of(NotificationSettings).public_url)
    return commission_plans(resources.clients, resources.jobs, checkouts)


def _services(resources: Resources) -> Iterable[object]:
    settings = resources.settings_of(CommissionSettings)
    yield OrderingService(resources.engine, resources.clients, settings)
    yield ReviewService(resources.engine, resources.clients)


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = PaymentHandler(resources.service(OrderingService))
    consumer = resources.consumer(COMMISSION_PAYMENTS_QUEUE, handler.handle, name="worker")
    return {"commission payments": consumer.broker}


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    settings = resources.settings_of(CommissionSettings)
    keep = timedelta(hours=settings.commission_refund_hours)
    yield PeriodicTask(
        FailedOrderTask(resources.engine, resources.clients.commissions, keep).refund_all,
        name="failed commissions",
        interval_seconds=settings.failed_commissions_interval_seconds,
    )


FEATURE: Final = Feature(
    routers=(router,),
    plans=_plans,
    services=_services,
    worker_consumers=_worker_consumers,
    periodic=_periodic,
)
