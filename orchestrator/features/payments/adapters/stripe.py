"""Stripe: PaymentIntents through Stripe's package, and webhooks.

The package's telemetry is off (it would also write a file into the home directory), and so are its retries: they would
exceed the deadline, and the idempotency key makes the platform's own retries safe.
"""

import ssl
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Self, cast

import aiohttp
import stripe
from pydantic import SecretStr, ValidationError

from common.errors import Unprocessable
from common.http.client import IDLE_SECONDS
from common.telemetry.tracing import client_span
from orchestrator.clients.users.payments import CURRENCY, PaymentStatus, Provider, ProviderReport, ReversalStatus
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.features.payments.adapters.provider_models import Label, Moment, ProviderModel
from orchestrator.features.payments.adapters.stripe_models import Charge, CheckoutSession, Dispute, Intent, Refund
from orchestrator.features.payments.errors import (
    NoSuchPayment,
    ProviderTimeout,
    ProviderUnavailable,
    SignatureInvalid,
    WebhookStale,
    WebhookUnreadable,
)
from orchestrator.features.payments.settings import PaymentSettings

__all__ = ["Intent", "StripePayments", "StripeWebhooks", "translated"]

stripe.enable_telemetry = False

MISSING: Final = "resource_missing"  # https://docs.stripe.com/error-codes
PAGE: Final = 100  # Stripe's maximum
# The maximum age of a signed webhook, as Stripe recommends ("Verify webhook signatures").
TOLERANCE_SECONDS: Final = stripe.Webhook.DEFAULT_TOLERANCE

# A failed attempt leaves the intent open; the payment can still succeed later.
_STATUS_OF_TYPE: Final = {
    "payment_intent.processing": PaymentStatus.CONFIRMING,
    "payment_intent.succeeded": PaymentStatus.SUCCEEDED,
    "payment_intent.payment_failed": PaymentStatus.FAILED,
    "payment_intent.canceled": PaymentStatus.FAILED,
}
_CHECKOUT: Final = "checkout.session."
_REFUND_TOTAL: Final = "charge.refunded"
_REFUND: Final = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
_DISPUTE: Final = "charge.dispute."
# What these types say of a dispute whose status is not final.
_STATUS_OF_DISPUTE: Final = {
    "charge.dispute.funds_withdrawn": ReversalStatus.WITHDRAWN,
    "charge.dispute.funds_reinstated": ReversalStatus.WON,
}


class _EventData(ProviderModel):
    object: dict[str, Any]


class _Event(ProviderModel):
    id: Label
    type: Label
    created: Moment = None
    data: _EventData


