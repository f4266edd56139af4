"""The interface of payment providers."""

from dataclasses import dataclass
from typing import Protocol

from orchestrator.clients.users.payments import Provider, ProviderReport


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedWebhook:
    """A verified webhook. A repetition of the same fact has the same `external_id`."""

    external_id: str
    event_type: str


class WebhookAdapter(Protocol):
    """Verifies and parses one provider's webhooks."""

    @property
    def provider(self) -> Provider: ...

    @property
    def signature_header(self) -> str: ...

    def verify(self, body: bytes, signature: str) -> VerifiedWebhook:
        """Check the signature of a raw body.

        Raises:
            SignatureInvalid: it is missing or wrong.
            WebhookStale: it was signed too long ago.
            WebhookUnreadable: the signature is valid, but the body cannot be parsed.
        """

    def read_report(self, body: bytes) -> ProviderReport | None:
        """Return a verified webhook's report about a payment; None if its type is unused.

        Raises:
            WebhookUnreadable: required fields are missing or invalid.
        """


class ProviderRecords(Protocol):
    """A provider's record of payments, for reconciliation."""

    @property
    def provider(self) -> Provider: ...

    async def current(self, provider_payment_id: str) -> list[ProviderReport]:
        """Return a payment's present state: the payment, its refunds and disputes, and later deposits.

        Empty if its status is unknown.

        Raises:
            NoSuchPayment.
            ProviderUnavailable: the provider is unavailable.
            ProviderTimeout: the provider does not respond in time.
        """
