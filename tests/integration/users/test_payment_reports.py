"""Providers report in any order, any number of times, and sometimes falsely (W3, W4)."""

import itertools
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from sqlalchemy import text

from common.db.idempotency import ParticipantRequest
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

    async def test_partial_refunds_take_their_part_back(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        for total, balance in (("10.00", 40), ("35.50", Decimal("14.50"))):
            assert await payment_caller.outcome("REFUNDED", amount=total) == "NOTED"
            assert await payment_caller.wallet() == balance
            payment = await payment_caller.now()
            assert (payment["status"], payment["refunded_amount"], payment["flags"]) == ("SUCCEEDED", total, [])
        assert await payment_caller.outcome("REFUNDED", amount="10.00") == "IGNORED"
        assert await payment_caller.outcome("REFUNDED", amount="50.00") == "NOTED"
        assert (await payment_caller.now())["status"] == "REFUNDED"
        assert await payment_caller.wallet() == 0
        assert [(message.type, message.data["refunded_amount"]) for message in await payment_caller.messages()] == [
            ("payment.confirmed", "0.00"),
            ("payment.partially_refunded", "10.00"),
            ("payment.partially_refunded", "35.50"),
            ("payment.refunded", "50.00"),
        ]

    async def test_partial_refund_before_the_success_is_taken_from_the_credit(
        self, payment_caller: PaymentCaller
    ) -> None:
        assert await payment_caller.outcome("REFUNDED", amount="20.00") == "NOTED"
        assert (await payment_caller.now())["status"] == "PENDING"
        assert await payment_caller.outcome("SUCCEEDED") == "CREDITED"
        assert await payment_caller.wallet() == Decimal(30)

    async def test_what_was_spent_of_a_partial_refund_is_owed(
        self, payment_caller: PaymentCaller, ledger: LedgerCaller
    ) -> None:
        await payment_caller.report("SUCCEEDED")
        await ledger.charge(payment_caller.user_id, "45.00")
        for total in ("10.00", "20.00"):
            await payment_caller.report("REFUNDED", amount=total)
        assert await payment_caller.wallet() == 0
        assert await ledger.sum_of("receivable", payment_caller.user_id) == Decimal(-15)
        assert (await payment_caller.now())["flags"] == ["SHORTFALL"]

    async def test_failed_refund_returns_the_credits(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.report("SUCCEEDED")
        assert await payment_caller.reverse("re_1", "REFUNDED", "50.00", sequence=0) == "NOTED"
        assert await payment_caller.outcome("REFUNDED") == "IGNORED"  # the total, which includes it
        assert await payment_caller.wallet() == 0
        for outcome in ("NOTED", "IGNORED"):
            assert await payment_caller.reverse("re_1", "FAILED", "50.00", sequence=1) == outcome
            assert await payment_caller.wallet() == Decimal(50)
        payment = await payment_caller.now()
        assert (payment["status"], payment["refunded_amount"]) == ("SUCCEEDED", "0.00")
        assert [message.type for message in await payment_caller.messages()][1:] == [
            "payment.refunded",
            "payment.refund_failed",
        ]


class TestDispute:
    async def test_withdrawn_funds_take_the_credits_and_a_won_dispute_returns_them(
        self, payment_caller: PaymentCaller
    ) -> None:
        await payment_caller.report("SUCCEEDED")
        for status, sequence, balance, disputed in (
            ("OPEN", 0, 50, "0.00"),
            ("WITHDRAWN", 5, 0, "50.00"),
            ("WON", 11, 50, "0.00"),
        ):
            assert await payment_caller.reverse("dp_1", status, "50.00", sequence=sequence) == "NOTED"
            assert await payment_caller.wallet() == balance
            payment = await payment_caller.now()
            assert (payment["dispute_status"], payment["disputed_amount"]) == (status, disputed)
        payment = await payment_caller.now()
        assert (payment["status"], payment["flags"]) == ("SUCCEEDED", ["DISPUTED"])
        assert [message.type for message in await payment_caller.messages()] == [
            "payment.confirmed",
            "payment.disputed",
            "payment.disputed",
            "payment.dispute_won",
        ]

    async def test_lost_dispute_leaves_the_credits_taken(
        self, payment_caller: PaymentCaller, ledger: LedgerCaller
    ) -> None:
        await payment_caller.report("SUCCEEDED")
        await ledger.charge(payment_caller.user_id, "30.00")
        await payment_caller.reverse("dp_1", "WITHDRAWN", "50.00", sequence=5)
        assert await payment_caller.reverse("dp_1", "LOST", "50.00", sequence=6) == "NOTED"
        assert await payment_caller.wallet() == 0
        assert await ledger.sum_of("receivable", payment_caller.user_id) == Decimal(-30)
        assert (await payment_caller.now())["flags"] == ["DISPUTED", "SHORTFALL"]
        assert (await payment_caller.messages())[-1].type == "payment.dispute_lost"

    async def test_refund_and_dispute_together_take_no_more_than_was_paid(
        self, payment_caller: PaymentCaller, ledger: LedgerCaller
    ) -> None:
        await payment_caller.report("SUCCEEDED")
        await payment_caller.report("REFUNDED", amount="20.00")
        await payment_caller.reverse("dp_1", "WITHDRAWN", "50.00", sequence=5)
        payment = await payment_caller.now()
        assert (payment["refunded_amount"], payment["disputed_amount"]) == ("20.00", "50.00")
        assert payment["taken_back"] == "50.00"
        assert await payment_caller.wallet() == 0
        assert await ledger.sum_of("receivable", payment_caller.user_id) == 0
        await payment_caller.reverse("dp_1", "WON", "50.00", sequence=11)
        assert await payment_caller.wallet() == Decimal(30)

    @pytest.mark.parametrize(
        "order",
        [*itertools.permutations([("OPEN", 0), ("WITHDRAWN", 5), ("WON", 7), ("PAID", 0), ("PARTLY REFUNDED", 0)])][
            ::7
        ],
    )
    async def test_reports_in_any_order_have_the_same_outcome(
        self, ledger: LedgerCaller, order: tuple[tuple[str, int], ...]
    ) -> None:
        payment_caller = await new_payment_caller(ledger)
        for status, sequence in [*order, *order]:
            if status == "PAID":
                await payment_caller.report("SUCCEEDED")
            elif status == "PARTLY REFUNDED":
                await payment_caller.report("REFUNDED", amount="20.00")
            else:
                await payment_caller.reverse("dp_1", status, "50.00", sequence=sequence)
        payment = await payment_caller.now()
        assert (payment["status"], payment["dispute_status"]) == ("SUCCEEDED", "WON")
        assert (payment["refunded_amount"], payment["disputed_amount"]) == ("20.00", "0.00")
        assert await payment_caller.wallet() == Decimal(30)

    async def test_reversal_with_another_status_is_400(self, payment_caller: PaymentCaller) -> None:
        reversal = {"reversal_id": "dp_1", "status": "OPEN", "amount": "50.00", "sequence": 0}
        answer = await payment_caller.report("SUCCEEDED", reversal=reversal)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")

    async def test_open_disputes_are_listed_for_reconciliation(self, ledger: LedgerCaller) -> None:
        disputed, won = [await new_payment_caller(ledger) for _ in range(2)]
        for each in (disputed, won):
            await each.report("SUCCEEDED")
            await each.reverse("dp_1", "WITHDRAWN", "50.00", sequence=5)
        await won.reverse("dp_1", "WON", "50.00", sequence=11)
        answer = await ledger.http.get("/internal/payments", params={"disputed": "true", "limit": 500})
        listed = {payment["payment_id"] for payment in answer.json()["data"]}
        assert str(disputed.payment_id) in listed
        assert str(won.payment_id) not in listed


class TestPreviousRelease:
    """Its rows, and its reports during a deployment, keep their meaning."""

    async def refunded_in_full(self, ledger: LedgerCaller) -> PaymentCaller:
        """Return a payment as the previous release refunds it: in full, without amounts."""
        payment_caller = await new_payment_caller(ledger)
        await payment_caller.report("SUCCEEDED")
        await payment_caller.report("REFUNDED")
        await ledger.database.execute(
            text(
                "UPDATE payments SET refunded_amount = 0, taken_back = 0, reversals = '{}', reversal_count = 0 "
                "WHERE payment_id = :payment_id"
            ),
            {"payment_id": payment_caller.payment_id},
        )
        return payment_caller

    async def test_full_refund_is_not_taken_again(self, ledger: LedgerCaller) -> None:
        payment_caller = await self.refunded_in_full(ledger)
        movements = await payment_caller.movements()
        assert (await payment_caller.now())["refunded_amount"] == "50.00"
        assert await payment_caller.outcome("REFUNDED") == "IGNORED"
        assert await payment_caller.outcome("REFUNDED", amount="20.00") == "IGNORED"
        assert await payment_caller.reverse("re_1", "REFUNDED", "50.00", sequence=0) == "IGNORED"
        assert await payment_caller.reverse("dp_1", "WITHDRAWN", "50.00", sequence=5) == "NOTED"
        assert await payment_caller.movements() == movements

    async def test_fingerprint_of_its_reports_is_the_same(
        self, ledger: LedgerCaller, payment_caller: PaymentCaller
    ) -> None:
        request_id = uuid.uuid4()
        await payment_caller.report("SUCCEEDED", request_id=request_id)
        facts = {
            "provider": "stripe",
            "provider_payment_id": payment_caller.provider_payment_id,
            "payment_id": None,
            "status": "SUCCEEDED",
            "amount": Decimal("50.00"),
            "currency": "sgd",
            "user_id": payment_caller.user_id,
            "paid_amount": None,
            "occurred_at": None,
        }
        row = await ledger.database.fetch_one(
            text("SELECT fingerprint FROM requests WHERE request_id = :request_id"), {"request_id": request_id}
        )
        assert row is not None
        assert row["fingerprint"] == ParticipantRequest.of(request_id, "payment_report", **facts).fingerprint

    async def test_its_full_refund_after_a_partial_one_moves_nothing(
        self, ledger: LedgerCaller, payment_caller: PaymentCaller
    ) -> None:
        """It reverses the whole credit, which the first part has already done: the report fails and is repeated."""
        await payment_caller.report("SUCCEEDED")
        await payment_caller.report("REFUNDED", amount="20.00")
        row = await ledger.database.fetch_one(
            text(
                "SELECT count(*) AS linked FROM ledger_transactions t JOIN ledger_transactions credit "
                "ON credit.transaction_id = t.reverses_transaction_id WHERE credit.reference = :payment_id"
            ),
            {"payment_id": str(payment_caller.payment_id)},
        )
        assert row is not None
        assert row["linked"] == 1
        await payment_caller.report("REFUNDED", amount="40.00")
        assert await payment_caller.wallet() == Decimal(10)


class TestLaterDeposits:
    """Coins sent again to a payment's address, which the provider reports as a payment of its own."""

    @pytest.fixture
    async def crypto(self, ledger: LedgerCaller) -> PaymentCaller:
        payment_caller = await new_payment_caller(ledger, provider="nowpayments")
        details = {"pay_amount": "1.0", "pay_currency": "btc", "pay_address": "bc1"}
        (await payment_caller.attach(details=details)).raise_for_status()
        return payment_caller

    async def later(self, crypto: PaymentCaller, status: str, paid: str, **more: object) -> str:
        report = {
            "provider_payment_id": f"later {crypto.payment_id}",
            "parent_payment_id": crypto.provider_payment_id,
            "amount": "7.00",
            "user_id": None,
            "pay_currency": "btc",
            "paid_amount": paid,
            **more,
        }
        return await crypto.outcome(status, **report)

    @pytest.mark.parametrize("is_reversed", [False, True])
    async def test_rest_is_counted_whichever_is_reported_first(
        self,
        crypto: PaymentCaller,
        is_reversed: bool,  # noqa: FBT001 - pytest passes it by name
    ) -> None:
        reports: list[Callable[[], Awaitable[str]]] = [
            lambda: crypto.outcome("PARTIALLY_PAID", paid_amount="0.4"),
            lambda: self.later(crypto, "SUCCEEDED", "0.6"),
        ]
        for report, outcome in zip(reversed(reports) if is_reversed else reports, ("NOTED", "CREDITED"), strict=True):
            assert [await report(), await report()] == [outcome, "IGNORED"]
        payment = await crypto.now()
        assert (payment["status"], payment["paid_amount"]) == ("SUCCEEDED", "1.0")
        assert payment["provider_payment_id"] == crypto.provider_payment_id
        assert await crypto.movements() == CREDIT

    async def test_overpayment_is_flagged(self, crypto: PaymentCaller) -> None:
        await crypto.report("SUCCEEDED", paid_amount="1.0")
        assert await self.later(crypto, "SUCCEEDED", "0.5") == "NOTED"
        payment = await crypto.now()
        assert (payment["flags"], payment["paid_amount"]) == (["OVERPAID"], "1.5")
        assert await crypto.movements() == CREDIT
        assert [message.type for message in await crypto.messages()] == ["payment.confirmed"]

    async def test_other_coins_are_flagged(self, crypto: PaymentCaller) -> None:
        assert await self.later(crypto, "SUCCEEDED", "9.0", pay_currency="eth") == "MISMATCH"
        payment = await crypto.now()
        assert (payment["status"], payment["flags"], payment["deposits"]) == ("PENDING", ["CURRENCY_MISMATCH"], {})

    async def test_later_deposit_is_found_by_the_platforms_id(self, crypto: PaymentCaller) -> None:
        known = {"payment_id": crypto.payment_id, "parent_payment_id": "another one"}
        assert await self.later(crypto, "PARTIALLY_PAID", "0.4", **known) == "NOTED"

    async def test_later_deposit_attaches_its_parent(self, ledger: LedgerCaller) -> None:
        crypto = PaymentCaller(ledger, await ledger.open_wallet(), provider="nowpayments")
        (await crypto.open(details={"pay_currency": "btc"})).raise_for_status()
        assert await self.later(crypto, "PARTIALLY_PAID", "0.4", payment_id=crypto.payment_id) == "NOTED"
        assert (await crypto.now())["provider_payment_id"] == crypto.provider_payment_id

    async def test_part_reported_to_the_previous_release_counts(
        self, ledger: LedgerCaller, crypto: PaymentCaller
    ) -> None:
        await crypto.report("PARTIALLY_PAID", paid_amount="0.4")
        await ledger.database.execute(
            text("UPDATE payments SET deposits = '{}' WHERE payment_id = :id"), {"id": crypto.payment_id}
        )
        assert await self.later(crypto, "SUCCEEDED", "0.6") == "CREDITED"

    async def test_another_payment_of_the_provider_for_the_same_id_is_no_stranger(self, crypto: PaymentCaller) -> None:
        orphan = {"payment_id": crypto.payment_id, "provider_payment_id": f"orphan {crypto.payment_id}"}
        assert await crypto.outcome("EXPIRED", **orphan) == "IGNORED"
        assert await crypto.outcome("PARTIALLY_PAID", **orphan, paid_amount="0.1") == "NOTED"


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
