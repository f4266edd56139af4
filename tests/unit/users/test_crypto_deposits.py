"""Payments by crypto that consist of several deposits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.users.payment_reports import PROGRESS, PaymentState, Report, after_closing, outcomes_of
from users.payments.status import RANK, Flag, PaymentStatus, ReportDecision, ReportOutcome, decide, share_received

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
    assert RANK.get(first.status, 7) == RANK.get(second.status, 7)


def keeps_coins_of_another_deposit(state: PaymentState) -> bool:
    """Whether one deposit was sent back, and coins of another were received."""
    return None in state.deposits.values() and received(state.deposits) > 0


def is_flagged_if_short(state: PaymentState, decisions: Sequence[ReportDecision]) -> bool:
    is_short = state.is_credited and received(state.deposits) < (state.coins_due or 0)
    return not is_short or any(Flag.PARTIAL in decision.flags for decision in decisions)


def received(deposits: Mapping[str, Decimal | None]) -> Decimal:
    return sum((amount for amount in deposits.values() if amount is not None), Decimal(0))


def credits_of(state: PaymentState) -> tuple[object, ...]:
    return state.status, state.is_credited, state.balance, state.amount, state.original_amount, state.refunded


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

    def test_return_of_the_only_deposit_after_the_first_is_flagged(self) -> None:
        said = [later_deposit("SUCCEEDED", "1.0"), later_deposit("REFUNDED", "1.0")]
        state, decisions = outcomes_of(said, CRYPTO)
        assert (state.balance, decisions[-1].flags) == (Decimal(50), frozenset({Flag.PARTIAL}))

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


money = st.one_of(
    st.builds(first_deposit, st.sampled_from(PROGRESS), st.sampled_from([None, "0.0001", "0.4", "0.9", "1.0"])),
    st.builds(
        later_deposit, st.sampled_from(PROGRESS), st.sampled_from(["0.3", "0.6"]), name=st.sampled_from(["2", "3"])
    ),
)


class TestClosing:
    """The payment of an order that has ended: a part of it becomes credits, whenever it is reported."""

    @given(st.lists(money, max_size=5), st.lists(money, max_size=5))
    def test_what_was_received_is_credited_once_and_more_is_flagged(
        self, before: list[Report], later: list[Report]
    ) -> None:
        state, decisions = outcomes_of(before, CRYPTO)
        state, closing = after_closing(state)
        state, more = outcomes_of(later, state)
        decisions += [closing, *more]
        credited = [decision for decision in decisions if decision.outcome is ReportOutcome.CREDITED]
        assert len(credited) <= 1
        assert state.is_credited or share_received(state.amount, state.coins_due, state.deposits) == 0
        repeated, _ = outcomes_of([*before, *later], state)
        assert credits_of(repeated) == credits_of(state)  # no credits twice, in whatever order the repeats come
        if state.original_amount is None:
            return
        assert state.original_amount == CRYPTO.amount
        assert state.amount == share_received(CRYPTO.amount, CRYPTO.coins_due, credited[0].deposits)
        is_more = received(state.deposits) > received(credited[0].deposits)
        assert is_more == any(Flag.OVERPAID in decision.flags for decision in decisions)

    @pytest.mark.parametrize("is_closed_first", [True, False])
    def test_part_becomes_its_share_of_the_amount(self, is_closed_first: bool) -> None:  # noqa: FBT001 - pytest passes it by name
        part = first_deposit("PARTIALLY_PAID", "0.66666")
        if is_closed_first:
            state, _ = outcomes_of([part], after_closing(CRYPTO)[0])
        else:
            state, _ = after_closing(outcomes_of([part], CRYPTO)[0])
        assert (state.status, state.balance, state.amount) == (PaymentStatus.SUCCEEDED, *[Decimal("33.33")] * 2)
        assert after_closing(state)[0] == state

    def test_less_than_a_cent_stays_partially_paid(self) -> None:
        state, _ = outcomes_of([first_deposit("PARTIALLY_PAID", "0.0001")], after_closing(CRYPTO)[0])
        assert (state.status, state.balance) == (PaymentStatus.PARTIALLY_PAID, Decimal(0))

    def test_late_whole_payment_is_credited_whole(self) -> None:
        state, _ = outcomes_of([first_deposit("SUCCEEDED", "1.0")], after_closing(CRYPTO)[0])
        assert (state.balance, state.original_amount) == (Decimal(50), None)

    def test_rest_that_comes_after_the_settlement_is_flagged(self) -> None:
        settled, _ = outcomes_of([first_deposit("PARTIALLY_PAID", "0.4")], after_closing(CRYPTO)[0])
        for rest in (first_deposit("SUCCEEDED", "1.0"), later_deposit("SUCCEEDED", "0.6")):
            state, (decision,) = outcomes_of([rest], settled)
            assert (decision.outcome, decision.flags) == (ReportOutcome.NOTED, frozenset({Flag.OVERPAID}))
            assert (state.balance, received(state.deposits)) == (Decimal(20), Decimal("1.0"))

    def test_refund_takes_the_share_back(self) -> None:
        said = [first_deposit("PARTIALLY_PAID", "0.4"), first_deposit("REFUNDED", "0.4")]
        state, _ = outcomes_of(said, after_closing(CRYPTO)[0])
        assert (state.status, state.balance) == (PaymentStatus.REFUNDED, Decimal(0))
