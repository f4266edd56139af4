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
from typing import Any, Final

import aiohttp
import stripe
from pydantic import Field, SecretStr, ValidationError

from common.errors import Unprocessable
from common.http.client import IDLE_SECONDS
from common.money import money
from common.telemetry.tracing import client_span
from orchestrator.clients.users.payments import CURRENCY, PaymentStatus, Provider, ProviderReport
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.features.payments.adapters.provider_models import Label, OwnId, ProviderModel
from orchestrator.features.payments.errors import (
    NoSuchPayment,
    ProviderTimeout,
    ProviderUnavailable,
    SignatureInvalid,
    WebhookStale,
    WebhookUnreadable,
)

__all__ = ["Intent", "StripePayments", "StripeWebhooks"]

stripe.enable_telemetry = False

MISSING: Final = "resource_missing"  # https://docs.stripe.com/error-codes
PAGE: Final = 100  # Stripe's maximum
# The maximum age of a signed webhook, as Stripe recommends ("Verify webhook signatures").
TOLERANCE_SECONDS: Final = stripe.Webhook.DEFAULT_TOLERANCE

# https://docs.stripe.com/payments/paymentintents/lifecycle
_STATUS_OF_INTENT: Final = {
    "requires_payment_method": PaymentStatus.PENDING,
    "requires_confirmation": PaymentStatus.PENDING,
    "requires_action": PaymentStatus.PENDING,
    "requires_capture": PaymentStatus.PENDING,
    "processing": PaymentStatus.CONFIRMING,
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.FAILED,
}
# A failed attempt leaves the intent open; the payment can still succeed later.
_STATUS_OF_TYPE: Final = {
    "payment_intent.processing": PaymentStatus.CONFIRMING,
    "payment_intent.succeeded": PaymentStatus.SUCCEEDED,
    "payment_intent.payment_failed": PaymentStatus.FAILED,
    "payment_intent.canceled": PaymentStatus.FAILED,
}
_REFUND: Final = "charge.refunded"


class _Labels(ProviderModel):
    """The metadata that the platform gives to an intent; Stripe returns it with the intent and its charges."""

    payment_id: OwnId = None
    user_id: OwnId = None


class _Charge(ProviderModel):
    payment_intent: str | None = None
    currency: str
    amount_refunded: int = 0
    metadata: _Labels = Field(default_factory=_Labels)


class Intent(ProviderModel):
    """A PaymentIntent. `client_secret` lets the fan's browser pay it; amounts are in cents."""

    id: str
    client_secret: str | None = None
    amount: int
    amount_received: int = 0
    currency: str
    status: str
    created: datetime
    metadata: _Labels = Field(default_factory=_Labels)
    latest_charge: _Charge | str | None = None


class _EventData(ProviderModel):
    object: dict[str, Any]


class _Event(ProviderModel):
    id: Label
    type: Label
    created: datetime
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

    async def create(self, *, payment_id: uuid.UUID, user_id: uuid.UUID, amount: Decimal) -> Intent:
        """Create a PaymentIntent, or return the one created for this payment within the last day.

        Raises:
            Unprocessable: the payment was for another amount.
            ProviderUnavailable: Stripe refuses it.
            ProviderTimeout: Stripe does not respond in time.
        """
        with client_span("Stripe", "create intent"), _translated():
            intent = await self._client.v1.payment_intents.create_async(
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
        return list(_current(await self._retrieve(provider_payment_id, {"expand": ["latest_charge"]})))

    async def since(self, moment: datetime) -> AsyncIterator[ProviderReport]:
        """Yield the present state of payments made since `moment`, each as in `current`.

        Raises:
            ProviderUnavailable: Stripe returns an error.
            ProviderTimeout: Stripe does not respond in time.
        """
        with _translated():
            page = await self._client.v1.payment_intents.list_async(
                {"created": {"gte": int(moment.timestamp())}, "limit": PAGE, "expand": ["data.latest_charge"]}
            )
            async for intent in page.auto_paging_iter():
                for report in _current(Intent.model_validate(intent.to_dict())):
                    yield report

    async def _retrieve(self, intent_id: str, options: stripe.params.PaymentIntentRetrieveParams) -> Intent:
        with client_span("Stripe", "find intent"), _translated():
            intent = await self._client.v1.payment_intents.retrieve_async(intent_id, options)
            return Intent.model_validate(intent.to_dict())

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close_async()  # type: ignore[no-untyped-call]  # partly typed by the package

    @cached_property
    def _client(self) -> stripe.StripeClient:
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
            if event.type == _REFUND:
                return _refund(_Charge.model_validate(event.data.object), event.created)
            if status := _STATUS_OF_TYPE.get(event.type):
                return _report_of(Intent.model_validate(event.data.object), status, event.created)
        except ValidationError as error:
            raise WebhookUnreadable(problems=error.error_count()) from error
        return None

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


def _event_of(body: bytes) -> _Event:
    try:
        return _Event.model_validate_json(body)
    except ValidationError as error:
        raise WebhookUnreadable(problems=error.error_count()) from error


def _current(intent: Intent) -> Iterator[ProviderReport]:
    """Yield the payment, unless it is fully refunded, and the refund, if any."""
    charge = intent.latest_charge
    refunded = charge.amount_refunded if isinstance(charge, _Charge) else 0
    if refunded == 0 or refunded < intent.amount_received:
        yield _report_of(intent, _STATUS_OF_INTENT.get(intent.status, PaymentStatus.PENDING), None)
    if refunded and isinstance(charge, _Charge) and (refund := _refund(charge, None)) is not None:
        yield refund


def _report_of(intent: Intent, status: PaymentStatus, occurred_at: datetime | None) -> ProviderReport:
    has_succeeded = status is PaymentStatus.SUCCEEDED
    return ProviderReport(
        provider=Provider.STRIPE,
        provider_payment_id=intent.id,
        status=status,
        amount=_amount(intent.amount_received if has_succeeded else intent.amount),
        currency=intent.currency,
        payment_id=intent.metadata.payment_id,
        user_id=intent.metadata.user_id,
        occurred_at=occurred_at,
    )


def _refund(charge: _Charge, occurred_at: datetime | None) -> ProviderReport | None:
    """Return None for a charge without an intent, which is not of this platform."""
    if charge.payment_intent is None:
        return None
    return ProviderReport(
        provider=Provider.STRIPE,
        provider_payment_id=charge.payment_intent,
        status=PaymentStatus.REFUNDED,
        amount=_amount(charge.amount_refunded),
        currency=charge.currency,
        payment_id=charge.metadata.payment_id,
        user_id=charge.metadata.user_id,
        occurred_at=occurred_at,
    )


def _amount(cents: int) -> Decimal:
    return money(Decimal(cents).scaleb(-2))


@contextmanager
def _translated() -> Iterator[None]:
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
