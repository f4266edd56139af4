"""Top-ups by card or crypto, and their reconciliation with the providers."""

from collections.abc import Iterable
from functools import partial
from typing import Final

from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.payments.adapters.providers import PaymentProviders
from orchestrator.features.payments.jobs import (
    KIND,
    POLICY,
    ReconcilePayments,
    ReconciliationHandler,
    enqueue_reconciliation,
)
from orchestrator.features.payments.routes import router
from orchestrator.features.payments.service.crypto import CryptoPayments
from orchestrator.features.payments.service.reconciliation import Reconciliation
from orchestrator.features.payments.service.top_up import TopUpService
from orchestrator.features.payments.settings import PaymentSettings
from orchestrator.jobs.registry import JobHandler


def _services(resources: Resources) -> Iterable[object]:
    providers = PaymentProviders.connect(resources.settings_of(PaymentSettings))
    resources.closing.push_async_callback(providers.close)
    yield providers
    clients = resources.clients
    yield TopUpService(
        payments=clients.payments,
        stripe=providers.stripe,
        crypto=CryptoPayments(clients.payments, providers.nowpayments),
        orders=clients.orders,
    )


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    providers = resources.service(PaymentProviders)
    reconciliation = Reconciliation(
        stripe=providers.stripe, nowpayments=providers.nowpayments, payments=resources.clients.payments
    )
    days = resources.settings_of(PaymentSettings).reconcile_days
    yield JobHandler(KIND, ReconcilePayments, ReconciliationHandler(reconciliation, days=days).reconcile)


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    interval_seconds = resources.settings_of(PaymentSettings).reconcile_interval_seconds
    yield PeriodicTask(
        partial(enqueue_reconciliation, resources.jobs, interval_seconds=interval_seconds),
        name="payment reconciliation",
        interval_seconds=interval_seconds,
        is_aligned=True,
    )


FEATURE: Final = Feature(
    routers=(router,), services=_services, job_policies=(POLICY,), job_handlers=_job_handlers, periodic=_periodic
)
