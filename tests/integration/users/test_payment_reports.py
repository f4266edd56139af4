"""Providers report in any order, any number of times, and not always the truth (W3, W4)."""

import itertools
import uuid
from decimal import Decimal

import pytest

from tests.integration.users.people import Books, code_of
from tests.integration.users.till import CREDIT, Till, new_till

UNHAPPY = ["FAILED", "EXPIRED"]


@pytest.fixture(autouse=True)
async def _books_add_up(books: Books) -> None:
    """Whatever was done before: nothing contradicts anything."""
    assert await books.contradictions() == []


@pytest.fixture
async def till(books: Books) -> Till:
    return await new_till(books)


class TestSuccess:
    async def test_it_credits_the_wallet_and_tells(self, till: Till) -> None:
        answer = (await till.report("SUCCEEDED", occurred_at="2026-11-20T10:00:00Z")).json()["data"]
        assert answer["outcome"] == "CREDITED"
        assert (answer["payment"]["status"], answer["payment"]["flags"]) == ("SUCCEEDED", [])
        assert answer["payment"]["status_at"] == "2026-11-20T10:00:00Z"
        assert answer["payment"]["credited_at"] is not None
        assert await till.now() == answer["payment"]
        assert await till.wallet() == Decimal(50)
        assert await till.movements() == CREDIT
        [message] = await till.messages()
        assert message.type == "payment.confirmed"
        facts = {"user_id": str(till.user_id), "amount": "50.00", "status": "SUCCEEDED", "purpose": "topup"}
        assert facts.items() <= message.data.items()

    async def test_a_repeated_id_gives_the_first_answer_whatever_came_between(self, till: Till) -> None:
        request_id = uuid.uuid4()
        first = await till.report("SUCCEEDED", request_id=request_id)
        await till.report("REFUNDED")
        again = await till.report("SUCCEEDED", request_id=request_id)
        assert again.json() == first.json()
        assert (await till.now())["status"] == "REFUNDED"

    async def test_the_same_id_for_another_report_is_refused(self, books: Books, till: Till) -> None:
        request_id = uuid.uuid4()
        await till.report("WAITING", request_id=request_id)
        other = await new_till(books)
        for reporter in (till, other):
            answer = await reporter.report("SUCCEEDED", request_id=request_id)
            assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")
            assert await reporter.wallet() == 0

    async def test_again_under_other_ids_is_ignored(self, till: Till) -> None:
        outcomes = [await till.outcome("SUCCEEDED") for _ in range(3)]
        assert outcomes == ["CREDITED", "IGNORED", "IGNORED"]
        assert await till.wallet() == Decimal(50)
        assert len(await till.messages()) == 1

    @pytest.mark.parametrize("late", ["PENDING", "WAITING", "CONFIRMING", "FAILED", "EXPIRED", "PARTIALLY_PAID"])
    async def test_whatever_should_have_come_before_is_ignored(self, till: Till, late: str) -> None:
        await till.report("SUCCEEDED")
        before = await till.now()
        assert await till.outcome(late, paid_amount="1.5") == "IGNORED"
        assert await till.now() == before

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_after_it_was_given_up_it_is_credited_and_flagged(self, till: Till, given_up: str) -> None:
        assert await till.outcome(given_up) == "NOTED"
        assert await till.outcome("SUCCEEDED") == "CREDITED"
        assert (await till.now())["flags"] == ["LATE"]
        assert await till.wallet() == Decimal(50)
        assert [message.type for message in await till.messages()] == ["payment.failed", "payment.confirmed"]

    @pytest.mark.parametrize("missing", ["amount", "currency"])
    async def test_one_that_cannot_be_checked_is_400(self, till: Till, missing: str) -> None:
        answer = await till.report("SUCCEEDED", **{missing: None})
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
        assert await till.wallet() == 0

    async def test_a_currency_is_the_same_in_capitals_and_an_amount_without_its_zeros(self, till: Till) -> None:
        assert await till.outcome("SUCCEEDED", currency="SGD", amount=50) == "CREDITED"


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
        self, till: Till, status: str, wrong: dict[str, object], flag: str
    ) -> None:
        before = await till.now()
        assert await till.outcome(status, **wrong) == "MISMATCH"
        after = await till.now()
        assert after == {**before, "flags": [flag], "updated_at": after["updated_at"]}
        assert await till.wallet() == 0
        assert await till.messages() == []

    async def test_several_are_all_named_once(self, till: Till) -> None:
        for _ in range(2):
            assert await till.outcome("SUCCEEDED", currency="usd", amount="1.00") == "MISMATCH"
        assert (await till.now())["flags"] == ["AMOUNT_MISMATCH", "CURRENCY_MISMATCH"]

    async def test_the_truth_still_counts_afterwards(self, till: Till) -> None:
        await till.report("SUCCEEDED", amount="1.00")
        assert await till.outcome("SUCCEEDED") == "CREDITED"
        assert (await till.now())["flags"] == ["AMOUNT_MISMATCH"]

    async def test_one_after_a_refund_takes_nothing_back_again(self, till: Till) -> None:
        await till.report("SUCCEEDED")
        await till.report("REFUNDED")
        movements = await till.movements()
        assert await till.outcome("REFUNDED", amount="1.00") == "MISMATCH"
        assert await till.movements() == movements


