"""What a provider's report means for a payment: a pure decision, whatever order reports come in and however often.

::

    PENDING ─> WAITING ─> CONFIRMING ─┬─> FAILED ──┐
                                      ├─> EXPIRED ─┤
                                      ├<───────────┘
                                      ├─> PARTIALLY_PAID ─> SUCCEEDED ─> REFUNDED
                                      └───────────────────> SUCCEEDED

A status only moves forward, over as many stages as it likes. Money outranks the lack of it: a payment that was given up
and comes in after all is credited. PARTIALLY_PAID is kept from being forgotten as FAILED or EXPIRED: money is with us.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

__all__ = ["Flag", "Outcome", "PaymentStatus", "Report", "ReportDecision", "Standing", "decide"]


class PaymentStatus(enum.StrEnum):
    PENDING = "PENDING"  # asked for; nothing was heard yet
    WAITING = "WAITING"  # the provider waits for the money
    CONFIRMING = "CONFIRMING"  # the money is on its way
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    PARTIALLY_PAID = "PARTIALLY_PAID"  # less came than was asked for; nothing is credited
    SUCCEEDED = "SUCCEEDED"
    REFUNDED = "REFUNDED"  # the provider gave or took the money back


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
GIVEN_UP: Final = frozenset({PaymentStatus.FAILED, PaymentStatus.EXPIRED})
WITH_MONEY: Final = frozenset({PaymentStatus.PARTIALLY_PAID, PaymentStatus.SUCCEEDED})


class Outcome(enum.StrEnum):
    CREDITED = "CREDITED"  # the amount is in the wallet, by this report
    NOTED = "NOTED"  # the payment changed
    IGNORED = "IGNORED"  # it says nothing new
    MISMATCH = "MISMATCH"  # it contradicts our record: flagged, and nothing else
    UNKNOWN = "UNKNOWN"  # no payment of ours


class Flag(enum.StrEnum):
    """What a person may want to look at."""

    LATE = "LATE"  # money came after the payment was given up
    PARTIAL = "PARTIAL"  # less than asked for came, once
    SHORTFALL = "SHORTFALL"  # taken back when the credits were spent: the user owes the rest
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    USER_MISMATCH = "USER_MISMATCH"


class Standing(Protocol):
    """What a decision needs to know of a payment."""

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


class Report(Protocol):
    """What a provider says: the status, and what it can be checked by."""

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
    """`status` is the payment's from now on; `flags` are added."""

    outcome: Outcome
    status: PaymentStatus
    flags: frozenset[Flag] = field(default_factory=frozenset)


def decide(payment: Standing, report: Report) -> ReportDecision:
    """Decide what becomes of a payment by a report."""
    if contradictions := _contradictions(payment, report):
        return ReportDecision(Outcome.MISMATCH, payment.status, contradictions)
    if _is_another_part(payment, report):
        return ReportDecision(Outcome.NOTED, payment.status)
    if RANK[report.status] <= RANK[payment.status]:
        return ReportDecision(Outcome.IGNORED, payment.status)
    outcome = Outcome.CREDITED if report.status is PaymentStatus.SUCCEEDED else Outcome.NOTED
    return ReportDecision(outcome, report.status, _flags(payment, report))


def _contradictions(payment: Standing, report: Report) -> frozenset[Flag]:
    wrong = {
        Flag.AMOUNT_MISMATCH: report.amount not in {None, payment.amount},
        Flag.CURRENCY_MISMATCH: report.currency not in {None, payment.currency},
        Flag.USER_MISMATCH: report.user_id not in {None, payment.user_id},
    }
    return frozenset(flag for flag, is_wrong in wrong.items() if is_wrong)


def _is_another_part(payment: Standing, report: Report) -> bool:
    """Whether more money came, and still not enough."""
    if not (report.status is payment.status is PaymentStatus.PARTIALLY_PAID) or report.paid_amount is None:
        return False
    return payment.paid_amount is None or report.paid_amount > payment.paid_amount


def _flags(payment: Standing, report: Report) -> frozenset[Flag]:
    flags = {
        Flag.LATE: payment.status in GIVEN_UP and report.status in WITH_MONEY,
        Flag.PARTIAL: report.status is PaymentStatus.PARTIALLY_PAID,
    }
    return frozenset(flag for flag, is_so in flags.items() if is_so)
