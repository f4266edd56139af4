"""NOWPayments, simulated in memory, by its API (https://documenter.getpostman.com/view/7907941/2s93JusNJt)."""

import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, SecretStr

from devstack.sandbox.faults import Faults

__all__ = ["NoSuchPayment", "NowPaymentsAccount", "NowPaymentsStatus", "nowpayments_routes"]

Json = dict[str, Any]
NowPaymentsStatus = Literal[
    "waiting", "confirming", "confirmed", "sending", "partially_paid", "finished", "failed", "refunded", "expired"
]

# Invented rates, in Singapore dollars.
RATES: Final = {"btc": Decimal(90_000), "eth": Decimal(4_500), "usdttrc20": Decimal("1.35")}
SMALLEST_PRICE: Final = 5
MINUTES: Final = 20


class NoSuchPayment(HTTPException):
    def __init__(self) -> None:
        super().__init__(404, "Payment not found")


class NowPaymentsAccount:
    """Payments, which exist until the sandbox ends."""

    def __init__(self) -> None:
        self._payments: dict[str, Json] = {}

    def create(self, *, price: float, price_currency: str, pay_currency: str, order_id: str | None) -> Json:
        """Return a new payment with its own address.

        Raises:
            KeyError: the currency is not supported.
        """
        payment_id = str(5_000_000_000 + secrets.randbelow(1_000_000_000))
        pay_amount = (Decimal(str(price)) / RATES[pay_currency]).quantize(Decimal("0.00000001"))
        now = datetime.now(UTC)
        self._payments[payment_id] = {
            "payment_id": payment_id,
            "payment_status": "waiting",
            "pay_address": f"sandbox-{pay_currency}-{secrets.token_hex(12)}",
            "price_amount": price,
            "price_currency": price_currency,
            "pay_amount": float(pay_amount),
            "pay_currency": pay_currency,
            "actually_paid": 0,
            "order_id": order_id,
            "parent_payment_id": None,
            "payment_extra_ids": None,
            "purchase_id": str(secrets.randbelow(10**10)),
            "created_at": now.isoformat(),
            "updated_at": now.isoformat(),
            "expiration_estimate_date": (now + timedelta(minutes=MINUTES)).isoformat(),
        }
        return self._payments[payment_id]

    def find(self, payment_id: str) -> Json:
        """Return a payment.

        Raises:
            NoSuchPayment: no payment has this id.
        """
        if payment_id not in self._payments:
            raise NoSuchPayment
        return self._payments[payment_id]

    def move(self, payment_id: str, status: NowPaymentsStatus, *, actually_paid: float | None) -> Json:
        """Return the payment with its new status; by default a finished payment is paid in full.

        Raises:
            NoSuchPayment: no payment has this id.
        """
        payment = self.find(payment_id)
        default = payment["pay_amount"] if status in {"confirmed", "sending", "finished"} else payment["actually_paid"]
        payment |= {
            "payment_status": status,
            "actually_paid": default if actually_paid is None else actually_paid,
            "updated_at": datetime.now(UTC).isoformat(),
        }
        return payment

    def deposit(
        self, payment_id: str, status: NowPaymentsStatus, *, actually_paid: float, pay_currency: str | None
    ) -> Json:
        """Receive more coins at a payment's address, and return the payment that the provider makes of it.

        Raises:
            NoSuchPayment: no payment has this id.
        """
        first = self.find(payment_id)
        later_id = str(5_000_000_000 + secrets.randbelow(1_000_000_000))
        self._payments[later_id] = {
            **first,
            "payment_id": later_id,
            "parent_payment_id": payment_id,
            "payment_extra_ids": None,
            "payment_status": status,
            "pay_amount": actually_paid,
            "pay_currency": pay_currency or first["pay_currency"],
            "actually_paid": actually_paid,
            "updated_at": datetime.now(UTC).isoformat(),
        }
        first["payment_extra_ids"] = [*(first["payment_extra_ids"] or []), later_id]
        return self._payments[later_id]


class NewPayment(BaseModel):
    price_amount: float = Field(gt=0)
    price_currency: str
    pay_currency: str
    order_id: str | None = None


def nowpayments_routes(account: NowPaymentsAccount, faults: Faults, *, api_key: SecretStr) -> APIRouter:
    expected = api_key.get_secret_value().encode()

    def require_key(x_api_key: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(x_api_key.encode(), expected):
            raise HTTPException(403, "Invalid api key")

    dependencies = [Depends(require_key), Depends(faults.inject)]
    router = APIRouter(prefix="/v1/payment", tags=["NOWPayments"], dependencies=dependencies)

    @router.post("")
    async def create_payment(body: NewPayment) -> JSONResponse:
        if body.pay_currency not in RATES:
            return _refusal("INVALID_REQUEST_PARAMS", f"Currency {body.pay_currency} was not found")
        if body.price_amount < SMALLEST_PRICE:
            return _refusal("AMOUNT_MINIMAL_ERROR", "amountTo is too small")
        payment = account.create(
            price=body.price_amount,
            price_currency=body.price_currency,
            pay_currency=body.pay_currency,
            order_id=body.order_id,
        )
        return JSONResponse(payment, status_code=201)

    @router.get("/{payment_id}")
    async def show_payment(payment_id: str) -> Json:
        return account.find(payment_id)

    return router


def _refusal(code: str, message: str) -> JSONResponse:
    return JSONResponse({"statusCode": 400, "code": code, "message": message}, status_code=400)