class TestPartial:
    async def test_nothing_is_credited_and_people_can_see_it(self, till: Till) -> None:
        assert await till.outcome("PARTIALLY_PAID", paid_amount="0.000000000000000421") == "NOTED"
        payment = await till.now()
        assert (payment["status"], payment["flags"]) == ("PARTIALLY_PAID", ["PARTIAL"])
        assert payment["paid_amount"] == "0.000000000000000421"
        assert await till.wallet() == 0

    async def test_the_rest_completes_it(self, till: Till) -> None:
        await till.report("PARTIALLY_PAID", paid_amount="0.1")
        assert await till.outcome("SUCCEEDED", paid_amount="0.3") == "CREDITED"
        payment = await till.now()
        assert (payment["flags"], payment["paid_amount"]) == (["PARTIAL"], "0.3")
        assert await till.wallet() == Decimal(50)

    async def test_more_of_it_is_noted_and_less_is_not(self, till: Till) -> None:
        outcomes = [await till.outcome("PARTIALLY_PAID", paid_amount=paid) for paid in ("0.1", "0.2", "0.2", "0.15")]
        assert outcomes == ["NOTED", "NOTED", "IGNORED", "IGNORED"]
        assert (await till.now())["paid_amount"] == "0.2"
        told = [(message.type, message.data["paid_amount"]) for message in await till.messages()]
        assert told == [("payment.partially_paid", "0.1"), ("payment.partially_paid", "0.2")]

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_money_that_came_is_not_forgotten_because_the_rest_did_not(self, till: Till, given_up: str) -> None:
        await till.report("PARTIALLY_PAID", paid_amount="0.1")
        assert await till.outcome(given_up) == "IGNORED"
        assert (await till.now())["status"] == "PARTIALLY_PAID"

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_money_that_comes_after_it_was_given_up_is_seen(self, till: Till, given_up: str) -> None:
        await till.report(given_up)
        assert await till.outcome("PARTIALLY_PAID", paid_amount="0.1") == "NOTED"
        assert (await till.now())["flags"] == ["LATE", "PARTIAL"]


