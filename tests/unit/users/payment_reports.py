"""A payment and a provider's reports about it, without a database."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from users.payments.reversals import ReportedReversal, Reversals
from users.payments.status import (
    RANK,
    Deposits,
    PaymentStatus,
    ReportDecision,
    ReportOutcome,
    decide,
    decide_closing,
)

FAN = uuid.UUID(int=1)
FIRST = "pi_1"


@dataclass(frozen=True)
class PaymentState:
    status: PaymentStatus = PaymentStatus.PENDING
    user_id: uuid.UUID = FAN
    amount: Decimal = Decimal("50.00")
    currency: str = "sgd"
    is_credited: bool = False
    provider_payment_id: str | None = FIRST
    coins_due: Decimal | None = None
    pay_currency: str | None = None
    deposits: Deposits = field(default_factory=dict)
    reversals: Reversals = field(default_factory=Reversals)
    refunded: Decimal = Decimal(0)
    is_closed: bool = False
    original_amount: Decimal | None = None

    @property
    def balance(self) -> Decimal:
        """The credits that the payment has brought, less those that were taken back."""
        taken_back = min(self.refunded + self.reversals.disputed, self.amount)
        return self.amount - taken_back if self.is_credited else Decimal(0)


@dataclass(frozen=True)
class Report:
    status: PaymentStatus
    amount: Decimal | None = None
    currency: str | None = None
    user_id: uuid.UUID | None = None
    paid_amount: Decimal | None = None
    provider_payment_id: str = FIRST
    parent_payment_id: str | None = None
    pay_currency: str | None = None
    reversal: ReportedReversal | None = None


PROGRESS = [status for status in PaymentStatus if status in RANK]


def after(payment: PaymentState, report: Report) -> tuple[PaymentState, ReportDecision]:
    decision = decide(payment, report)
    return changed(payment, decision), decision


def after_closing(payment: PaymentState) -> tuple[PaymentState, ReportDecision]:
    decision = decide_closing(payment)
    return replace(changed(payment, decision), is_closed=True), decision


def changed(payment: PaymentState, decision: ReportDecision) -> PaymentState:
    """Return the payment after a decision, as the statement that stores it changes it."""
    state = replace(
        payment,
        status=decision.status,
        is_credited=payment.is_credited or decision.outcome is ReportOutcome.CREDITED,
        deposits=decision.deposits,
        reversals=decision.reversals,
        refunded=decision.refunded,
    )
    if decision.settled_amount is None:
        return state
    assert payment.coins_due is not None
    return replace(
        state,
        amount=decision.settled_amount,
        original_amount=payment.amount,
        coins_due=payment.coins_due * decision.settled_amount / payment.amount,
    )


def outcomes_of(
    reports: Sequence[Report], payment: PaymentState | None = None
) -> tuple[PaymentState, list[ReportDecision]]:
    state, outcomes = payment or PaymentState(), []
    for report in reports:
        state, decision = after(state, report)
        outcomes.append(decision)
    return state, outcomes
