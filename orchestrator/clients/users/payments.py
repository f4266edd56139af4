"""Payments in the users service, beside the ledger."""

import enum
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from common.errors import Conflict
from common.http.client import ServiceClient
from common.money import Money
from common.rows import readable
from orchestrator.saga_engine.plan import Call

__all__ = [
    "CURRENCY",
    "PaymentFacts",
    "PaymentStatus",
    "PaymentsClient",
    "Provider",
    "ProviderReport",
    "Purpose",
    "ReportOutcome",
    "ReportResult",
    "ReportedReversal",
    "ReversalStatus",
]

PAGE: Final = 500
Purpose = Literal["topup", "order", "commission", "digital_order"]
INVALID_STATE: Final = "PAYMENT_INVALID_STATE"
# One credit is one Singapore dollar.
CURRENCY: Final = "sgd"


class Provider(enum.StrEnum):
    STRIPE = "stripe"
    NOWPAYMENTS = "nowpayments"
    KINGUIN = "kinguin"


class PaymentStatus(enum.StrEnum):
    """A payment's status in the users service. Adapters map each provider's own statuses to it."""

    PENDING = "PENDING"
    WAITING = "WAITING"
    CONFIRMING = "CONFIRMING"
    SUCCEEDED = "SUCCEEDED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REFUNDED = "REFUNDED"


class ReversalStatus(enum.StrEnum):
    """The status of a refund (the first two) or of a dispute; see `users.payments.reversals`."""

    REFUNDED = "REFUNDED"
    FAILED = "FAILED"
    OPEN = "OPEN"
    WITHDRAWN = "WITHDRAWN"
    LOST = "LOST"
    WON = "WON"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedReversal:
    """A refund or dispute, by its id at the provider. `sequence` grows with each of its changes there."""

    reversal_id: str
    status: ReversalStatus
    amount: Decimal
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReport:
    """A provider's report about a payment.

    `payment_id` is the platform's id, which the provider was given. `amount`, in `currency`, is the amount due or, with
    the status REFUNDED, the total of refunds or the amount of the `reversal`. `paid_amount` is the amount received, in
    the currency it was paid in. `parent_payment_id` is the provider's id of the payment to whose address `pay_currency`
    was sent again.
    """

    provider: Provider
    provider_payment_id: str
    status: PaymentStatus
    amount: Decimal
    currency: str
    payment_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None
    paid_amount: Decimal | None = None
    occurred_at: datetime | None = None
    parent_payment_id: str | None = None
    pay_currency: str | None = None
    reversal: ReportedReversal | None = None


class ReportOutcome(enum.StrEnum):
    CREDITED = "CREDITED"
    NOTED = "NOTED"
    IGNORED = "IGNORED"
    MISMATCH = "MISMATCH"
    UNKNOWN = "UNKNOWN"


class KnownReversal(BaseModel):
    model_config = ConfigDict(extra="ignore")

    sequence: int


class KnownReversals(BaseModel):
    """The refunds and disputes that the users service knows, by their ids at the provider."""

    model_config = ConfigDict(extra="ignore")

    by_id: dict[str, KnownReversal] = {}


class PaymentFacts(BaseModel):
    """A payment in the users service; `status_at` is when it took its `status`.

    `provider_payment_id` is None until the provider has created the payment. `paid_amount` is the amount that the
    provider has received so far; `deposits` has its parts, by the provider's ids. `original_amount` is set once the payment
    was settled at what was received, which is its `amount` then.
    """

    model_config = ConfigDict(extra="ignore")

    payment_id: uuid.UUID
    amount: Money
    original_amount: Money | None = None
    currency: str
    status: PaymentStatus
    status_at: datetime
    provider_payment_id: str | None
    paid_amount: Decimal | None = None
    deposits: dict[str, Decimal | None] = {}
    refunded_amount: Money = Decimal("0.00")
    dispute_status: ReversalStatus | None = None
    reversals: KnownReversals = KnownReversals()
    details: dict[str, Any]
    created_at: datetime

    @property
    def has_later_deposits(self) -> bool:
        return not self.deposits.keys() <= {self.provider_payment_id}

    @property
    def has_open_dispute(self) -> bool:
        return self.dispute_status in {ReversalStatus.OPEN, ReversalStatus.WITHDRAWN}


