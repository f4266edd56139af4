"""The bodies and answers of the payment routes."""

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, model_validator

from common.fields import Instant, SentText, StoredInstant
from common.http.calls import StrictCall, UndoCall
from common.money import Money, PositiveMoney
from users.ledger.schemas import Reference
from users.payments.reversals import NOTHING, ReportedReversal, Reversals, ReversalStatus
from users.payments.status import Flag, PaymentStatus, ReportOutcome

__all__ = [
    "AdminPayment",
    "AttachPayment",
    "ClosePayment",
    "ClosedPayment",
    "OpenPayment",
    "OwnPayment",
    "Payment",
    "ProviderName",
    "ProviderReport",
    "Purpose",
    "ReportResult",
]

ProviderName = Literal["stripe", "nowpayments"]
Purpose = Literal["topup", "order", "commission", "digital_order"]
# An ISO 4217 code or a coin's ticker, in lower case as providers write it.
Currency = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^[a-zA-Z0-9]{2,20}$"), Field(examples=["sgd"], max_length=20)
]
ProviderPaymentId = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"), Field(examples=["pi_3Q1"])
]
# Coins have up to 18 places; an amount has at most twelve digits before the point.
PaidAmount = Annotated[
    Decimal,
    Field(ge=0, max_digits=30, decimal_places=18, examples=["0.00421"]),
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str, when_used="unless-none"),
]
Details = dict[SentText, SentText | int | float | bool | None]
# Facts among the details of a payment by crypto: the orchestrator stores them with the address.
PAY_AMOUNT: Final = "pay_amount"
PAY_CURRENCY: Final = "pay_currency"


class OpenPayment(StrictCall):
    payment_id: UUID
    user_id: UUID
    provider: ProviderName
    purpose: Purpose
    reference: Reference
    amount: PositiveMoney
    currency: Currency
    expires_at: Instant | None = None
    details: Details = Field(default_factory=dict, description="More facts; the payer may read them.")


class AttachPayment(StrictCall):
    provider_payment_id: ProviderPaymentId
    expires_at: Instant | None = Field(
        default=None, description="When it can no longer be paid, if the provider says so."
    )
    details: Details = Field(default_factory=dict, description="How to pay; the payer may read it.")


class ClosePayment(UndoCall):
    """The undo of opening: what the payment was for has ended."""

    model_config = ConfigDict(extra="forbid")


class ProviderReport(StrictCall):
    """A provider's report; reports may be repeated and arrive in any order.

    `amount`, `currency` and `user_id` are compared with the payment. `payment_id` is the id that the provider was given:
    a report that arrives before `attach` finds its payment by it, and attaches it. `parent_payment_id` is the provider's
    id of the payment to whose address the coins in `pay_currency` were sent again.

    REFUNDED is about a single refund or dispute if there is a `reversal`, otherwise about all refunds so far; these are
    `amount`, or the whole payment without it.
    """

    provider: ProviderName
    provider_payment_id: ProviderPaymentId
    payment_id: UUID | None = None
    status: PaymentStatus
    amount: Money | None = None
    currency: Currency | None = None
    user_id: UUID | None = None
    paid_amount: PaidAmount | None = None
    occurred_at: Instant | None = None
    parent_payment_id: ProviderPaymentId | None = None
    pay_currency: Currency | None = None
    reversal: ReportedReversal | None = None

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        if self.status is PaymentStatus.SUCCEEDED and (self.amount is None or self.currency is None):
            raise ValueError("a success must name its amount and currency")
        if self.reversal is not None and self.status is not PaymentStatus.REFUNDED:
            raise ValueError("a reversal is reported with the status REFUNDED")
        return self


class _Facts(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    payment_id: UUID
    provider: ProviderName
    purpose: Purpose
    reference: str
    amount: Money = Field(description="The amount to pay, and the credits it becomes.")
    original_amount: Money | None = Field(
        default=None,
        description="The amount that was to be paid, if less came before its order ended: then `amount` is what came.",
    )
    currency: Currency
    status: PaymentStatus
    status_at: StoredInstant = Field(description="The time of the status, as the provider reports it.")
    paid_amount: PaidAmount | None = Field(description="What was received so far, as the provider counts it.")
    # The defaults are for answers that the previous release stored.
    refunded_amount: Money = Field(default=NOTHING, description="What the provider refunded, in one or more parts.")
    disputed_amount: Money = Field(default=NOTHING, description="What disputes hold back or have taken for good.")
    dispute_status: ReversalStatus | None = Field(
        default=None,
        description="OPEN: no money has moved. WITHDRAWN: the credits are taken back for now. WON: they are returned. "
        "LOST: they stay taken back. CLOSED: it ended without moving money.",
    )
    created_at: StoredInstant
    updated_at: StoredInstant
    credited_at: StoredInstant | None
    expires_at: StoredInstant | None
    closed_at: StoredInstant | None = Field(
        default=None, description="When what it was for had ended; what arrives of it is credited."
    )


class Payment(_Facts):
    user_id: UUID
    provider_payment_id: str | None
    flags: list[Flag] = Field(description="What an admin may want to check.")
    details: Details
    deposits: dict[str, PaidAmount | None] = Field(
        default_factory=dict, description="What was received, by the provider's ids; null if it was sent back."
    )
    reversals: Reversals = Reversals()
    taken_back: Money = Field(default=NOTHING, description="The credits that refunds and disputes have taken back.")
    reversal_count: int = 0

    @property
    def is_credited(self) -> bool:
        return self.credited_at is not None

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def pay_currency(self) -> str | None:
        ticker = self.details.get(PAY_CURRENCY)
        return None if ticker is None else str(ticker)

    @property
    def coins_due(self) -> Decimal | None:
        with suppress(InvalidOperation):
            coins = Decimal(str(self.details.get(PAY_AMOUNT)))
            if coins.is_finite() and coins > 0:
                return coins if self.original_amount is None else coins * self.amount / self.original_amount
        return None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Add what the previous release does not store: it refunds in full, and knows one deposit."""
        if self.status is PaymentStatus.REFUNDED and not self.refunded_amount:
            self.reversals = Reversals(refund_total=self.amount)
            self.refunded_amount = self.amount
            self.taken_back = self.amount if self.is_credited else NOTHING
        has_money = self.status in {PaymentStatus.PARTIALLY_PAID, PaymentStatus.SUCCEEDED}
        if has_money and self.paid_amount and self.provider_payment_id and not self.deposits:
            self.deposits = {self.provider_payment_id: self.paid_amount}
        return self


class OwnPayment(_Facts):
    """As its payer sees it."""

    details: Details = Field(description="How to pay, such as `pay_address`.")


class AdminPayment(_Facts):
    """As admins see it: not how it is paid."""

    user_id: UUID
    provider_payment_id: str | None
    flags: list[Flag]
    deposits: dict[str, PaidAmount | None] = Field(description="What was received, by the provider's ids.")
    reversals: Reversals = Field(description="Refunds and disputes, by the provider's ids.")


class ClosedPayment(BaseModel):
    """The payment after it was closed; null if there is none, and there will be none."""

    payment: Payment | None


class ReportResult(BaseModel):
    """The payment after the report; null if it is UNKNOWN."""

    payment: Payment | None
    outcome: ReportOutcome
