"""How a provider's reports are applied, in any order and any number of times."""

import uuid
from dataclasses import replace
from decimal import Decimal
from itertools import product
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.users.payment_reports import FAN, PROGRESS, PaymentState, Report, outcomes_of
from users.payments.reversals import ReportedReversal, Reversals, ReversalStatus
from users.payments.status import (
    ENDED_UNPAID,
    RANK,
    Flag,
    PaymentStatus,
    ReportDecision,
    ReportOutcome,
    decide,
)


def as_now(status: PaymentStatus) -> PaymentState:
    """Return a payment of this status, with what belongs to it."""
    is_refunded = status is PaymentStatus.REFUNDED
    return PaymentState(
        status,
        is_credited=is_refunded or status is PaymentStatus.SUCCEEDED,
        reversals=Reversals(refund_total=Decimal(50)) if is_refunded else Reversals(),
    )


@pytest.mark.parametrize(("now", "said"), [*product(PROGRESS, repeat=2)])
def test_a_status_only_moves_forward(now: PaymentStatus, said: PaymentStatus) -> None:
    payment = as_now(now)
    decision = decide(payment, Report(said))
    if RANK[said] > RANK[now]:
        assert decision.status is said
        assert decision.outcome is (ReportOutcome.CREDITED if said is PaymentStatus.SUCCEEDED else ReportOutcome.NOTED)
    else:
        assert decision == ReportDecision(ReportOutcome.IGNORED, now, {}, Reversals(), Decimal(0))


@pytest.mark.parametrize("now", PaymentStatus)
def test_refund_of_the_whole_amount_outranks_every_status(now: PaymentStatus) -> None:
    payment = as_now(now)
    decision = decide(payment, Report(PaymentStatus.REFUNDED))
    assert decision.status is PaymentStatus.REFUNDED
    is_new = now is not PaymentStatus.REFUNDED
    assert decision.outcome is (ReportOutcome.NOTED if is_new else ReportOutcome.IGNORED)
    for said in PROGRESS:
        assert decide(as_now(PaymentStatus.REFUNDED), Report(said)).outcome is ReportOutcome.IGNORED


@pytest.mark.parametrize(("now", "said"), [*product(PaymentStatus, repeat=2)])
def test_success_after_a_final_failure_is_flagged_late(now: PaymentStatus, said: PaymentStatus) -> None:
    is_late = now in ENDED_UNPAID and said in {PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_PAID}
    assert (Flag.LATE in decide(as_now(now), Report(said)).flags) == is_late


@pytest.mark.parametrize("status", PaymentStatus)
@pytest.mark.parametrize(
    ("lie", "flag"),
    [
        ({"amount": Decimal("50.01")}, Flag.AMOUNT_MISMATCH),
        ({"currency": "usd"}, Flag.CURRENCY_MISMATCH),
        ({"user_id": uuid.UUID(int=2)}, Flag.USER_MISMATCH),
    ],
)
def test_mismatch_takes_precedence(status: PaymentStatus, lie: dict[str, object], flag: Flag) -> None:
    for now in PaymentStatus:
        payment = as_now(now)
        decision = decide(payment, replace(Report(status, Decimal(50), "sgd", FAN), **lie))  # type: ignore[arg-type]
        assert decision == ReportDecision(
            ReportOutcome.MISMATCH, now, {}, payment.reversals, payment.reversals.refunded, frozenset({flag})
        )


def test_missing_fields_are_no_mismatch() -> None:
    assert decide(PaymentState(), Report(PaymentStatus.WAITING)).outcome is ReportOutcome.NOTED


def refund(name: str, amount: int, *, has_failed: bool = False) -> Report:
    status = ReversalStatus.FAILED if has_failed else ReversalStatus.REFUNDED
    reversal = ReportedReversal(reversal_id=name, status=status, amount=Decimal(amount), sequence=int(has_failed))
    return Report(PaymentStatus.REFUNDED, Decimal(amount), "sgd", reversal=reversal)


STAGES = {"OPEN": 0, "WITHDRAWN": 1, "LOST": 2, "CLOSED": 3, "WON": 3}


def dispute(name: str, status: str, amount: int = 50, *, movements: int = 0) -> Report:
    reversal = ReportedReversal(
        reversal_id=name,
        status=ReversalStatus(status),
        amount=Decimal(amount),
        sequence=4 * movements + STAGES[status],
    )
    return Report(PaymentStatus.REFUNDED, Decimal(amount), "sgd", reversal=reversal)


def refund_total(amount: int) -> Report:
    return Report(PaymentStatus.REFUNDED, Decimal(amount), "sgd")


SUCCESS = Report(
    status=PaymentStatus.SUCCEEDED, amount=Decimal(50), currency="sgd", user_id=FAN, paid_amount=Decimal(1)
)