class TestRefund:
    async def test_the_credits_go_back(self, books: Books) -> None:
        till = await new_till(books, balance="5.00")
        await till.report("SUCCEEDED")
        assert await till.outcome("REFUNDED") == "NOTED"
        assert await till.wallet() == Decimal(5)
        assert (await till.now())["flags"] == []
        assert [message.type for message in await till.messages()] == ["payment.confirmed", "payment.refunded"]

    async def test_what_was_spent_is_owed(self, till: Till, books: Books) -> None:
        await till.report("SUCCEEDED")
        await books.deduct(till.user_id, "30.00")
        assert await till.outcome("REFUNDED") == "NOTED"
        assert await till.wallet() == 0
        assert await books.sum_of("receivable", till.user_id) == Decimal(-30)
        assert (await till.now())["flags"] == ["SHORTFALL"]
        back = [(account, amount) for kind, account, amount in await till.movements() if kind == "top_up_reversal"]
        assert back == [("external", Decimal(50)), ("receivable", Decimal(-30)), ("wallet", Decimal(-20))]

    async def test_everything_was_spent(self, till: Till, books: Books) -> None:
        await till.report("SUCCEEDED")
        await books.deduct(till.user_id, "50.00")
        await till.report("REFUNDED")
        assert await books.sum_of("receivable", till.user_id) == Decimal(-50)

    async def test_again_under_other_ids_takes_nothing(self, till: Till) -> None:
        await till.report("SUCCEEDED")
        outcomes = [await till.outcome("REFUNDED") for _ in range(3)]
        assert outcomes == ["NOTED", "IGNORED", "IGNORED"]
        assert await till.wallet() == 0
        assert len(await till.movements()) == 4

    async def test_heard_of_before_the_payment_it_takes_back_nothing_ever_moves(self, till: Till) -> None:
        assert await till.outcome("REFUNDED") == "NOTED"
        assert await till.outcome("SUCCEEDED") == "IGNORED"
        assert (await till.now())["credited_at"] is None
        assert await till.movements() == []


class TestUnknown:
    async def test_it_is_said_and_may_be_known_later(self, books: Books) -> None:
        till = Till(books, await books.open_wallet())
        await till.open()
        request_id = uuid.uuid4()
        answer = (await till.report("SUCCEEDED", request_id=request_id)).json()["data"]
        assert answer == {"payment": None, "outcome": "UNKNOWN"}
        await till.attach()
        assert await till.outcome("SUCCEEDED", request_id=request_id) == "CREDITED"

    async def test_a_name_is_one_providers(self, till: Till) -> None:
        assert await till.outcome("SUCCEEDED", provider="nowpayments") == "UNKNOWN"

    async def test_our_own_id_finds_a_payment_that_was_not_attached(self, books: Books) -> None:
        """Whoever was to attach it died."""
        till = Till(books, await books.open_wallet())
        await till.open()
        assert await till.outcome("SUCCEEDED", payment_id=till.payment_id) == "CREDITED"
        assert (await till.now())["provider_payment_id"] == till.name_there
        assert (await till.attach(details={"pay_address": "x"})).status_code == 200
        assert (await till.now())["details"] == {"pay_address": "x"}

    async def test_our_own_id_does_not_find_one_that_has_another_name(self, till: Till) -> None:
        unknown = {"payment_id": till.payment_id, "provider_payment_id": "pi_other"}
        assert await till.outcome("SUCCEEDED", **unknown) == "UNKNOWN"

    async def test_the_providers_name_wins_over_ours(self, till: Till, books: Books) -> None:
        other = Till(books, till.user_id)
        await other.open()
        answer = (await till.report("SUCCEEDED", payment_id=other.payment_id)).json()["data"]
        assert answer["payment"]["payment_id"] == str(till.payment_id)
        assert (await other.now())["status"] == "PENDING"

    async def test_what_contradicts_our_record_gives_it_no_name(self, books: Books) -> None:
        till = Till(books, await books.open_wallet())
        await till.open()
        assert await till.outcome("SUCCEEDED", payment_id=till.payment_id, amount="1.00") == "MISMATCH"
        assert (await till.now())["provider_payment_id"] is None


@pytest.mark.parametrize("order", [*itertools.permutations(["WAITING", "CONFIRMING", "EXPIRED", "SUCCEEDED"])])
async def test_any_order_ends_the_same(books: Books, order: tuple[str, ...]) -> None:
    till = await new_till(books)
    for status in order:
        await till.report(status)
        await till.report(status)
    assert (await till.now())["status"] == "SUCCEEDED"
    assert await till.movements() == CREDIT


async def test_a_status_that_is_none_is_400(till: Till) -> None:
    assert (await till.report("PAID")).status_code == 400


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
async def test_what_makes_no_sense_is_400(till: Till, body: dict[str, object]) -> None:
    answer = await till.report("WAITING", **body)
    assert answer.status_code == 400
    assert code_of(answer) in {"VALIDATION_ERROR", "INVALID_UUID"}
