"""Which function does which kind of job, said in one place."""

from orchestrator.container import Container
from orchestrator.features.inbound_webhooks.jobs import KIND as WEBHOOK
from orchestrator.features.inbound_webhooks.jobs import ProcessWebhook
from orchestrator.features.notifications.models.emails import Channel, EmailRequest
from orchestrator.features.notifications.office import letter_desk
from orchestrator.features.outbound_webhooks.adapters.public_resolver import PublicResolver
from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from orchestrator.features.outbound_webhooks.adapters.subscription_limiter import SubscriptionLimiter
from orchestrator.features.outbound_webhooks.repository import SubscriptionStore
from orchestrator.features.outbound_webhooks.service import KIND as DELIVERY
from orchestrator.features.outbound_webhooks.service import DeliverWebhook, DeliveryHandler
from orchestrator.features.payments.jobs import KIND as RECONCILIATION
from orchestrator.features.payments.jobs import PaymentRoundsHandler, ReconcilePayments
from orchestrator.jobs.registry import Registry

__all__ = ["register_handlers"]


def register_handlers(registry: Registry, machinery: Container) -> None:
    """Register every kind that this release works on. Jobs of other kinds wait in their queues."""
    policies, tills, settings = machinery.job_policies, machinery.tills, machinery.settings
    registry.register(policies[WEBHOOK], ProcessWebhook, tills.processor(machinery.database).process)
    rounds = PaymentRoundsHandler(tills.reconciliation(), days=settings.reconcile_days)
    registry.register(policies[RECONCILIATION], ReconcilePayments, rounds.reconcile)
    _register_letters(registry, machinery)
    _register_deliveries(registry, machinery)


def _register_letters(registry: Registry, machinery: Container) -> None:
    participants, policies = machinery.participants, machinery.job_policies
    desk = letter_desk(
        machinery.settings,
        people=participants.people,
        events=participants.register,
        orders=participants.orders,
        users=participants.users,
    )
    registry.register(policies[Channel.EMAIL], EmailRequest, desk.send_mail)
    registry.register(policies[Channel.SMS], EmailRequest, desk.send_text_message)


def _register_deliveries(registry: Registry, machinery: Container) -> None:
    settings = machinery.settings
    sender = WebhookSender(
        PublicResolver(),
        is_private_allowed=settings.is_dev,
        timeout_seconds=settings.delivery_timeout_seconds,
        connect_timeout_seconds=settings.delivery_connect_timeout_seconds,
    )
    carrier = DeliveryHandler(SubscriptionStore(machinery.database), sender, machinery.jobs, SubscriptionLimiter())
    registry.register(machinery.job_policies[DELIVERY], DeliverWebhook, carrier.deliver)
