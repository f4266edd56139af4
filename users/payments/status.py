"""The effect of a provider's report on a payment: a pure decision, for reports in any order and number.

::

    PENDING ─> WAITING ─> CONFIRMING ─┬─> FAILED ─> EXPIRED ─┐
                                      ├<─────────────────────┘
                                      ├─> PARTIALLY_PAID ─> SUCCEEDED <─> REFUNDED
                                      └───────────────────> SUCCEEDED

A status only moves forward, over any number of stages. After a failure the payer may try again, until the payment expires.
Received money outranks its absence: a payment that failed or expired and is paid after all is credited. PARTIALLY_PAID never
becomes FAILED or EXPIRED: money was received.

Refunds and disputes are merged beside the status (`users.payments.reversals`). A payment is REFUNDED while its refunds
cover the whole amount; a refund that fails later makes it what it was. The credits that are taken back follow from both,
and are never more than the payment brought.

A payment by crypto may consist of several deposits, each a payment of its own at the provider. A deposit after the first
succeeds by its amount, together with the others, never by its own status.

A payment may be closed: what it was for has ended. One that is PARTIALLY_PAID, then or by a later report, is settled at what
was received: that share becomes its amount, and it has SUCCEEDED.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Context, Decimal
from typing import Final, Protocol
from uuid import UUID

from users.payments.reversals import NOTHING, ReportedReversal, Reversals

__all__ = [
    "Deposits",
    "Flag",
    "PaymentStatus",
    "RecordedPayment",
    "ReportDecision",
    "ReportOutcome",
    "ReportedPayment",
    "decide",
    "decide_closing",
    "received_by",
    "share_received",
]

Deposits = Mapping[str, Decimal | None]
"""What was received, by the provider's ids of its payments; None for a deposit that was refunded."""


class PaymentStatus(enum.StrEnum):
    PENDING = "PENDING"  # opened; no report yet
    WAITING = "WAITING"  # the provider waits for the money
    CONFIRMING = "CONFIRMING"  # the money is on its way
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    PARTIALLY_PAID = "PARTIALLY_PAID"  # less than the amount was received; it is credited once the payment is closed
    SUCCEEDED = "SUCCEEDED"
    REFUNDED = "REFUNDED"  # the provider returned the whole amount


RANK: Final[Mapping[PaymentStatus, int]] = {
    PaymentStatus.PENDING: 0,
    PaymentStatus.WAITING: 1,
    PaymentStatus.CONFIRMING: 2,
    PaymentStatus.FAILED: 3,
    PaymentStatus.EXPIRED: 4,
    PaymentStatus.PARTIALLY_PAID: 5,
    PaymentStatus.SUCCEEDED: 6,
}
ENDED_UNPAID: Final = frozenset({PaymentStatus.FAILED, PaymentStatus.EXPIRED})
WITH_MONEY: Final = frozenset({PaymentStatus.PARTIALLY_PAID, PaymentStatus.SUCCEEDED})


CENT: Final = Decimal("0.01")
# An amount has at most 14 digits, a number of coins 30.
_EXACT: Final = Context(prec=50)


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
    OVERPAID = "OVERPAID"  # more than the amount was received, or more after a settlement; the amount is credited
    DISPUTED = "DISPUTED"  # the payer's bank disputed it at some time
    SHORTFALL = "SHORTFALL"  # taken back after the credits were spent: the user owes the rest
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    USER_MISMATCH = "USER_MISMATCH"


class RecordedPayment(Protocol):
    """The fields of a payment that a decision reads.

    `coins_due` is the amount in `pay_currency`; both are None unless the payment is by crypto. `original_amount` is what
    was asked for, of a payment that was settled at less; otherwise None.
    """

    @property
    def user_id(self) -> UUID: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...
    @property
    def status(self) -> PaymentStatus: ...
    @property
    def is_credited(self) -> bool: ...
    @property
    def is_closed(self) -> bool: ...
    @property
    def original_amount(self) -> Decimal | None: ...
    @property
    def provider_payment_id(self) -> str | None: ...
    @property
    def coins_due(self) -> Decimal | None: ...
    @property
    def pay_currency(self) -> str | None: ...
    @property
    def deposits(self) -> Deposits: ...
    @property
    def reversals(self) -> Reversals: ...


class ReportedPayment(Protocol):
    """The fields of a report: the status, and what is compared with the payment."""

    @property
    def provider_payment_id(self) -> str: ...
    @property
    def parent_payment_id(self) -> str | None: ...
    @property
    def status(self) -> PaymentStatus: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def pay_currency(self) -> str | None: ...
    @property
    def user_id(self) -> UUID | None: ...
    @property
    def paid_amount(self) -> Decimal | None: ...
    @property
    def reversal(self) -> ReportedReversal | None: ...


