"""The effect of a provider's report on a payment: a pure decision, for reports in any order and number.

::

    PENDING ─> WAITING ─> CONFIRMING ─┬─> FAILED ──┐
                                      ├─> EXPIRED ─┤
                                      ├<───────────┘
                                      ├─> PARTIALLY_PAID ─> SUCCEEDED ─> REFUNDED
                                      └───────────────────> SUCCEEDED

A status only moves forward, over any number of stages. Received money outranks its absence: a payment that failed or
expired and is paid after all is credited. PARTIALLY_PAID never becomes FAILED or EXPIRED: money was received.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

__all__ = ["Flag", "PaymentStatus", "RecordedPayment", "ReportDecision", "ReportOutcome", "ReportedPayment", "decide"]


class PaymentStatus(enum.StrEnum):
    PENDING = "PENDING"  # opened; no report yet
    WAITING = "WAITING"  # the provider waits for the money
    CONFIRMING = "CONFIRMING"  # the money is on its way
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    PARTIALLY_PAID = "PARTIALLY_PAID"  # less than the amount was received; nothing is credited
    SUCCEEDED = "SUCCEEDED"
    REFUNDED = "REFUNDED"  # the provider returned the money or took it back


RANK: Final[Mapping[PaymentStatus, int]] = {
    PaymentStatus.PENDING: 0,
    PaymentStatus.WAITING: 1,
    PaymentStatus.CONFIRMING: 2,
    PaymentStatus.FAILED: 3,
    PaymentStatus.EXPIRED: 3,
    PaymentStatus.PARTIALLY_PAID: 4,
    PaymentStatus.SUCCEEDED: 5,
    PaymentStatus.REFUNDED: 6,
}
ENDED_UNPAID: Final = frozenset({PaymentStatus.FAILED, PaymentStatus.EXPIRED})
WITH_MONEY: Final = frozenset({PaymentStatus.PARTIALLY_PAID, PaymentStatus.SUCCEEDED})


class ReportOutcome(enum.StrEnum):
    CREDITED = "CREDITED"  # the amount is in the wallet, by this report
    NOTED = "NOTED"  # the payment changed
    IGNORED = "IGNORED"  # the report says nothing new
    MISMATCH = "MISMATCH"  # the report contradicts the record: the payment is flagged, nothing else
    UNKNOWN = "UNKNOWN"  # there is no such payment


class Flag(enum.StrEnum):
    """What an admin may want to check."""

    LATE = "LATE"  # money was received after the payment failed or expired
    PARTIAL = "PARTIAL"  # less than the amount was received at some time
    SHORTFALL = "SHORTFALL"  # taken back after the credits were spent: the user owes the rest
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    USER_MISMATCH = "USER_MISMATCH"


class RecordedPayment(Protocol):
    """The fields of a payment that a decision reads."""

    @property
    def user_id(self) -> UUID: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...
    @property
    def status(self) -> PaymentStatus: ...
    @property
    def paid_amount(self) -> Decimal | None: ...


class ReportedPayment(Protocol):
    """The fields of a report: the status, and what is compared with the payment."""

    @property
    def status(self) -> PaymentStatus: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def user_id(self) -> UUID | None: ...
    @property
    def paid_amount(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class ReportDecision:
    """`status` is the payment's new status; `flags` are added."""

    outcome: ReportOutcome
    status: PaymentStatus
    flags: frozenset[Flag] = field(default_factory=frozenset)


def decide(payment: RecordedPayment, report: ReportedPayment) -> ReportDecision:
    """Return the effect of a report on a payment."""
    if contradictions := _contradictions(payment, report):
        return ReportDecision(ReportOutcome.MISMATCH, payment.status, contradictions)
    if _is_another_part(payment, report):
        return ReportDecision(ReportOutcome.NOTED, payment.status)
    if RANK[report.status] <= RANK[payment.status]:
        return ReportDecision(ReportOutcome.IGNORED, payment.status)
    outcome = ReportOutcome.CREDITED if report.status is PaymentStatus.SUCCEEDED else ReportOutcome.NOTED
    return ReportDecision(outcome, report.status, _flags(payment, report))


def _contradictions(payment: RecordedPayment, report: ReportedPayment) -> frozenset[Flag]:
    wrong = {
        Flag.AMOUNT_MISMATCH: report.amount not in {None, payment.amount},
        Flag.CURRENCY_MISMATCH: report.currency not in {None, payment.currency},
        Flag.USER_MISMATCH: report.user_id not in {None, payment.user_id},
    }
    return frozenset(flag for flag, is_wrong in wrong.items() if is_wrong)


def _is_another_part(payment: RecordedPayment, report: ReportedPayment) -> bool:
    """Return whether more money was received, and still not enough."""
    if not (report.status is payment.status is PaymentStatus.PARTIALLY_PAID) or report.paid_amount is None:
        return False
    return payment.paid_amount is None or report.paid_amount > payment.paid_amount


def _flags(payment: RecordedPayment, report: ReportedPayment) -> frozenset[Flag]:
    flags = {
        Flag.LATE: payment.status in ENDED_UNPAID and report.status in WITH_MONEY,
        Flag.PARTIAL: report.status is PaymentStatus.PARTIALLY_PAID,
    }
    return frozenset(flag for flag, is_so in flags.items() if is_so)
