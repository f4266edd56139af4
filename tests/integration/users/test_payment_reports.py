"""Providers report in any order, any number of times, and sometimes falsely (W3, W4)."""

import itertools
import uuid
from decimal import Decimal

import pytest

from tests.integration.users.payment_caller import CREDIT, PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller, code_of

UNHAPPY = ["FAILED", "EXPIRED"]


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


@pytest.fixture
async def payment_caller(ledger: LedgerCaller) -> PaymentCaller:
    return await new_payment_caller(ledger)


class TestSuccess:
    async def test_success_credits_the_wallet_and_is_announced(self, payment_caller: PaymentCaller) -> None:
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

    async def test_repetition_returns_the_first_response_even_after_other_reports(
        self, payment_caller: PaymentCaller
    ) -> None:
        request_id = uuid.uuid4()
        first = await payment_caller.report("SUCCEEDED", request_id=request_id)
        await payment_caller.report("REFUNDED")
        again = await payment_caller.report("SUCCEEDED", request_id=request_id)
        assert again.json() == first.json()
        assert (await payment_caller.now())["status"] == "REFUNDED"

    async def test_request_id_with_another_report_is_refused(
        self, ledger: LedgerCaller, payment_caller: PaymentCaller
    ) -> None:
        request_id = uuid.uuid4()
        await payment_caller.report("WAITING", request_id=request_id)
        other = await new_payment_caller(ledger)
        for reporter in (payment_caller, other):
            answer = await reporter.report("SUCCEEDED", request_id=request_id)
            assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")
            assert await reporter.wallet() == 0

    async def test_repeated_success_under_other_ids_is_ignored(self, payment_caller: PaymentCaller) -> None:
        outcomes = [await payment_caller.outcome("SUCCEEDED") for _ in range(3)]
        assert outcomes == ["CREDITED", "IGNORED", "IGNORED"]
        assert await payment_caller.wallet() == Decimal(50)
        assert len(await payment_caller.messages()) == 1

    @pytest.mark.parametrize("late", ["PENDING", "WAITING", "CONFIRMING", "FAILED", "EXPIRED", "PARTIALLY_PAID"])
    async def test_earlier_status_is_ignored_after_success(self, payment_caller: PaymentCaller, late: str) -> None:
        await payment_caller.report("SUCCEEDED")
        before = await payment_caller.now()
        assert await payment_caller.outcome(late, paid_amount="1.5") == "IGNORED"
        assert await payment_caller.now() == before

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_success_after_a_failure_is_credited_and_flagged(
        self, payment_caller: PaymentCaller, given_up: str
    ) -> None:
        assert await payment_caller.outcome(given_up) == "NOTED"
        assert await payment_caller.outcome("SUCCEEDED") == "CREDITED"
        assert (await payment_caller.now())["flags"] == ["LATE"]
        assert await payment_caller.wallet() == Decimal(50)
        assert [message.type for message in await payment_caller.messages()] == ["payment.failed", "payment.confirmed"]

    @pytest.mark.parametrize("missing", ["amount", "currency"])
    async def test_report_without_required_fields_is_400(self, payment_caller: PaymentCaller, missing: str) -> None:
        answer = await payment_caller.report("SUCCEEDED", **{missing: None})
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
        assert await payment_caller.wallet() == 0

    async def test_currency_case_and_trailing_zeros_are_ignored(self, payment_caller: PaymentCaller) -> None:
        assert await payment_caller.outcome("SUCCEEDED", currency="SGD", amount=50) == "CREDITED"


