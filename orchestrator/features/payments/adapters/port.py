"""What the platform wants of a payment provider, whoever it is."""

from dataclasses import dataclass
from typing import Protocol

from orchestrator.clients.users.payments import PaymentNews, Provider

__all__ = ["Inbound", "ProviderRecords", "WebhookAdapter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A webhook whose signature was right. The same fact told again has the same `external_id`."""

    external_id: str
    event_type: str


class WebhookAdapter(Protocol):
    """Reads one provider's webhooks."""

    @property
    def provider(self) -> Provider: ...

    @property
    def signature_header(self) -> str: ...

    def verify(self, body: bytes, signature: str) -> Inbound:
        """Check the signature of a raw body.

        Raises:
            SignatureInvalid: it is missing, wrong or another provider's.
            WebhookStale: it was signed too long ago.
            WebhookUnreadable: it was the provider, who says not even what it is.
        """

    def news(self, body: bytes) -> PaymentNews | None:
        """Return what a verified webhook says of a payment; None when it is of a type that we have no use for.

        Raises:
            WebhookUnreadable: it is of such a type, and does not say what it must.
        """


class ProviderRecords(Protocol):
    """A provider's own record of payments, for comparing it with ours."""

    @property
    def provider(self) -> Provider: ...

    async def standing(self, provider_payment_id: str) -> list[PaymentNews]:
        """Return how a payment stands now: one that was given back in part, as paid and as given back.

        Empty when it stands in a way that we do not know.

        Raises:
            NoSuchPayment.
            ProviderUnavailable: it cannot be asked.
            ProviderSilent: no answer in time.
        """
