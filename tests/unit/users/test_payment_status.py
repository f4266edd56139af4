"""What is made of a provider's reports: any of them, in any order, any number of times."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from users.payments.status import ENDED_UNPAID, RANK, Flag, Outcome, PaymentStatus, ReportDecision, decide

FAN = uuid.UUID(int=1)


@dataclass(frozen=True)
class Standing:
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
    decision = decide(Standing(now), Report(said))
    if RANK[said] > RANK[now]:
        assert decision.status is said
        assert decision.outcome is (Outcome.CREDITED if said is PaymentStatus.SUCCEEDED else Outcome.NOTED)
    else:
        assert decision == ReportDecision(Outcome.IGNORED, now)


@pytest.mark.parametrize(("now", "said"), [*product(PaymentStatus, repeat=2)])
def test_late_is_money_for_what_was_given_up(now: PaymentStatus, said: PaymentStatus) -> None:
    is_late = now in ENDED_UNPAID and said in {PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_PAID}
    assert (Flag.LATE in decide(Standing(now), Report(said)).flags) == is_late


@pytest.mark.parametrize("status", PaymentStatus)
@pytest.mark.parametrize(
    ("lie", "flag"),
    [
        ({"amount": Decimal("50.01")}, Flag.AMOUNT_MISMATCH),
        ({"currency": "usd"}, Flag.CURRENCY_MISMATCH),
        ({"user_id": uuid.UUID(int=2)}, Flag.USER_MISMATCH),
    ],
)
def test_a_contradiction_comes_before_all(status: PaymentStatus, lie: dict[str, object], flag: Flag) -> None:
    for now in PaymentStatus:
        decision = decide(Standing(now), replace(Report(status, Decimal(50), "sgd", FAN), **lie))  # type: ignore[arg-type]
        assert decision == ReportDecision(Outcome.MISMATCH, now, frozenset({flag}))


def test_what_is_not_said_contradicts_nothing() -> None:
    assert decide(Standing(), Report(PaymentStatus.WAITING)).outcome is Outcome.NOTED


def told(reports: Sequence[Report]) -> tuple[Standing, list[ReportDecision]]:
    standing, verdicts = Standing(), []
    for report in reports:
        verdicts.append(decide(standing, report))
        standing = replace(standing, status=verdicts[-1].status)
    return standing, verdicts


reports = st.builds(
    Report,
    status=st.sampled_from(PaymentStatus),
    amount=st.sampled_from([None, Decimal(50), Decimal(49)]),
    currency=st.sampled_from([None, "sgd", "usd"]),
    user_id=st.sampled_from([None, FAN, uuid.UUID(int=2)]),
    paid_amount=st.sampled_from([None, Decimal(1), Decimal(2)]),
)


@given(st.lists(reports, max_size=12), st.randoms(use_true_random=False))
def test_the_end_depends_on_what_was_said_and_not_on_the_order(said: list[Report], shuffler: Random) -> None:
    shuffled = [*said, *said]
    shuffler.shuffle(shuffled)
    first, second = told(said)[0], told(shuffled)[0]
    assert RANK[first.status] == RANK[second.status]  # FAILED and EXPIRED are the same to us


SUCCESS = Report(
    status=PaymentStatus.SUCCEEDED, amount=Decimal(50), currency="sgd", user_id=FAN, paid_amount=Decimal(1)
)


@given(st.lists(reports, max_size=20))
@example([SUCCESS, SUCCESS])
def test_it_is_credited_once_and_only_by_a_true_report(said: list[Report]) -> None:
    standing, verdicts = told(said)
    credited = [report for report, decision in zip(said, verdicts, strict=True) if decision.outcome is Outcome.CREDITED]
    assert len(credited) <= 1
    for report in credited:
        assert report.status is PaymentStatus.SUCCEEDED
        assert (report.amount, report.currency, report.user_id) in [
            *product((None, Decimal(50)), (None, "sgd"), (None, FAN))
        ]
    if standing.status is PaymentStatus.SUCCEEDED:
        assert len(credited) == 1
