"""Providers report in any order, any number of times, and not always the truth (W3, W4)."""

import itertools
import uuid
from decimal import Decimal

import pytest

from tests.integration.users.payment_caller import CREDIT, PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller, code_of

UNHAPPY = ["FAILED", "EXPIRED"]


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger_caller: LedgerCaller) -> None:
    """Whatever was done before: nothing contradicts anything."""
    assert await ledger_caller.invariant_violations() == []


@pytest.fixture
async def payment_caller(ledger_caller: LedgerCaller) -> PaymentCaller:
    return await new_payment_caller(ledger_caller)


class TestSuccess:
    async def test_it_credits_the_wallet_and_tells(self, payment_caller: PaymentCaller) -> None:
        answer = (await payment_caller.report("SUCCEEDED", occurred_at="2026-11-20T10:00:00Z")).json()["data"]
        assert answer["outcome"] == "CREDITED"
        assert (answer["payment"]["status"], answer["payment"]["flags"]) == ("SUCCEEDED", [])
        assert answer["payment"]["status_at"] == "2026-11-20T10:00:00Z"
        assert answer["payment"]["credited_at"] is not None
        assert await payment_caller.now() == answer["payment"]
        assert await payment_caller.wallet() == Decimal(50)
        assert await payment_caller.movements() == CREDIT
        [message] = await payment_caller.messages()
        assert message.type == "payment.confirmed"
        facts = {"user_id": str(payment_caller.user_id), "amount": "50.00", "status": "SUCCEEDED", "purpose": "topup"}
        assert facts.items() <= message.data.items()

    async def test_a_repeated_id_gives_the_first_answer_whatever_came_between(
        self, payment_caller: PaymentCaller
    ) -> None:
        request_id = uuid.uuid4()
        first = await payment_caller.report("SUCCEEDED", request_id=request_id)
        await payment_caller.report("REFUNDED")
        again = await payment_caller.report("SUCCEEDED", request_id=request_id)
        assert again.json() == first.json()
        assert (await payment_caller.now())["status"] == "REFUNDED"

    async def test_the_same_id_for_another_report_is_refused(
        self, ledger_caller: LedgerCaller, payment_caller: PaymentCaller
    ) -> None:
        request_id = uuid.uuid4()
        await payment_caller.report("WAITING", request_id=request_id)
        other = await new_payment_caller(ledger_caller)
        for reporter in (payment_caller, other):
            answer = await reporter.report("SUCCEEDED", request_id=request_id)
            assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")
            assert await reporter.wallet() == 0

    async def test_again_under_other_ids_is_ignored(self, payment_caller: PaymentCaller) -> None:
        outcomes = [await payment_caller.outcome("SUCCEEDED") for _ in range(3)]
        assert outcomes == ["CREDITED", "IGNORED", "IGNORED"]
        assert await payment_caller.wallet() == Decimal(50)
        assert len(await payment_caller.messages()) == 1

    @pytest.mark.parametrize("late", ["PENDING", "WAITING", "CONFIRMING", "FAILED", "EXPIRED", "PARTIALLY_PAID"])
    async def test_whatever_should_have_come_before_is_ignored(self, payment_caller: PaymentCaller, late: str) -> None:
        await payment_caller.report("SUCCEEDED")
        before = await payment_caller.now()
        assert await payment_caller.outcome(late, paid_amount="1.5") == "IGNORED"
        assert await payment_caller.now() == before

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_after_it_was_given_up_it_is_credited_and_flagged(
        self, payment_caller: PaymentCaller, given_up: str
    ) -> None:
        assert await payment_caller.outcome(given_up) == "NOTED"
        assert await payment_caller.outcome("SUCCEEDED") == "CREDITED"
        assert (await payment_caller.now())["flags"] == ["LATE"]
        assert await payment_caller.wallet() == Decimal(50)
        assert [message.type for message in await payment_caller.messages()] == ["payment.failed", "payment.confirmed"]

    @pytest.mark.parametrize("missing", ["amount", "currency"])
    async def test_one_that_cannot_be_checked_is_400(self, payment_caller: PaymentCaller, missing: str) -> None:
        answer = await payment_caller.report("SUCCEEDED", **{missing: None})
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
        assert await payment_caller.wallet() == 0

    async def test_a_currency_is_the_same_in_capitals_and_an_amount_without_its_zeros(
        self, payment_caller: PaymentCaller
    ) -> None:
        assert await payment_caller.outcome("SUCCEEDED", currency="SGD", amount=50) == "CREDITED"