class TestMismatch:
    @pytest.mark.parametrize(
        ("status", "wrong", "flag"),
        [
            ("WAITING", {"amount": "49.99"}, "AMOUNT_MISMATCH"),
            ("SUCCEEDED", {"amount": "49.99"}, "AMOUNT_MISMATCH"),
            *[
                (status, wrong, flag)
                for status in ("WAITING", "SUCCEEDED", "REFUNDED")
                for wrong, flag in (
                    ({"amount": "5000.00"}, "AMOUNT_MISMATCH"),
                    ({"currency": "usd"}, "CURRENCY_MISMATCH"),
                    ({"user_id": uuid.UUID(int=7)}, "USER_MISMATCH"),
                )
            ],
        ],
    )
    async def test_mismatch_is_flagged_without_other_changes(
        self, payment_caller: PaymentCaller, status: str, wrong: dict[str, object], flag: str
    ) -> None:
        before = await payment_caller.now()
        assert await payment_caller.outcome(status, **wrong) == "MISMATCH"
        after = await payment_caller.now()
        assert after == {**before, "flags": [flag], "updated_at": after["updated_at"]}
        assert await payment_caller.wallet() == 0
        assert await payment_caller.messages() == []

    async def test_each_mismatch_is_flagged_once(self, payment_caller: PaymentCaller) -> None:
        for _ in range(2):
            assert await payment_caller.outcome("SUCCEEDED", currency="usd", amount="1.00") == "MISMATCH"
        assert (await payment_caller.now())["flags"] == ["AMOUNT_MISMATCH", "CURRENCY_MISMATCH"]

    async def test_matching_report_after_a_mismatch_is_credited(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED", amount="1.00")
        assert await payment_caller.outcome("SUCCEEDED") == "CREDITED"
        assert (await payment_caller.now())["flags"] == ["AMOUNT_MISMATCH"]

    async def test_mismatch_after_a_refund_takes_nothing(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        await payment_caller.report("REFUNDED")
        movements = await payment_caller.movements()
        assert await payment_caller.outcome("REFUNDED", amount="50.01") == "MISMATCH"
        assert await payment_caller.movements() == movements


class TestPartial:
    async def test_partial_payment_is_flagged_and_not_credited(self, payment_caller: PaymentCaller) -> None:
        assert await payment_caller.outcome("PARTIALLY_PAID", paid_amount="0.000000000000000421") == "NOTED"
        payment = await payment_caller.now()
        assert (payment["status"], payment["flags"]) == ("PARTIALLY_PAID", ["PARTIAL"])
        assert payment["paid_amount"] == "0.000000000000000421"
        assert await payment_caller.wallet() == 0

    async def test_remaining_payment_completes_it(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("PARTIALLY_PAID", paid_amount="0.1")
        assert await payment_caller.outcome("SUCCEEDED", paid_amount="0.3") == "CREDITED"
        payment = await payment_caller.now()
        assert (payment["flags"], payment["paid_amount"]) == (["PARTIAL"], "0.3")
        assert await payment_caller.wallet() == Decimal(50)

    async def test_paid_amount_only_increases(self, payment_caller: PaymentCaller) -> None:
        outcomes = [
            await payment_caller.outcome("PARTIALLY_PAID", paid_amount=paid) for paid in ("0.1", "0.2", "0.2", "0.15")
        ]
        assert outcomes == ["NOTED", "NOTED", "IGNORED", "IGNORED"]
        assert (await payment_caller.now())["paid_amount"] == "0.2"
        announced = [(message.type, message.data["paid_amount"]) for message in await payment_caller.messages()]
        assert announced == [("payment.partially_paid", "0.1"), ("payment.partially_paid", "0.2")]

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_partial_amount_is_kept_after_a_failure(self, payment_caller: PaymentCaller, given_up: str) -> None:
        await payment_caller.report("PARTIALLY_PAID", paid_amount="0.1")
        assert await payment_caller.outcome(given_up) == "IGNORED"
        assert (await payment_caller.now())["status"] == "PARTIALLY_PAID"

    @pytest.mark.parametrize("given_up", UNHAPPY)
    async def test_partial_payment_after_a_failure_is_flagged(
        self, payment_caller: PaymentCaller, given_up: str
    ) -> None:
        await payment_caller.report(given_up)
        assert await payment_caller.outcome("PARTIALLY_PAID", paid_amount="0.1") == "NOTED"
        assert (await payment_caller.now())["flags"] == ["LATE", "PARTIAL"]


class TestRefund:
    async def test_refund_takes_the_credits_back(self, ledger: LedgerCaller) -> None:
        payment_caller = await new_payment_caller(ledger, balance="5.00")
        await payment_caller.report("SUCCEEDED")
        assert await payment_caller.outcome("REFUNDED") == "NOTED"
        assert await payment_caller.wallet() == Decimal(5)
        assert (await payment_caller.now())["flags"] == []
        assert [message.type for message in await payment_caller.messages()] == [
            "payment.confirmed",
            "payment.refunded",
        ]

    async def test_spent_credits_become_a_receivable(self, payment_caller: PaymentCaller, ledger: LedgerCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        await ledger.charge(payment_caller.user_id, "30.00")
        assert await payment_caller.outcome("REFUNDED") == "NOTED"
        assert await payment_caller.wallet() == 0
        assert await ledger.sum_of("receivable", payment_caller.user_id) == Decimal(-30)
        assert (await payment_caller.now())["flags"] == ["SHORTFALL"]
        back = [
            (account, amount) for kind, account, amount in await payment_caller.movements() if kind == "top_up_reversal"
        ]
        assert back == [("external", Decimal(50)), ("receivable", Decimal(-30)), ("wallet", Decimal(-20))]

    async def test_refund_of_an_empty_wallet(self, payment_caller: PaymentCaller, ledger: LedgerCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        await ledger.charge(payment_caller.user_id, "50.00")
        await payment_caller.report("REFUNDED")
        assert await ledger.sum_of("receivable", payment_caller.user_id) == Decimal(-50)

    async def test_repeated_refund_under_other_ids_takes_nothing(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        outcomes = [await payment_caller.outcome("REFUNDED") for _ in range(3)]
        assert outcomes == ["NOTED", "IGNORED", "IGNORED"]
        assert await payment_caller.wallet() == 0
        assert len(await payment_caller.movements()) == 4

    async def test_refund_before_the_success_leaves_nothing(self, payment_caller: PaymentCaller) -> None:
        assert await payment_caller.outcome("REFUNDED") == "NOTED"
        assert await payment_caller.movements() == []
        assert await payment_caller.outcome("SUCCEEDED") == "CREDITED"
        assert await payment_caller.wallet() == 0
        assert (await payment_caller.now())["status"] == "REFUNDED"


class TestUnknown:
    async def test_unknown_payment_is_reported_and_may_be_attached_later(self, ledger: LedgerCaller) -> None:
        payment_caller = PaymentCaller(ledger, await ledger.open_wallet())
        await payment_caller.open()
        request_id = uuid.uuid4()
        answer = (await payment_caller.report("SUCCEEDED", request_id=request_id)).json()["data"]
        assert answer == {"payment": None, "outcome": "UNKNOWN"}
        await payment_caller.attach()
        assert await payment_caller.outcome("SUCCEEDED", request_id=request_id) == "CREDITED"

    async def test_provider_id_is_scoped_to_its_provider(self, payment_caller: PaymentCaller) -> None:
        assert await payment_caller.outcome("SUCCEEDED", provider="nowpayments") == "UNKNOWN"

    async def test_payment_without_an_attached_id_is_found_by_payment_id(self, ledger: LedgerCaller) -> None:
        """The process that was to attach it crashed."""
        payment_caller = PaymentCaller(ledger, await ledger.open_wallet())
        await payment_caller.open()
        assert await payment_caller.outcome("SUCCEEDED", payment_id=payment_caller.payment_id) == "CREDITED"
        assert (await payment_caller.now())["provider_payment_id"] == payment_caller.provider_payment_id
        assert (await payment_caller.attach(details={"pay_address": "x"})).status_code == 200
        assert (await payment_caller.now())["details"] == {"pay_address": "x"}

    async def test_payment_id_does_not_match_a_payment_with_another_provider_id(
        self, payment_caller: PaymentCaller
    ) -> None:
        unknown = {"payment_id": payment_caller.payment_id, "provider_payment_id": "pi_other"}
        assert await payment_caller.outcome("SUCCEEDED", **unknown) == "UNKNOWN"

    async def test_provider_id_takes_precedence_over_payment_id(
        self, payment_caller: PaymentCaller, ledger: LedgerCaller
    ) -> None:
        other = PaymentCaller(ledger, payment_caller.user_id)
        await other.open()
        answer = (await payment_caller.report("SUCCEEDED", payment_id=other.payment_id)).json()["data"]
        assert answer["payment"]["payment_id"] == str(payment_caller.payment_id)
        assert (await other.now())["status"] == "PENDING"

    async def test_mismatched_report_attaches_no_provider_id(self, ledger: LedgerCaller) -> None:
        payment_caller = PaymentCaller(ledger, await ledger.open_wallet())
        await payment_caller.open()
        assert (
            await payment_caller.outcome("SUCCEEDED", payment_id=payment_caller.payment_id, amount="1.00") == "MISMATCH"
        )
        assert (await payment_caller.now())["provider_payment_id"] is None


@pytest.mark.parametrize("order", [*itertools.permutations(["WAITING", "CONFIRMING", "EXPIRED", "SUCCEEDED"])])
async def test_reports_in_any_order_have_the_same_outcome(ledger: LedgerCaller, order: tuple[str, ...]) -> None:
    payment_caller = await new_payment_caller(ledger)
    for status in order:
        await payment_caller.report(status)
        await payment_caller.report(status)
    assert (await payment_caller.now())["status"] == "SUCCEEDED"
    assert await payment_caller.movements() == CREDIT


async def test_unknown_status_is_400(payment_caller: PaymentCaller) -> None:
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
async def test_invalid_request_is_400(payment_caller: PaymentCaller, body: dict[str, object]) -> None:
    answer = await payment_caller.report("WAITING", **body)
    assert answer.status_code == 400
    assert code_of(answer) in {"VALIDATION_ERROR", "INVALID_UUID"}
