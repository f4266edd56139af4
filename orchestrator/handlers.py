"""Which function does which kind of job, said in one place."""

from orchestrator.jobs.registry import Registry
from orchestrator.service.payment_rounds import KIND as RECONCILIATION
from orchestrator.service.payment_rounds import PaymentRoundsHandler, ReconcilePayments
from orchestrator.webhooks.processor import KIND as WEBHOOK
from orchestrator.webhooks.processor import ProcessWebhook
from orchestrator.wiring import SagaMachinery

__all__ = ["register_handlers"]


def register_handlers(registry: Registry, machinery: SagaMachinery) -> None:
    """Register every kind that this release works on. Jobs of other kinds wait in their queues."""
    policies, tills, settings = machinery.job_policies, machinery.tills, machinery.settings
    registry.register(policies[WEBHOOK], ProcessWebhook, tills.processor(machinery.database).process)
    rounds = PaymentRoundsHandler(tills.reconciliation(), days=settings.reconcile_days)
    registry.register(policies[RECONCILIATION], ReconcilePayments, rounds.reconcile)