plain_reports = st.builds(
    Report,
    status=st.sampled_from(PaymentStatus),
    amount=st.sampled_from([None, Decimal(50), Decimal(49)]),
    currency=st.sampled_from([None, "sgd", "usd"]),
    user_id=st.sampled_from([None, FAN, uuid.UUID(int=2)]),
    paid_amount=st.sampled_from([None, Decimal(1), Decimal(2)]),
)
reversals = st.one_of(
    st.builds(refund, st.sampled_from(["re_1", "re_2"]), st.sampled_from([10, 20, 50]), has_failed=st.booleans()),
    st.builds(
        dispute,
        st.sampled_from(["dp_1", "dp_2"]),
        st.sampled_from(sorted(STAGES)),
        st.sampled_from([20, 50, 60]),
        movements=st.integers(0, 3),
    ),
    st.builds(refund_total, st.sampled_from([10, 30, 50])),
)
reports = st.one_of(plain_reports, reversals)


@given(st.lists(reports, max_size=12), st.randoms(use_true_random=False))
def test_outcome_does_not_depend_on_the_order_of_reports(said: list[Report], shuffler: Random) -> None:
    shuffled = [*said, *said]
    shuffler.shuffle(shuffled)
    first, second = outcomes_of(said)[0], outcomes_of(shuffled)[0]
    assert (first.reversals, first.is_credited, first.balance) == (second.reversals, second.is_credited, second.balance)
    # A refund that failed before its payment is reported hides the earlier status.
    if first.is_credited or not first.reversals.by_id:
        assert RANK.get(first.status, 7) == RANK.get(second.status, 7)


@given(st.lists(reports, max_size=20))
@example([SUCCESS, SUCCESS])
def test_payment_is_credited_once_and_only_by_a_matching_report(said: list[Report]) -> None:
    state, outcomes = outcomes_of(said)
    credited = [
        report for report, decision in zip(said, outcomes, strict=True) if decision.outcome is ReportOutcome.CREDITED
    ]
    assert len(credited) <= 1
    for report in credited:
        assert report.status is PaymentStatus.SUCCEEDED
        assert (report.amount, report.currency, report.user_id) in [
            *product((None, Decimal(50)), (None, "sgd"), (None, FAN))
        ]
    if state.status is PaymentStatus.SUCCEEDED:
        assert len(credited) == 1
    assert Decimal(0) <= state.balance <= state.amount


@pytest.mark.parametrize(
    ("said", "balance", "status"),
    [
        ([refund_total(20)], 30, "SUCCEEDED"),
        ([refund_total(20), refund_total(35)], 15, "SUCCEEDED"),
        ([refund_total(35), refund_total(20)], 15, "SUCCEEDED"),
        ([refund("re_1", 20), refund_total(20)], 30, "SUCCEEDED"),
        ([refund("re_1", 20), refund("re_2", 30), refund_total(50)], 0, "REFUNDED"),
        ([refund("re_1", 50), refund("re_1", 50, has_failed=True)], 50, "SUCCEEDED"),
        # The total no longer has the failed refund, whichever is reported first.
        (
            [refund_total(20), refund("re_1", 20, has_failed=True), refund("re_2", 30), refund_total(30)],
            20,
            "SUCCEEDED",
        ),
        ([refund("re_2", 30), refund_total(50), refund("re_1", 20, has_failed=True)], 20, "SUCCEEDED"),
        ([dispute("dp_1", "OPEN")], 50, "SUCCEEDED"),
        ([dispute("dp_1", "WITHDRAWN")], 0, "SUCCEEDED"),
        ([dispute("dp_1", "WITHDRAWN"), dispute("dp_1", "LOST")], 0, "SUCCEEDED"),
        ([dispute("dp_1", "WON"), dispute("dp_1", "WITHDRAWN")], 50, "SUCCEEDED"),
        # The bank appeals after the dispute was won, and wins.
        ([dispute("dp_1", "WON", movements=2), dispute("dp_1", "LOST", movements=3)], 0, "SUCCEEDED"),
        ([refund("re_1", 20), dispute("dp_1", "WITHDRAWN", 50)], 0, "SUCCEEDED"),
        ([dispute("dp_1", "WITHDRAWN", 60)], 0, "SUCCEEDED"),
        ([dispute("dp_1", "LOST", 20), dispute("dp_2", "WITHDRAWN", 20)], 10, "SUCCEEDED"),
    ],
)
def test_refunds_and_disputes_take_their_part_back(said: list[Report], balance: int, status: str) -> None:
    for order in (said, [*said, *said]):
        state, _ = outcomes_of([SUCCESS, *order])
        assert (state.balance, state.status.value) == (Decimal(balance), status)
        state, _ = outcomes_of([*order, SUCCESS])
        assert (state.balance, state.status.value) == (Decimal(balance), status)


def test_most_urgent_dispute_status_is_shown() -> None:
    state, decisions = outcomes_of([SUCCESS, dispute("dp_1", "WON"), dispute("dp_2", "WITHDRAWN", 20)])
    assert state.reversals.dispute_status is ReversalStatus.WITHDRAWN
    assert Flag.DISPUTED in decisions[1].flags
    assert outcomes_of([SUCCESS, refund("re_1", 20)])[0].reversals.dispute_status is None
