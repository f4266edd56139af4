"""NOWPayments: crypto payments over its REST API, and its notifications (IPN).

https://documenter.getpostman.com/view/7907941/2s93JusNJt; the URL for notifications is set in its dashboard.
"""

import json
import uuid
from decimal import Context, Decimal
from typing import Annotated, Any, Final, Self

import httpx
import orjson
from pydantic import BeforeValidator, Field, SecretStr

from common.http.transport import HttpTransport
from common.money import money
from common.telemetry.tracing import client_span
from orchestrator.clients.users.payments import CURRENCY, PaymentStatus, Provider, ProviderReport
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.features.payments.adapters.provider_models import Label, Moment, OwnId, ProviderModel
from orchestrator.features.payments.adapters.signatures import is_signed
from orchestrator.features.payments.errors import (
    NoSuchPayment,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnavailable,
    SignatureInvalid,
    WebhookUnreadable,
)
from orchestrator.features.payments.settings import PaymentSettings

__all__ = ["CryptoPayment", "NowPayments", "NowPaymentsWebhooks"]

KEY_HEADER: Final = "x-api-key"

_STATUS: Final = {
    "waiting": PaymentStatus.WAITING,
    "confirming": PaymentStatus.CONFIRMING,
    "confirmed": PaymentStatus.CONFIRMING,
    "sending": PaymentStatus.CONFIRMING,
    "partially_paid": PaymentStatus.PARTIALLY_PAID,
    "finished": PaymentStatus.SUCCEEDED,
    "failed": PaymentStatus.FAILED,
    "refunded": PaymentStatus.REFUNDED,
    "expired": PaymentStatus.EXPIRED,
}

# The limits of PaidAmount in users/payments/schemas.py; no coin has more decimal places than Ethereum's 18.
PLACES: Final = 18
WHOLE_DIGITS: Final = 12
_ROUNDING: Final = Context(prec=PLACES + WHOLE_DIGITS + 1)


def _id_or_none(value: Any) -> Any:
    return value or None


def _list_or_empty(value: Any) -> Any:
    return value if isinstance(value, list) else []


_Crypto = Annotated[Decimal, BeforeValidator(str), Field(ge=0)]


class CryptoPayment(ProviderModel):
    """A payment at NOWPayments.

    `price_amount` is the amount due, `pay_amount` the same in `pay_currency`; `order_id` is the platform's payment id.
    Coins that are sent to the same address again are a new payment: it names the first as `parent_payment_id`, and the
    first lists it among its `payment_extra_ids`.
    """

    payment_id: Label
    payment_status: Label
    price_amount: _Crypto
    price_currency: str
    pay_address: str = ""
    pay_amount: _Crypto = Decimal(0)
    pay_currency: str = ""
    actually_paid: _Crypto | None = None
    order_id: OwnId = None
    parent_payment_id: Annotated[Label | None, BeforeValidator(_id_or_none)] = None
    payment_extra_ids: Annotated[list[Label], BeforeValidator(_list_or_empty)] = Field(default_factory=list)
    expiration_estimate_date: Moment = None

    def as_report(self) -> ProviderReport | None:
        """Return the payment's state; None if its status is unknown.

        Raises:
            WebhookUnreadable: its price has more than two decimal places.
        """
        if (status := _STATUS.get(self.payment_status)) is None:
            return None
        try:
            amount = money(self.price_amount)
        except (ValueError, ArithmeticError) as error:
            raise WebhookUnreadable(price_amount=self.price_amount) from error
        return ProviderReport(
            provider=Provider.NOWPAYMENTS,
            provider_payment_id=self.payment_id,
            status=status,
            amount=amount,
            currency=self.price_currency.lower(),
            payment_id=self.order_id,
            paid_amount=_paid(self.actually_paid),
            parent_payment_id=self.parent_payment_id,
            pay_currency=self.pay_currency.lower() if self.parent_payment_id and self.pay_currency else None,
        )


def _child_of(first: CryptoPayment, later: CryptoPayment) -> CryptoPayment:
    return later.model_copy(update={"parent_payment_id": first.payment_id})


def _paid(amount: Decimal | None) -> Decimal | None:
    """Return an amount of coins without float noise of the sender, such as 0.0005555600000000001.

    None for an impossible amount: the payment is not refused, because its status alone decides the credit.
    """
    if amount is None or amount.adjusted() >= WHOLE_DIGITS:
        return None
    return amount.quantize(Decimal(1).scaleb(-PLACES), context=_ROUNDING).normalize(_ROUNDING)