class ReportResult(BaseModel):
    """The ledger's outcome for a provider's report; `payment_id` is None if the payment is unknown."""

    outcome: ReportOutcome
    payment_id: uuid.UUID | None


class PaymentsClient:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def open(
        self,
        *,
        payment_id: uuid.UUID,
        user_id: uuid.UUID,
        provider: Provider,
        purpose: Purpose,
        reference: uuid.UUID,
        amount: Decimal,
        details: Mapping[str, str] | None = None,
    ) -> PaymentFacts:
        """Create a payment. Repeating it returns the same payment; repeating it with other facts is refused.

        Args:
            details: further facts of the request, such as the pay currency.

        Raises:
            Unprocessable: IDEMPOTENCY_KEY_REUSED.
        """
        answer = await self._users.post(
            "/internal/payments",
            {
                "request_id": _opening_of(payment_id),
                "payment_id": payment_id,
                "user_id": user_id,
                "provider": provider,
                "purpose": purpose,
                "reference": str(reference),
                "amount": f"{amount:.2f}",
                "currency": CURRENCY,
                "details": dict(details or {}),
            },
        )
        return PaymentFacts.model_validate(answer)

    async def attach(
        self,
        payment_id: uuid.UUID,
        *,
        provider_payment_id: str,
        expires_at: datetime | None = None,
        details: Mapping[str, str | None] | None = None,
    ) -> PaymentFacts:
        """Store the provider's id of a payment, its expiry and its details. A second call returns the first values."""
        try:
            answer = await self._users.post(
                f"/internal/payments/{payment_id}/attach",
                {
                    "request_id": uuid.uuid5(payment_id, f"attach/{provider_payment_id}"),
                    "provider_payment_id": provider_payment_id,
                    "expires_at": expires_at,
                    "details": dict(details or {}),
                },
            )
        except Conflict as error:
            if error.code != INVALID_STATE:
                raise
            return await self.find(payment_id)
        return PaymentFacts.model_validate(answer)

    async def close(self, call: Call, payment_id: uuid.UUID) -> None:
        """Undo `open`, for good: what the payment was for has ended. What was received of it is credited, now or later."""
        await self._users.post(
            f"/internal/payments/{payment_id}/close",
            {"request_id": call.request_id, "undoes_request_id": _opening_of(payment_id)},
        )

    async def find(self, payment_id: uuid.UUID) -> PaymentFacts:
        """Return a payment, or raise NotFound."""
        return PaymentFacts.model_validate(await self._users.get(f"/internal/payments/{payment_id}"))

    async def report(self, report: ProviderReport, *, request_id: uuid.UUID) -> ReportResult:
        """Pass a provider's report to the ledger, which decides its effect and applies it once, even if repeated."""
        body = asdict(report) | {
            "request_id": request_id,
            "amount": f"{report.amount:.2f}",
            "paid_amount": None if report.paid_amount is None else f"{report.paid_amount:f}",
        }
        # The previous release refuses unknown fields, even if they are null.
        said = {name: value for name, value in body.items() if value is not None}
        answer = await self._users.post("/internal/payments/events", said)
        payment_id = answer["payment"]["payment_id"] if answer["payment"] else None
        return ReportResult(outcome=answer["outcome"], payment_id=payment_id)

    async def since(
        self,
        moment: datetime,
        *,
        provider: Provider,
        statuses: list[PaymentStatus] | None = None,
        has_open_dispute: bool = False,
    ) -> AsyncIterator[PaymentFacts]:
        """Yield a provider's payments created since `moment`, oldest first; all, or those of some statuses."""
        seen: set[str] = set()
        since = moment.isoformat()
        while True:
            query: dict[str, Any] = {"provider": provider.value, "since": since, "limit": PAGE}
            if statuses:
                query["status"] = [status.value for status in statuses]
            if has_open_dispute:
                query["disputed"] = "true"
            rows = await self._users.get("/internal/payments", query)
            new = [row for row in rows if row["payment_id"] not in seen]
            if not new:  # a short page is not the last one: the users service leaves out what it cannot read
                return
            for payment in readable(new, PaymentFacts.model_validate, of="payments", key="payment_id"):
                yield payment
            # The next page repeats the payments of this moment; they are skipped then.
            since = rows[-1]["created_at"]
            seen = {row["payment_id"] for row in rows if row["created_at"] == since}


def _opening_of(payment_id: uuid.UUID) -> uuid.UUID:
    return uuid.uuid5(payment_id, "open")
