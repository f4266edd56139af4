"""How a provider's reports are applied, in any order and any number of times."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from users.payments.status import ENDED_UNPAID, RANK, Flag, PaymentStatus, ReportDecision, ReportOutcome, decide

FAN = uuid.UUID(int=1)


@dataclass(frozen=True)
class PaymentState:
    status: PaymentStatus = PaymentStatus.PENDING
    user_id: uuid.UUID = FAN
    amount: Decimal = Decimal("50.00")
    currency: str = "sgd"
    paid_amount: Decimal | None = None


@dataclass(frozen=True)
class Report:
    status: PaymentStatus
    amount: Decimal | None = None
    currency: str | None = None
    user_id: uuid.UUID | None = None
    paid_amount: Decimal | None = None


@pytest.mark.parametrize(("now", "said"), [*product(PaymentStatus, repeat=2)])
def test_a_status_only_moves_forward(now: PaymentStatus, said: PaymentStatus) -> None:
    decision = decide(PaymentState(now), Report(said))
    if RANK[said] > RANK[now]:
        assert decision.status is said
        assert decision.outcome is (ReportOutcome.CREDITED if said is PaymentStatus.SUCCEEDED else ReportOutcome.NOTED)
    else:
        assert decision == ReportDecision(ReportOutcome.IGNORED, now)


@pytest.mark.parametrize(("now", "said"), [*product(PaymentStatus, repeat=2)])
def test_success_after_a_final_failure_is_flagged_late(now: PaymentStatus, said: PaymentStatus) -> None:
    is_late = now in ENDED_UNPAID and said in {PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_PAID}
    assert (Flag.LATE in decide(PaymentState(now), Report(said)).flags) == is_late


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
        decision = decide(PaymentState(now), replace(Report(status, Decimal(50), "sgd", FAN), **lie))  # type: ignore[arg-type]
        assert decision == ReportDecision(ReportOutcome.MISMATCH, now, frozenset({flag}))


def test_missing_fields_are_no_mismatch() -> None:
    assert decide(PaymentState(), Report(PaymentStatus.WAITING)).outcome is ReportOutcome.NOTED


def outcomes_of(reports: Sequence[Report]) -> tuple[PaymentState, list[ReportDecision]]:
    state, outcomes = PaymentState(), []
    for report in reports:
        outcomes.append(decide(state, report))
        state = replace(state, status=outcomes[-1].status)
    return state, outcomes


reports = st.builds(
    Report,
    status=st.sampled_from(PaymentStatus),
    amount=st.sampled_from([None, Decimal(50), Decimal(49)]),
    currency=st.sampled_from([None, "sgd", "usd"]),
    user_id=st.sampled_from([None, FAN, uuid.UUID(int=2)]),
    paid_amount=st.sampled_from([None, Decimal(1), Decimal(2)]),
)


@given(st.lists(reports, max_size=12), st.randoms(use_true_random=False))
def test_final_status_does_not_depend_on_the_order_of_reports(said: list[Report], shuffler: Random) -> None:
    shuffled = [*said, *said]
    shuffler.shuffle(shuffled)
    first, second = outcomes_of(said)[0], outcomes_of(shuffled)[0]
    assert RANK[first.status] == RANK[second.status]  # FAILED and EXPIRED are treated alike


SUCCESS = Report(
    status=PaymentStatus.SUCCEEDED, amount=Decimal(50), currency="sgd", user_id=FAN, paid_amount=Decimal(1)
)


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
