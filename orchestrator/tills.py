"""Everything that deals with money from outside, constructed once: providers, their webhooks, the payments' book."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.db.engine import Database
from common.http.client import ServiceClient
from orchestrator.clients.users.payments import PaymentsClient
from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks
from orchestrator.features.inbound_webhooks.jobs import WebhookProcessor
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.inbound_webhooks.service import WebhookInbox
from orchestrator.features.payments.adapters.nowpayments import NowPayments, NowPaymentsWebhooks
from orchestrator.features.payments.adapters.port import Provider, WebhookAdapter
from orchestrator.features.payments.adapters.stripe import StripePayments, StripeWebhooks
from orchestrator.features.payments.service.reconciliation import Reconciliation
from orchestrator.features.payments.settings import ProviderSettings
from orchestrator.jobs.service import JobQueue

__all__ = ["PaymentProviders"]


@dataclass(frozen=True, slots=True)
class PaymentProviders:
    """Nothing connects before its first call."""

    stripe: StripePayments
    crypto: NowPayments
    adapters: Mapping[Provider, WebhookAdapter]
    payments: PaymentsClient

    @classmethod
    def connect(cls, settings: ProviderSettings, users: ServiceClient) -> "PaymentProviders":
        seconds = settings.provider_timeout_seconds
        webhooks: list[WebhookAdapter] = [
            StripeWebhooks(settings.stripe_webhook_secret),
            NowPaymentsWebhooks(settings.nowpayments_ipn_secret),
            SupplierWebhooks(settings.supplier_webhook_secret),
        ]
        return cls(
            stripe=StripePayments(
                api_url=settings.stripe_api_url, secret_key=settings.stripe_secret_key, timeout_seconds=seconds
            ),
            crypto=NowPayments(
                api_url=settings.nowpayments_api_url, key=settings.nowpayments_api_key, timeout_seconds=seconds
            ),
            adapters={adapter.provider: adapter for adapter in webhooks},
            payments=PaymentsClient(users),
        )

    def inbox(self, database: Database, jobs: JobQueue) -> WebhookInbox:
        return WebhookInbox(WebhookLog(database), self.adapters, jobs)

    def processor(self, database: Database) -> WebhookProcessor:
        return WebhookProcessor(WebhookLog(database), self.adapters, self.payments)

    def reconciliation(self) -> Reconciliation:
        return Reconciliation(stripe=self.stripe, crypto=self.crypto, payments=self.payments)

    async def close(self) -> None:
        await self.stripe.close()
        await self.crypto.close()