class StripePayments:
    """Creates and finds PaymentIntents.

    Args:
        api_url: without a path, such as ``https://api.stripe.com``.
        timeout_seconds: for a whole call.
    """

    provider: Final = Provider.STRIPE

    def __init__(self, *, api_url: str, secret_key: SecretStr, timeout_seconds: float) -> None:
        self._api_url = api_url.rstrip("/")
        self._secret_key = secret_key
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._http: stripe.AIOHTTPClient | None = None

    @classmethod
    def connect(cls, settings: PaymentSettings) -> Self:
        """Return a client of the configured account. Nothing is contacted before the first call."""
        return cls(
            api_url=settings.stripe_api_url,
            secret_key=settings.stripe_secret_key,
            timeout_seconds=settings.provider_timeout_seconds,
        )

    async def create(self, *, payment_id: uuid.UUID, user_id: uuid.UUID, amount: Decimal) -> Intent:
        """Create a PaymentIntent, or return the one created for this payment within the last day.

        Raises:
            Unprocessable: the payment was for another amount.
            ProviderUnavailable: Stripe refuses it.
            ProviderTimeout: Stripe does not respond in time.
        """
        with client_span("Stripe", "create intent"), translated():
            intent = await self.client.v1.payment_intents.create_async(
                {
                    "amount": int(amount.scaleb(2)),
                    "currency": CURRENCY,
                    "metadata": {"payment_id": str(payment_id), "user_id": str(user_id)},
                    "automatic_payment_methods": {"enabled": True},
                },
                {"idempotency_key": str(payment_id)},
            )
            return Intent.model_validate(intent.to_dict())

    async def find(self, intent_id: str) -> Intent:
        """Return a PaymentIntent.

        Raises:
            NoSuchPayment.
            ProviderUnavailable: Stripe returns an error.
            ProviderTimeout: Stripe does not respond in time.
        """
        return await self._retrieve(intent_id, {})

    async def current(self, provider_payment_id: str) -> list[ProviderReport]:
        intent = await self._retrieve(provider_payment_id, {"expand": ["latest_charge"]})
        reports = [intent.present_report()]
        if intent.is_reversed:
            reports += [report async for report in self._reversals(of_intent=provider_payment_id)]
        return reports

    async def since(self, moment: datetime) -> AsyncIterator[ProviderReport]:
        """Yield the present state of payments made since `moment`, without refunds of a part and disputes.

        Raises:
            ProviderUnavailable: Stripe returns an error.
            ProviderTimeout: Stripe does not respond in time.
        """
        with translated():
            page = await self.client.v1.payment_intents.list_async(
                {"created": {"gte": int(moment.timestamp())}, "limit": PAGE, "expand": ["data.latest_charge"]}
            )
            async for intent in page.auto_paging_iter():
                yield Intent.model_validate(intent.to_dict()).present_report()

    def reversals_since(self, moment: datetime) -> AsyncIterator[ProviderReport]:
        """Yield the present state of refunds and disputes opened since `moment`, whatever the age of the payment.

        Those of payments that are not of this platform have no `payment_id`.

        Raises:
            ProviderUnavailable: Stripe returns an error.
            ProviderTimeout: Stripe does not respond in time.
        """
        return self._reversals(since=moment)

    async def _reversals(
        self, *, of_intent: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[ProviderReport]:
        options: dict[str, Any] = {"limit": PAGE, "expand": ["data.payment_intent"]}
        options |= {"payment_intent": of_intent} if of_intent else {}
        options |= {"created": {"gte": int(since.timestamp())}} if since else {}
        with translated():
            refunds = await self.client.v1.refunds.list_async(cast("stripe.params.RefundListParams", options))
            async for refund in refunds.auto_paging_iter():
                if (report := Refund.model_validate(refund.to_dict()).as_report()) is not None:
                    yield report
            disputes = await self.client.v1.disputes.list_async(cast("stripe.params.DisputeListParams", options))
            async for dispute in disputes.auto_paging_iter():
                if (report := Dispute.model_validate(dispute.to_dict()).as_report()) is not None:
                    yield report

    async def _retrieve(self, intent_id: str, options: stripe.params.PaymentIntentRetrieveParams) -> Intent:
        with client_span("Stripe", "find intent"), translated():
            intent = await self.client.v1.payment_intents.retrieve_async(intent_id, options)
            return Intent.model_validate(intent.to_dict())

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close_async()  # type: ignore[no-untyped-call]  # partly typed by the package

    @cached_property
    def client(self) -> stripe.StripeClient:
        """Make the client with the first call: its connections belong to the loop that uses them."""
        trusted = ssl.create_default_context(cafile=stripe.ca_bundle_path)
        connector = aiohttp.TCPConnector(ssl=trusted, keepalive_timeout=IDLE_SECONDS)
        self._http = stripe.AIOHTTPClient(timeout=self._timeout, connector=connector)
        return stripe.StripeClient(
            self._secret_key.get_secret_value(),
            base_addresses={"api": self._api_url},
            max_network_retries=0,
            http_client=self._http,
        )


class StripeWebhooks:
    """Verifies and parses Stripe's events: ``Stripe-Signature: t=…,v1=…``, HMAC-SHA256 over ``t.body``."""

    provider: Final = Provider.STRIPE
    signature_header: Final = "Stripe-Signature"

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret.get_secret_value()

    def verify(self, body: bytes, signature: str) -> VerifiedWebhook:
        self._require_signed(body, signature)
        event = _event_of(body)
        return VerifiedWebhook(external_id=event.id, event_type=event.type)

    def read_report(self, body: bytes) -> ProviderReport | None:
        event = _event_of(body)
        try:
            return _report_of(event)
        except ValidationError as error:
            raise WebhookUnreadable(problems=error.error_count()) from error

    def _require_signed(self, body: bytes, signature: str) -> None:
        """Check signature and age separately, because the package's exception distinguishes them by its text only."""
        check = stripe.WebhookSignature.verify_header
        try:
            # The package compares ASCII only, and decodes the body as UTF-8.
            check(body, signature if signature.isascii() else "", self._secret)
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise SignatureInvalid from error
        try:
            check(body, signature, self._secret, TOLERANCE_SECONDS)
        except stripe.SignatureVerificationError as error:
            raise WebhookStale from error


def _report_of(event: _Event) -> ProviderReport | None:
    subject, occurred_at = event.data.object, event.created
    if status := _STATUS_OF_TYPE.get(event.type):
        return Intent.model_validate(subject).as_report(status, occurred_at)
    if event.type.startswith(_CHECKOUT):
        return CheckoutSession.model_validate(subject).as_report(event.type.removeprefix(_CHECKOUT), occurred_at)
    if event.type == _REFUND_TOTAL:
        return Charge.model_validate(subject).as_report(occurred_at)
    if event.type in _REFUND:
        return Refund.model_validate(subject).as_report(occurred_at)
    if event.type.startswith(_DISPUTE):
        return Dispute.model_validate(subject).as_report(occurred_at, happened=_STATUS_OF_DISPUTE.get(event.type))
    return None


def _event_of(body: bytes) -> _Event:
    try:
        return _Event.model_validate_json(body)
    except ValidationError as error:
        raise WebhookUnreadable(problems=error.error_count()) from error


@contextmanager
def translated() -> Iterator[None]:
    """Raise the exceptions of Stripe's package as this feature's errors."""
    try:
        yield
    except stripe.IdempotencyError as error:
        raise Unprocessable(reason=error.code) from error
    except (stripe.APIConnectionError, aiohttp.ClientError, TimeoutError) as error:
        if isinstance(error.__cause__, aiohttp.ClientConnectorError):
            raise ProviderUnavailable(reason=repr(error.__cause__)) from error
        raise ProviderTimeout(reason=repr(error.__cause__ or error)) from error
    except stripe.InvalidRequestError as error:
        is_missing = error.code == MISSING
        raise (NoSuchPayment if is_missing else ProviderUnavailable)(reason=repr(error)) from error
    except (stripe.StripeError, ValidationError) as error:
        raise ProviderUnavailable(reason=repr(error)) from error