class NowPayments:
    """Creates and finds payments.

    Args:
        api_url: without a path, such as ``https://api.nowpayments.io``.
        timeout_seconds: for a whole call.
    """

    provider: Final = Provider.NOWPAYMENTS

    def __init__(self, *, api_url: str, key: SecretStr, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(
            base_url=api_url.rstrip("/"),
            headers={KEY_HEADER: key.get_secret_value()},
            transport=HttpTransport(),
            timeout=timeout_seconds,
        )

    @classmethod
    def connect(cls, settings: PaymentSettings) -> Self:
        """Return the provider as the settings name it. It is not contacted before the first call."""
        return cls(
            api_url=settings.nowpayments_api_url,
            key=settings.nowpayments_api_key,
            timeout_seconds=settings.provider_timeout_seconds,
        )

    async def create(self, *, payment_id: uuid.UUID, amount: Decimal, pay_currency: str) -> CryptoPayment:
        """Create a payment with its own address. Each call creates another one: the API has no idempotency keys.

        Raises:
            ProviderRefused: the amount is too small for that currency, or there is no such currency.
            ProviderUnavailable: NOWPayments refuses it for another reason.
            ProviderTimeout: NOWPayments does not respond in time.
        """
        body = {
            "price_amount": float(amount),
            "price_currency": CURRENCY,
            "pay_currency": pay_currency,
            "order_id": str(payment_id),
        }
        return await self._call("POST", "/v1/payment", body)

    async def find(self, provider_payment_id: str) -> CryptoPayment:
        """Return a payment.

        Raises:
            NoSuchPayment.
            ProviderUnavailable: NOWPayments returns an error.
            ProviderTimeout: NOWPayments does not respond in time.
        """
        return await self._call("GET", f"/v1/payment/{provider_payment_id}")

    async def current(self, provider_payment_id: str) -> list[ProviderReport]:
        first = await self.find(provider_payment_id)
        later = [await self.find(name) for name in first.payment_extra_ids]
        reports = [first.as_report(), *(_child_of(first, payment).as_report() for payment in later)]
        return [report for report in reports if report is not None]

    async def close(self) -> None:
        await self._http.aclose()

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> CryptoPayment:
        try:
            with client_span("NOWPayments", method):
                response = await self._http.request(method, path, json=body)
            if response.status_code == httpx.codes.BAD_REQUEST:
                raise ProviderRefused(reason=response.text)
            if response.status_code == httpx.codes.NOT_FOUND:
                raise NoSuchPayment(path=path, reason=response.text)
            response.raise_for_status()
            return CryptoPayment.model_validate(_parsed(response.content))
        except (httpx.HTTPStatusError, httpx.ConnectError, httpx.ConnectTimeout, ValueError) as error:
            raise ProviderUnavailable(path=path, reason=repr(error)) from error
        except httpx.HTTPError as error:
            raise ProviderTimeout(path=path, reason=repr(error)) from error


class NowPaymentsWebhooks:
    """Verifies and parses NOWPayments' notifications: HMAC-SHA512 over the body's JSON with sorted keys."""

    provider: Final = Provider.NOWPAYMENTS
    signature_header: Final = "x-nowpayments-sig"

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def verify(self, body: bytes, signature: str) -> VerifiedWebhook:
        try:
            message = sorted_json(body)
        except (ValueError, TypeError, RecursionError) as error:  # not JSON, invalid Unicode, or nested too deeply
            raise SignatureInvalid from error
        if not is_signed(message, signature, secret=self._secret, digest="sha512"):
            raise SignatureInvalid
        payment = _notified(body)
        # A notification has no id. Payment, status and paid amount identify the fact.
        paid = (payment.actually_paid or Decimal(0)).normalize()
        fact = f"{payment.payment_id}:{payment.payment_status}:{paid:f}"
        return VerifiedWebhook(external_id=fact, event_type=f"payment.{payment.payment_status}")

    def read_report(self, body: bytes) -> ProviderReport | None:
        return _notified(body).as_report()


def sorted_json(body: bytes) -> bytes:
    """Return JSON with sorted keys at every level, without whitespace, and with every number unchanged.

    The sender formats numbers as JavaScript does; Python would turn 0.0000001 into 1e-07.

    Raises:
        ValueError: the body is not JSON.
        TypeError: it has invalid Unicode, or is nested too deeply for orjson.
        RecursionError: it is nested too deeply for the parser.
    """

    def as_written(number: str) -> orjson.Fragment:
        return orjson.Fragment(number.encode())

    return orjson.dumps(json.loads(body, parse_float=as_written, parse_int=as_written), option=orjson.OPT_SORT_KEYS)


def _notified(body: bytes) -> CryptoPayment:
    try:
        return CryptoPayment.model_validate(_parsed(body))
    except ValueError as error:
        raise WebhookUnreadable(reason=type(error).__name__) from error


def _parsed(content: bytes) -> Any:
    """Parse JSON with decimal amounts in place of floats."""
    return json.loads(content, parse_float=Decimal)
