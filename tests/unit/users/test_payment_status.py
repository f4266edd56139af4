"""How a provider's reports are applied, in any order and any number of times."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import product
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from users.payments.reversals import ReportedReversal, Reversals, ReversalStatus
from users.payments.status import (
    ENDED_UNPAID,
    RANK,
    Deposits,
    Flag,
    PaymentStatus,
    ReportDecision,
    ReportOutcome,
    decide,
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


def as_now(status: PaymentStatus) -> PaymentState:
    """Return a payment of this status, with what belongs to it."""
    is_refunded = status is PaymentStatus.REFUNDED
    return PaymentState(
        status,
        is_credited=is_refunded or status is PaymentStatus.SUCCEEDED,
        reversals=Reversals(refund_total=Decimal(50)) if is_refunded else Reversals(),
    )


PROGRESS = [status for status in PaymentStatus if status in RANK]


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


def after(payment: PaymentState, report: Report) -> tuple[PaymentState, ReportDecision]:
    decision = decide(payment, report)
    changed = replace(
        payment,
        status=decision.status,
        is_credited=payment.is_credited or decision.outcome is ReportOutcome.CREDITED,
        deposits=decision.deposits,
        reversals=decision.reversals,
        refunded=decision.refunded,
    )
    return changed, decision


def outcomes_of(
    reports: Sequence[Report], payment: PaymentState | None = None
) -> tuple[PaymentState, list[ReportDecision]]:
    state, outcomes = payment or PaymentState(), []
    for report in reports:
        state, decision = after(state, report)
        outcomes.append(decision)
    return state, outcomes


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
    # FAILED and EXPIRED are treated alike; a refund that failed before its payment is reported hides the earlier status.
    if first.is_credited or not first.reversals.by_id:
        assert RANK.get(first.status, 6) == RANK.get(second.status, 6)


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


CRYPTO = PaymentState(provider_payment_id="1", coins_due=Decimal("1.0"), pay_currency="btc")


def first_deposit(status: str, paid: str | None = None) -> Report:
    return Report(
        PaymentStatus(status),
        Decimal(50),
        "sgd",
        paid_amount=None if paid is None else Decimal(paid),
        provider_payment_id="1",
    )


def later_deposit(status: str, paid: str, *, name: str = "2", pay_currency: str = "btc") -> Report:
    return Report(
        PaymentStatus(status),
        Decimal(7),  # the price of a later deposit is the provider's estimate
        "usd",
        paid_amount=Decimal(paid),
        provider_payment_id=name,
        parent_payment_id="1",
        pay_currency=pay_currency,
    )


crypto_reports = st.one_of(
    st.builds(first_deposit, st.sampled_from(PaymentStatus), st.sampled_from([None, "0.4", "0.6", "1.0"])),
    st.builds(
        later_deposit,
        st.sampled_from(PROGRESS),
        st.sampled_from(["0.3", "0.6", "1.0"]),
        name=st.sampled_from(["2", "3"]),
        pay_currency=st.sampled_from(["btc", "btc", "eth"]),
    ),
)


@given(st.lists(crypto_reports, max_size=10), st.randoms(use_true_random=False))
def test_crypto_outcome_does_not_depend_on_the_order_of_reports(said: list[Report], shuffler: Random) -> None:
    shuffled = [*said, *said]
    shuffler.shuffle(shuffled)
    runs = outcomes_of(said, CRYPTO), outcomes_of(shuffled, CRYPTO)
    (first, _), (second, _) = runs
    if keeps_coins_of_another_deposit(first):
        # Whether the deposit was sent back before the others completed the amount decides; an admin sees what is short.
        assert all(is_flagged_if_short(*run) for run in runs)
        return
    assert (first.is_credited, first.balance) == (second.is_credited, second.balance)
    assert RANK.get(first.status, 6) == RANK.get(second.status, 6)


def keeps_coins_of_another_deposit(state: PaymentState) -> bool:
    """Whether one deposit was sent back, and coins of another were received."""
    return None in state.deposits.values() and received(state.deposits) > 0


def is_flagged_if_short(state: PaymentState, decisions: Sequence[ReportDecision]) -> bool:
    is_short = state.is_credited and received(state.deposits) < (state.coins_due or 0)
    return not is_short or any(Flag.PARTIAL in decision.flags for decision in decisions)


def received(deposits: Mapping[str, Decimal | None]) -> Decimal:
    return sum((amount for amount in deposits.values() if amount is not None), Decimal(0))


class TestLaterDeposits:
    def test_coins_after_a_refund_do_not_restore_the_credits(self) -> None:
        said = [first_deposit("SUCCEEDED", "1.0"), first_deposit("REFUNDED", None), later_deposit("SUCCEEDED", "0.3")]
        state, decisions = outcomes_of(said, CRYPTO)
        assert (state.status, state.balance) == (PaymentStatus.REFUNDED, Decimal(0))
        assert Flag.PARTIAL in decisions[-1].flags

    @pytest.mark.parametrize("step", [1, -1])
    def test_parts_that_reach_the_amount_are_credited_once(self, step: int) -> None:
        said = [first_deposit("PARTIALLY_PAID", "0.4"), later_deposit("SUCCEEDED", "0.6")]
        state, decisions = outcomes_of(said[::step], CRYPTO)
        assert [decision.outcome for decision in decisions] == [ReportOutcome.NOTED, ReportOutcome.CREDITED]
        assert (state.status, received(state.deposits)) == (PaymentStatus.SUCCEEDED, Decimal("1.0"))
        assert outcomes_of([*said, *said], state)[0] == state

    def test_success_of_a_later_deposit_alone_is_not_the_payments(self) -> None:
        state, (decision,) = outcomes_of([later_deposit("SUCCEEDED", "0.6")], CRYPTO)
        assert (state.status, decision.flags) == (PaymentStatus.PARTIALLY_PAID, frozenset({Flag.PARTIAL}))

    @pytest.mark.parametrize("status", ["WAITING", "CONFIRMING", "FAILED", "EXPIRED"])
    def test_later_deposit_that_has_not_arrived_changes_nothing(self, status: str) -> None:
        (decision,) = outcomes_of([later_deposit(status, "0.6")], CRYPTO)[1]
        assert decision.outcome is ReportOutcome.IGNORED

    def test_unconfirmed_money_does_not_complete_the_amount(self) -> None:
        state, _ = outcomes_of([first_deposit("CONFIRMING", "0.9"), later_deposit("SUCCEEDED", "0.3")], CRYPTO)
        assert state.status is PaymentStatus.PARTIALLY_PAID

    @pytest.mark.parametrize("step", [1, -1])
    def test_overpayment_is_flagged(self, step: int) -> None:
        said = [first_deposit("SUCCEEDED", "1.0"), later_deposit("SUCCEEDED", "0.6")]
        state, decisions = outcomes_of(said[::step], CRYPTO)
        assert state.status is PaymentStatus.SUCCEEDED
        assert Flag.OVERPAID in decisions[1].flags
        assert [decision.outcome for decision in decisions].count(ReportOutcome.CREDITED) == 1

    def test_overpayment_by_one_deposit_is_flagged(self) -> None:
        (decision,) = outcomes_of([first_deposit("SUCCEEDED", "1.1")], CRYPTO)[1]
        assert (decision.outcome, decision.flags) == (ReportOutcome.CREDITED, frozenset({Flag.OVERPAID}))

    def test_other_currency_is_a_mismatch(self) -> None:
        state, (decision,) = outcomes_of([later_deposit("SUCCEEDED", "9.0", pay_currency="eth")], CRYPTO)
        assert (decision.outcome, decision.flags) == (ReportOutcome.MISMATCH, frozenset({Flag.CURRENCY_MISMATCH}))
        assert state == CRYPTO

    def test_refunded_deposit_counts_no_longer(self) -> None:
        first, later = first_deposit("PARTIALLY_PAID", "0.4"), later_deposit("SUCCEEDED", "0.6")
        returned = later_deposit("REFUNDED", "0.6")
        assert outcomes_of([returned, later, first], CRYPTO)[0].status is PaymentStatus.PARTIALLY_PAID
        state, decisions = outcomes_of([first, later, returned], CRYPTO)
        assert (state.status, decisions[-1].flags) == (PaymentStatus.SUCCEEDED, frozenset({Flag.PARTIAL}))

    @pytest.mark.parametrize("step", [1, -1])
    def test_credits_stay_until_all_deposits_are_sent_back(self, step: int) -> None:
        said = [first_deposit("PARTIALLY_PAID", "0.4"), later_deposit("SUCCEEDED", "0.6")]
        returned = [first_deposit("REFUNDED", "0.4"), later_deposit("REFUNDED", "0.6")][::step]
        state, decisions = outcomes_of([*said, returned[0]], CRYPTO)
        assert (state.status, state.balance) == (PaymentStatus.SUCCEEDED, Decimal(50))
        assert decisions[-1].flags == {Flag.PARTIAL}
        state, (decision,) = outcomes_of([returned[1]], state)
        assert (state.status, state.balance) == (PaymentStatus.REFUNDED, Decimal(0))
        assert decision.flags == frozenset()

    @pytest.mark.parametrize("step", [1, -1])
    def test_payment_after_a_refund_of_the_first_part_is_kept(self, step: int) -> None:
        said = [
            first_deposit("PARTIALLY_PAID", "0.4"),
            first_deposit("REFUNDED", "0.4"),
            later_deposit("SUCCEEDED", "1.0"),
        ]
        state, _ = outcomes_of([*said[::step], *said], CRYPTO)
        assert (state.status, state.balance) == (PaymentStatus.SUCCEEDED, Decimal(50))

    def test_refund_of_the_only_deposit_takes_the_credits_back(self) -> None:
        said = [first_deposit("SUCCEEDED", "1.0"), first_deposit("REFUNDED", "1.0")]
        for order in (said, said[::-1]):
            state, _ = outcomes_of(order, CRYPTO)
            assert (state.status, state.balance) == (PaymentStatus.REFUNDED, Decimal(0))

    def test_another_payment_of_the_provider_for_ours_is_a_later_deposit(self) -> None:
        """The answer with its address was lost, and another one was made."""
        orphan = replace(first_deposit("EXPIRED"), provider_payment_id="0")
        assert decide(CRYPTO, orphan).outcome is ReportOutcome.IGNORED
        paid = replace(first_deposit("SUCCEEDED", "1.0"), provider_payment_id="0")
        assert decide(CRYPTO, paid).outcome is ReportOutcome.CREDITED
