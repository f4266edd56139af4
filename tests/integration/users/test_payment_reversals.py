"""Partial refunds and disputes of payments, in any order and number (W3)."""

import itertools
import uuid
from decimal import Decimal

import pytest
from sqlalchemy import text

from common.db.idempotency import ParticipantRequest
from tests.integration.users.payment_caller import PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


@pytest.fixture
async def payment_caller(ledger: LedgerCaller) -> PaymentCaller:
    return await new_payment_caller(ledger)


class TestPartialRefund:
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