@dataclass(frozen=True, slots=True)
class ReportDecision:
    """`status`, `deposits`, `reversals` and the `refunded` amount are the payment's new values; `flags` are added.

    An ignored report may still confirm in `reversals` what is known otherwise, such as a refund of a known total.
    `settled_amount` is the payment's new amount, if it is settled at what was received.
    """

    outcome: ReportOutcome
    status: PaymentStatus
    deposits: Deposits
    reversals: Reversals
    refunded: Decimal
    flags: frozenset[Flag] = field(default_factory=frozenset)
    settled_amount: Decimal | None = None


def decide(payment: RecordedPayment, report: ReportedPayment) -> ReportDecision:
    """Return the effect of a report on a payment."""
    known = _known(payment)
    if contradictions := _contradictions(payment, report):
        return ReportDecision(ReportOutcome.MISMATCH, *known, contradictions)
    deposits, reversals = _deposits(payment, report), _reversals(payment, report)
    stage, refunded = _stage(payment, report, deposits), _refunded(payment, deposits, reversals)
    status = PaymentStatus.REFUNDED if refunded >= payment.amount else stage
    new = (status, deposits, reversals, refunded)
    if stage is PaymentStatus.SUCCEEDED and not payment.is_credited:
        outcome = ReportOutcome.CREDITED
    elif _shown(*known) != _shown(*new):
        outcome = ReportOutcome.NOTED
    else:
        return ReportDecision(ReportOutcome.IGNORED, *new)
    decision = ReportDecision(outcome, *new, _flags(payment, report, stage, deposits, refunded=refunded))
    return _settled(payment, decision) if payment.is_closed else decision


def decide_closing(payment: RecordedPayment) -> ReportDecision:
    """Return the effect of closing a payment: it is settled if it is PARTIALLY_PAID, and stays as it is otherwise."""
    return _settled(payment, ReportDecision(ReportOutcome.IGNORED, *_known(payment)))


def share_received(amount: Decimal, coins_due: Decimal | None, deposits: Deposits) -> Decimal:
    """Return the part of an amount that was received, rounded down to cents; never more than the amount."""
    if coins_due is None:
        return NOTHING
    share = _EXACT.divide(_EXACT.multiply(amount, _sum_of(deposits)), coins_due)
    return min(share.quantize(CENT, ROUND_DOWN, _EXACT), amount)


def _known(payment: RecordedPayment) -> tuple[PaymentStatus, Deposits, Reversals, Decimal]:
    deposits, reversals = payment.deposits, payment.reversals
    return payment.status, deposits, reversals, _refunded(payment, deposits, reversals)


def _settled(payment: RecordedPayment, decision: ReportDecision) -> ReportDecision:
    """Return the decision that credits what was received of a closed payment, instead of leaving it PARTIALLY_PAID."""
    share = share_received(payment.amount, payment.coins_due, decision.deposits)
    if decision.status is not PaymentStatus.PARTIALLY_PAID or not share:
        return decision
    return replace(decision, outcome=ReportOutcome.CREDITED, status=PaymentStatus.SUCCEEDED, settled_amount=share)


def _shown(status: PaymentStatus, deposits: Deposits, reversals: Reversals, refunded: Decimal) -> tuple[object, ...]:
    return status, deposits, refunded, reversals.disputed, reversals.dispute_status


def received_by(report: ReportedPayment, deposits: Deposits) -> Decimal | None:
    """Return what was received up to a report: the sum of the deposits, or money that is still on its way."""
    return max(_sum_of(deposits), report.paid_amount or Decimal(0)) if deposits else report.paid_amount


def is_later_deposit(payment: RecordedPayment, report: ReportedPayment) -> bool:
    """Return whether the report is about another payment at the provider than the first one."""
    if report.parent_payment_id is not None:
        return True
    return payment.provider_payment_id not in {None, report.provider_payment_id}


def _contradictions(payment: RecordedPayment, report: ReportedPayment) -> frozenset[Flag]:
    if is_later_deposit(payment, report):  # its price is the provider's estimate
        wrong = {Flag.CURRENCY_MISMATCH: report.pay_currency not in {None, payment.pay_currency}}
    else:
        wrong = {
            Flag.AMOUNT_MISMATCH: _is_wrong_amount(payment, report),
            Flag.CURRENCY_MISMATCH: report.currency not in {None, payment.currency},
            Flag.USER_MISMATCH: report.user_id not in {None, payment.user_id},
        }
    return frozenset(flag for flag, is_wrong in wrong.items() if is_wrong)