class TestMismatch:
    @pytest.mark.parametrize(
        ("wrong", "flag"),
        [
            ({"amount": "49.99"}, "AMOUNT_MISMATCH"),
            ({"amount": "5000.00"}, "AMOUNT_MISMATCH"),
            ({"currency": "usd"}, "CURRENCY_MISMATCH"),
            ({"user_id": uuid.UUID(int=7)}, "USER_MISMATCH"),
        ],
    )
    @pytest.mark.parametrize("status", ["WAITING", "SUCCEEDED", "REFUNDED"])
    async def test_it_is_flagged_and_changes_nothing_else(
        self, payment_caller: PaymentCaller, status: str, wrong: dict[str, object], flag: str
    ) -> None:
        before = await payment_caller.now()
        assert await payment_caller.outcome(status, **wrong) == "MISMATCH"
        after = await payment_caller.now()
        assert after == {**before, "flags": [flag], "updated_at": after["updated_at"]}
        assert await payment_caller.wallet() == 0
        assert await payment_caller.messages() == []

    async def test_several_are_all_named_once(self, payment_caller: PaymentCaller) -> None:
        for _ in range(2):
            assert await payment_caller.outcome("SUCCEEDED", currency="usd", amount="1.00") == "MISMATCH"
        assert (await payment_caller.now())["flags"] == ["AMOUNT_MISMATCH", "CURRENCY_MISMATCH"]

    async def test_the_truth_still_counts_afterwards(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED", amount="1.00")
        assert await payment_caller.outcome("SUCCEEDED") == "CREDITED"
        assert (await payment_caller.now())["flags"] == ["AMOUNT_MISMATCH"]

    async def test_one_after_a_refund_takes_nothing_back_again(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        await payment_caller.report("REFUNDED")
        movements = await payment_caller.movements()
        assert await payment_caller.outcome("REFUNDED", amount="1.00") == "MISMATCH"
        assert await payment_caller.movements() == movements


class TestPartial:
    async def test_nothing_is_credited_and_people_can_see_it(self, payment_caller: PaymentCaller) -> None:
        assert await payment_caller.outcome("PARTIALLY_PAID", paid_amount="0.000000000000000421") == "NOTED"
        payment = await payment_caller.now()
        assert (payment["status"], payment["flags"]) == ("PARTIALLY_PAID", ["PARTIAL"])
        assert payment["paid_amount"] == "0.000000000000000421"
        assert await payment_caller.wallet() == 0

    async def test_the_rest_completes_it(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("PARTIALLY_PAID", paid_amount="0.1")
        assert await payment_caller.outcome("SUCCEEDED", paid_amount="0.3") == "CREDITED"
        payment = await payment_caller.now()
        assert (payment["flags"], payment["paid_amount"]) == (["PARTIAL"], "0.3")
        assert await payment_caller.wallet() == Decimal(50)

    async def test_more_of_it_is_noted_and_less_is_not(self, payment_caller: PaymentCaller) -> None:
        outcomes = [
            await payment_caller.outcome("PARTIALLY_PAID", paid_amount=paid) for paid in ("0.1", "0.2", "0.2", "0.15")
        ]
        assert outcomes == ["NOTED", "NOTED", "IGNORED", "IGNORED"]
        assert (await payment_caller.now())["paid_amount"] == "0.2"
        told = [(message.type, message.data["paid_amount"]) for message in await payment_caller.messages()]
        assert told == [("payment.partially_paid", "0.1"), ("payment.partially_paid", "0.2")]

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_money_that_came_is_not_forgotten_because_the_rest_did_not(
        self, payment_caller: PaymentCaller, given_up: str
    ) -> None:
        await payment_caller.report("PARTIALLY_PAID", paid_amount="0.1")
        assert await payment_caller.outcome(given_up) == "IGNORED"
        assert (await payment_caller.now())["status"] == "PARTIALLY_PAID"

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_money_that_comes_after_it_was_given_up_is_seen(
        self, payment_caller: PaymentCaller, given_up: str
    ) -> None:
        await payment_caller.report(given_up)
        assert await payment_caller.outcome("PARTIALLY_PAID", paid_amount="0.1") == "NOTED"
        assert (await payment_caller.now())["flags"] == ["LATE", "PARTIAL"]


class TestRefund:
    async def test_the_credits_go_back(self, ledger_caller: LedgerCaller) -> None:
        payment_caller = await new_payment_caller(ledger_caller, balance="5.00")
        await payment_caller.report("SUCCEEDED")
        assert await payment_caller.outcome("REFUNDED") == "NOTED"
        assert await payment_caller.wallet() == Decimal(5)
        assert (await payment_caller.now())["flags"] == []
        assert [message.type for message in await payment_caller.messages()] == [
            "payment.confirmed",
            "payment.refunded",
        ]

    async def test_what_was_spent_is_owed(self, payment_caller: PaymentCaller, ledger_caller: LedgerCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        await ledger_caller.deduct(payment_caller.user_id, "30.00")
        assert await payment_caller.outcome("REFUNDED") == "NOTED"
        assert await payment_caller.wallet() == 0
        assert await ledger_caller.sum_of("receivable", payment_caller.user_id) == Decimal(-30)
        assert (await payment_caller.now())["flags"] == ["SHORTFALL"]
        back = [
            (account, amount) for kind, account, amount in await payment_caller.movements() if kind == "top_up_reversal"
        ]
        assert back == [("external", Decimal(50)), ("receivable", Decimal(-30)), ("wallet", Decimal(-20))]

    async def test_everything_was_spent(self, payment_caller: PaymentCaller, ledger_caller: LedgerCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        await ledger_caller.deduct(payment_caller.user_id, "50.00")
        await payment_caller.report("REFUNDED")
        assert await ledger_caller.sum_of("receivable", payment_caller.user_id) == Decimal(-50)

    async def test_again_under_other_ids_takes_nothing(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        outcomes = [await payment_caller.outcome("REFUNDED") for _ in range(3)]
        assert outcomes == ["NOTED", "IGNORED", "IGNORED"]
        assert await payment_caller.wallet() == 0
        assert len(await payment_caller.movements()) == 4

    async def test_heard_of_before_the_payment_it_takes_back_nothing_ever_moves(
        self, payment_caller: PaymentCaller
    ) -> None:
        assert await payment_caller.outcome("REFUNDED") == "NOTED"
        assert await payment_caller.outcome("SUCCEEDED") == "IGNORED"
        assert (await payment_caller.now())["credited_at"] is None
        assert await payment_caller.movements() == []


class TestUnknown:
    async def test_it_is_said_and_may_be_known_later(self, ledger_caller: LedgerCaller) -> None:
        payment_caller = PaymentCaller(ledger_caller, await ledger_caller.open_wallet())
        await payment_caller.open()
        request_id = uuid.uuid4()
        answer = (await payment_caller.report("SUCCEEDED", request_id=request_id)).json()["data"]
        assert answer == {"payment": None, "outcome": "UNKNOWN"}
        await payment_caller.attach()
        assert await payment_caller.outcome("SUCCEEDED", request_id=request_id) == "CREDITED"

    async def test_a_name_is_one_providers(self, payment_caller: PaymentCaller) -> None:
        assert await payment_caller.outcome("SUCCEEDED", provider="nowpayments") == "UNKNOWN"

    async def test_our_own_id_finds_a_payment_that_was_not_attached(self, ledger_caller: LedgerCaller) -> None:
        """Whoever was to attach it died."""
        payment_caller = PaymentCaller(ledger_caller, await ledger_caller.open_wallet())
        await payment_caller.open()
        assert await payment_caller.outcome("SUCCEEDED", payment_id=payment_caller.payment_id) == "CREDITED"
        assert (await payment_caller.now())["provider_payment_id"] == payment_caller.provider_payment_id
        assert (await payment_caller.attach(details={"pay_address": "x"})).status_code == 200
        assert (await payment_caller.now())["details"] == {"pay_address": "x"}

    async def test_our_own_id_does_not_find_one_that_has_another_name(self, payment_caller: PaymentCaller) -> None:
        unknown = {"payment_id": payment_caller.payment_id, "provider_payment_id": "pi_other"}
        assert await payment_caller.outcome("SUCCEEDED", **unknown) == "UNKNOWN"

    async def test_the_providers_name_wins_over_ours(
        self, payment_caller: PaymentCaller, ledger_caller: LedgerCaller
    ) -> None:
        other = PaymentCaller(ledger_caller, payment_caller.user_id)
        await other.open()
        answer = (await payment_caller.report("SUCCEEDED", payment_id=other.payment_id)).json()["data"]
        assert answer["payment"]["payment_id"] == str(payment_caller.payment_id)
        assert (await other.now())["status"] == "PENDING"

    async def test_what_contradicts_our_record_gives_it_no_name(self, ledger_caller: LedgerCaller) -> None:
        payment_caller = PaymentCaller(ledger_caller, await ledger_caller.open_wallet())
        await payment_caller.open()
        assert (
            await payment_caller.outcome("SUCCEEDED", payment_id=payment_caller.payment_id, amount="1.00") == "MISMATCH"
        )
        assert (await payment_caller.now())["provider_payment_id"] is None


@pytest.mark.parametrize("order", [*itertools.permutations(["WAITING", "CONFIRMING", "EXPIRED", "SUCCEEDED"])])
async def test_any_order_ends_the_same(ledger_caller: LedgerCaller, order: tuple[str, ...]) -> None:
    payment_caller = await new_payment_caller(ledger_caller)
    for status in order:
        await payment_caller.report(status)
        await payment_caller.report(status)
    assert (await payment_caller.now())["status"] == "SUCCEEDED"
    assert await payment_caller.movements() == CREDIT


async def test_a_status_that_is_none_is_400(payment_caller: PaymentCaller) -> None:
    assert (await payment_caller.report("PAID")).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"provider": "kinguin"},
        {"provider_payment_id": ""},
        {"provider_payment_id": "a\x00b"},
        {"amount": "-1.00"},
        {"amount": "1.001"},
        {"paid_amount": "-1"},
        {"paid_amount": "NaN"},
        {"user_id": "me"},
        {"occurred_at": 1_700_000_000},
        {"surprise": 1},
    ],
)
async def test_what_makes_no_sense_is_400(payment_caller: PaymentCaller, body: dict[str, object]) -> None:
    answer = await payment_caller.report("WAITING", **body)
    assert answer.status_code == 400
    assert code_of(answer) in {"VALIDATION_ERROR", "INVALID_UUID"}
