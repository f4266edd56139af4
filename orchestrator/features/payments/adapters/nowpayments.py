"""NOWPayments: crypto payments over its REST API, and its notifications (IPN).

https://documenter.getpostman.com/view/7907941/2s93JusNJt; the address for notifications is set in its dashboard.
"""

import json
import uuid
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Annotated, Any, Final

import httpx
import orjson
from httpx_aiohttp import AiohttpTransport
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from common.http.client import IDLE_SECONDS
from common.money import money
from common.telemetry.tracing import client_span
from orchestrator.clients.users.payments import CURRENCY, PaymentNews, PaymentStatus, Provider
from orchestrator.features.payments.adapters.port import Inbound
from orchestrator.features.payments.adapters.signatures import is_signed
from orchestrator.features.payments.adapters.wire import Label, OwnId, Wire
from orchestrator.features.payments.errors import (
    NoSuchPayment,
    ProviderRefused,
    ProviderSilent,
    ProviderUnavailable,
    SignatureInvalid,
    WebhookUnreadable,
)

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

# What the payments' book takes (PaidAmount in users/payments/schemas.py); no coin has more places than Ethereum's 18.
PLACES: Final = 18
WHOLE_DIGITS: Final = 12
_ROUNDING: Final = Context(prec=PLACES + WHOLE_DIGITS + 1)


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_Moment = Annotated[datetime, AfterValidator(_in_utc)]
_Crypto = Annotated[Decimal, BeforeValidator(str), Field(ge=0)]


class CryptoPayment(Wire):
    """A payment as NOWPayments has it.

    `price_amount` is what we ask for, `pay_amount` the same in `pay_currency`; `order_id` is our payment's id.
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
    expiration_estimate_date: _Moment | None = None

    def news(self) -> PaymentNews | None:
        """Return how it stands; None when its status is none of those we know.

        Raises:
            WebhookUnreadable: its price has more than two places.
        """
        if (status := _STATUS.get(self.payment_status)) is None:
            return None
        try:
            amount = money(self.price_amount)
        except (ValueError, ArithmeticError) as error:
            raise WebhookUnreadable(price_amount=self.price_amount) from error
        return PaymentNews(
            provider=Provider.NOWPAYMENTS,
            provider_payment_id=self.payment_id,
            status=status,
            amount=amount,
            currency=self.price_currency.lower(),
            payment_id=self.order_id,
            paid_amount=_paid(self.actually_paid),
        )


def _paid(amount: Decimal | None) -> Decimal | None:
    """Return an amount of coins without the noise of the sender's floats, such as 0.0005555600000000001.

    None for one that nobody can have: what a payment is credited by is its status, so it is not refused for that.
    """
    if amount is None or amount.adjusted() >= WHOLE_DIGITS:
        return None
    return amount.quantize(Decimal(1).scaleb(-PLACES), context=_ROUNDING).normalize(_ROUNDING)


class NowPayments:
    """Makes and finds payments.

    Args:
        api_url: without a path, such as ``https://api.nowpayments.io``.
        timeout_seconds: for a whole answer.
    """

    provider: Final = Provider.NOWPAYMENTS

    def __init__(self, *, api_url: str, key: SecretStr, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(
            base_url=api_url.rstrip("/"),
            headers={KEY_HEADER: key.get_secret_value()},
            transport=AiohttpTransport(limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS)),
            timeout=timeout_seconds,
        )

    async def create(self, *, payment_id: uuid.UUID, amount: Decimal, pay_currency: str) -> CryptoPayment:
        """Make a payment with an address of its own. Each call makes another one: it knows no idempotency keys.

        Raises:
            ProviderRefused: the amount is too small for that currency, or there is no such currency.
            ProviderUnavailable: NOWPayments does not take it for another reason.
            ProviderSilent: no answer in time.
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
            ProviderUnavailable: NOWPayments does not say.
            ProviderSilent: no answer in time.
        """
        return await self._call("GET", f"/v1/payment/{provider_payment_id}")

    async def standing(self, provider_payment_id: str) -> list[PaymentNews]:
        news = (await self.find(provider_payment_id)).news()
        return [] if news is None else [news]

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
            raise ProviderSilent(path=path, reason=repr(error)) from error


class NowPaymentsWebhooks:
    """Reads notifications as NOWPayments signs them: HMAC-SHA512 over the body's JSON, its keys sorted."""

    provider: Final = Provider.NOWPAYMENTS
    signature_header: Final = "x-nowpayments-sig"

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def verify(self, body: bytes, signature: str) -> Inbound:
        try:
            message = sorted_json(body)
        except (ValueError, TypeError, RecursionError) as error:  # no JSON, no Unicode, no end of brackets
            raise SignatureInvalid from error
        if not is_signed(message, signature, secret=self._secret, digest="sha512"):
            raise SignatureInvalid
        payment = _notified(body)
        # A notification has no id. The same payment at the same point, with as much paid, is the same fact.
        paid = (payment.actually_paid or Decimal(0)).normalize()
        fact = f"{payment.payment_id}:{payment.payment_status}:{paid:f}"
        return Inbound(external_id=fact, event_type=f"payment.{payment.payment_status}")

    def news(self, body: bytes) -> PaymentNews | None:
        return _notified(body).news()


def sorted_json(body: bytes) -> bytes:
    """Return JSON with its keys sorted at every level, without blanks, and every number as it was written.

    The sender writes numbers as JavaScript does; read and written again by Python, 0.0000001 would become 1e-07.

    Raises:
        ValueError: it is no JSON.
        TypeError: its text is no Unicode, or it is nested too deeply.
        RecursionError: it is nested deeper still.
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
    """Read JSON without sending amounts through binary fractions."""
    return json.loads(content, parse_float=Decimal)