def _is_wrong_amount(payment: RecordedPayment, report: ReportedPayment) -> bool:
    """A refund is of a part or of all; a dispute may exceed the amount when exchange rates have changed."""
    if report.amount is None or report.reversal is not None:
        return False
    asked = payment.original_amount or payment.amount
    if report.status is PaymentStatus.REFUNDED:
        return report.amount > asked
    return report.amount != asked


def _reversals(payment: RecordedPayment, report: ReportedPayment) -> Reversals:
    if report.status is PaymentStatus.REFUNDED and not is_later_deposit(payment, report):
        return payment.reversals.merged(report, whole=payment.amount)
    return payment.reversals


def _refunded(payment: RecordedPayment, deposits: Deposits, reversals: Reversals) -> Decimal:
    """Return the refunded amount. While coins of another deposit stay, the credits stay, and an admin decides.

    Credits that were taken back stay taken back: coins that arrive afterwards do not restore them.
    """
    is_taken_back = payment.is_credited and payment.status is PaymentStatus.REFUNDED
    later = {name: coins for name, coins in deposits.items() if name != payment.provider_payment_id}
    has_other_coins = payment.coins_due is not None and _sum_of(later) > 0
    return Decimal(0) if has_other_coins and not is_taken_back else reversals.refunded


def _deposits(payment: RecordedPayment, report: ReportedPayment) -> Deposits:
    """Return what was received by each deposit so far. A late report about a payment of one deposit adds nothing."""
    name, is_later = report.provider_payment_id, is_later_deposit(payment, report)
    known = payment.deposits.get(name, Decimal(0))
    if report.status is PaymentStatus.REFUNDED and (is_later or payment.coins_due is not None):
        return {**payment.deposits, name: None}
    if report.status not in WITH_MONEY or report.paid_amount is None or known is None or report.paid_amount <= known:
        return payment.deposits
    is_settled = payment.original_amount is not None
    is_over = payment.is_credited and not is_settled and payment.deposits.keys() <= {name}
    return payment.deposits if is_over and not is_later else {**payment.deposits, name: report.paid_amount}


def _stage(payment: RecordedPayment, report: ReportedPayment, deposits: Deposits) -> PaymentStatus:
    """Return the payment's status apart from refunds, never behind the present one."""
    present = PaymentStatus.SUCCEEDED if payment.is_credited else payment.status
    if present is PaymentStatus.REFUNDED:  # before its success was reported
        present = PaymentStatus.CONFIRMING
    reported = report.status
    if reported in WITH_MONEY and is_later_deposit(payment, report):
        reported = PaymentStatus.PARTIALLY_PAID
    elif reported is PaymentStatus.REFUNDED or is_later_deposit(payment, report):
        return present
    if reported is PaymentStatus.PARTIALLY_PAID and _is_paid_by_several(payment, report, deposits):
        reported = PaymentStatus.SUCCEEDED
    return reported if RANK[reported] > RANK[present] else present


def _is_paid_by_several(payment: RecordedPayment, report: ReportedPayment, deposits: Deposits) -> bool:
    """Return whether deposits after the first complete the amount. The first alone succeeds by its status."""
    first = payment.provider_payment_id or report.parent_payment_id or report.provider_payment_id
    if payment.coins_due is None or deposits.keys() <= {first}:
        return False
    return _sum_of(deposits) >= payment.coins_due


def _flags(
    payment: RecordedPayment,
    report: ReportedPayment,
    stage: PaymentStatus,
    deposits: Deposits,
    *,
    refunded: Decimal,
) -> frozenset[Flag]:
    due, received = payment.coins_due, _sum_of(deposits)
    is_new_money = deposits != payment.deposits
    flags = {
        Flag.LATE: payment.status in ENDED_UNPAID and stage in WITH_MONEY,
        Flag.PARTIAL: stage is PaymentStatus.PARTIALLY_PAID or _is_short_again(payment, deposits, refunded),
        Flag.OVERPAID: is_new_money and stage is PaymentStatus.SUCCEEDED and due is not None and received > due,
        Flag.DISPUTED: report.reversal is not None and report.reversal.is_dispute,
    }
    return frozenset(flag for flag, is_so in flags.items() if is_so)


def _is_short_again(payment: RecordedPayment, deposits: Deposits, refunded: Decimal) -> bool:
    """Return whether a deposit was sent back that a credited payment needed, and its credits or other coins stay."""
    due, received = payment.coins_due, _sum_of(deposits)
    is_returned = payment.is_credited and None in deposits.values()
    return is_returned and due is not None and received < due and (refunded == 0 or received > 0)


def _sum_of(deposits: Deposits) -> Decimal:
    return sum((amount for amount in deposits.values() if amount is not None), Decimal(0))
