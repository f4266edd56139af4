"""An escrow that is paid to the platform's own revenue, whole or in part, and payments for what it was held for (C1, F1)."""

import asyncio
import uuid
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests.integration.users.payment_caller import PaymentCaller
from tests.integration.users.user_client import LedgerCaller, code_of

PRICE = "49.00"
ACCOUNT = "commissions"
GOODS = "digital_goods"


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


async def held(ledger: LedgerCaller, customer: uuid.UUID, **more: object) -> str:
    hold = await ledger.hold(customer, PRICE, purpose="commission", **more)
    return str(hold.json()["data"]["escrow_id"])


async def collected(ledger: LedgerCaller, account: str = ACCOUNT) -> Decimal:
    return await ledger.sum_of("platform", account)


class TestCollect:
    async def test_escrow_becomes_platform_revenue_once(self, ledger: LedgerCaller) -> None:
        customer, before = await ledger.open_wallet("50.00"), await collected(ledger)
        escrow_id, same = await held(ledger, customer), {"request_id": uuid.uuid4()}

        first = await ledger.collect(escrow_id, **same)
        second = await ledger.collect(escrow_id, **same)
        other = await ledger.collect(escrow_id)

        assert first.status_code == 200
        assert first.json() == second.json()
        assert (other.status_code, code_of(other)) == (409, "ESCROW_ALREADY_RESOLVED")
        assert await collected(ledger) - before == Decimal(PRICE)
        assert await ledger.wallet_of(customer) == Decimal("1.00")
        assert await ledger.sum_of("escrow", customer) == 0
        kind = text("SELECT kind FROM ledger_transactions WHERE transaction_id = :id")
        [row] = await ledger.database.fetch_all(kind, {"id": uuid.UUID(first.json()["data"]["transaction_id"])})
        assert row["kind"] == "platform_revenue"

    async def test_request_id_with_another_account_is_refused(self, ledger: LedgerCaller) -> None:
        escrow_id, same = await held(ledger, await ledger.open_wallet("50.00")), {"request_id": uuid.uuid4()}
        await ledger.collect(escrow_id, **same)
        answer = await ledger.collect(escrow_id, **same, account="digital_goods")
        assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_returned_escrow_is_refused_and_the_refusal_is_stored(self, ledger: LedgerCaller) -> None:
        customer, before = await ledger.open_wallet("50.00"), await collected(ledger)
        escrow_id = await held(ledger, customer)
        await ledger.void(escrow_id=escrow_id)

        answer = await ledger.collect(escrow_id)

        assert (answer.status_code, code_of(answer)) == (409, "ESCROW_ALREADY_RESOLVED")
        assert answer.headers["x-refusal-remembered"] == "true"
        assert await ledger.wallet_of(customer) == Decimal("50.00")
        assert await collected(ledger) == before

    async def test_collected_escrow_cannot_be_returned(self, ledger: LedgerCaller) -> None:
        customer, hold = await ledger.open_wallet("50.00"), uuid.uuid4()
        escrow_id = await held(ledger, customer, request_id=hold)
        await ledger.collect(escrow_id)

        answers = [await ledger.void(escrow_id=escrow_id), await ledger.void(undoes_request_id=hold)]

        assert {(answer.status_code, code_of(answer)) for answer in answers} == {(409, "ESCROW_ALREADY_RESOLVED")}
        assert await ledger.wallet_of(customer) == Decimal("1.00")

    async def test_concurrent_collection_and_return_have_one_winner(self, ledger: LedgerCaller) -> None:
        for _ in range(10):
            customer, before, hold = await ledger.open_wallet(PRICE), await collected(ledger), uuid.uuid4()
            escrow_id = await held(ledger, customer, request_id=hold)

            answers = await asyncio.gather(
                ledger.collect(escrow_id),
                ledger.void(undoes_request_id=hold),
                ledger.collect(escrow_id),
                ledger.void(escrow_id=escrow_id),
            )

            assert {answer.status_code for answer in answers} == {200, 409}
            assert await collected(ledger) - before + await ledger.wallet_of(customer) == Decimal(PRICE)
            assert await ledger.sum_of("escrow", customer) == 0

    @pytest.mark.parametrize("change", ["suspended_at = now()", "is_flagged = true"])
    async def test_barred_customer_pays_what_was_ordered_before(self, ledger: LedgerCaller, change: str) -> None:
        customer = await ledger.open_wallet("50.00")
        escrow_id = await held(ledger, customer)
        statement = text(f"UPDATE users SET {change} WHERE user_id = :id")  # noqa: S608 - the cases above
        await ledger.database.execute(statement, {"id": customer})
        assert (await ledger.collect(escrow_id)).status_code == 200

    async def test_no_other_balance_is_locked(self, ledger: LedgerCaller) -> None:
        customer = await ledger.open_wallet("50.00")
        escrow_id = await held(ledger, customer)
        async with ledger.database.transaction() as connection:
            wallet = "SELECT FROM balances WHERE account_kind = 'wallet' AND account_owner = :owner FOR UPDATE"
            await connection.execute(text(wallet), {"owner": str(customer)})
            assert (await ledger.collect(escrow_id)).status_code == 200

    async def test_unknown_escrow_and_malformed_account_are_refused(self, ledger: LedgerCaller) -> None:
        unknown = await ledger.collect(uuid.uuid4())
        malformed = await ledger.collect(uuid.uuid4(), account="Commissions 1")
        assert (unknown.status_code, code_of(unknown)) == (404, "NOT_FOUND")
        assert (malformed.status_code, code_of(malformed)) == (400, "VALIDATION_ERROR")


class TestCollectPart:
    """The platform keeps the price of what was delivered, the owner gets the rest."""

    async def test_one_movement_pays_the_platform_and_returns_the_rest(self, ledger: LedgerCaller) -> None:
        buyer, before = await ledger.open_wallet("50.00"), await collected(ledger, GOODS)
        escrow_id, same = await held(ledger, buyer), {"request_id": uuid.uuid4(), "account": GOODS, "amount": "30.00"}

        answers = [await ledger.collect(escrow_id, **same) for _ in range(2)]
        others = [
            await ledger.collect(escrow_id, account=GOODS, amount="30.00"),
            await ledger.void(escrow_id=escrow_id),
        ]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert {(other.status_code, code_of(other)) for other in others} == {(409, "ESCROW_ALREADY_RESOLVED")}
        assert await collected(ledger, GOODS) - before == Decimal("30.00")
        assert await ledger.wallet_of(buyer) == Decimal("20.00")
        assert await ledger.sum_of("escrow", buyer) == 0
        entries = text("SELECT account_kind, amount FROM ledger_entries WHERE transaction_id = :id ORDER BY amount")
        rows = await ledger.database.fetch_all(entries, {"id": uuid.UUID(answers[0].json()["data"]["transaction_id"])})
        assert [(row["account_kind"], row["amount"]) for row in rows] == [
            ("escrow", Decimal("-49.00")),
            ("wallet", Decimal("19.00")),
            ("platform", Decimal("30.00")),
        ]

    async def test_amount_of_the_whole_escrow_does_not_touch_the_wallet(self, ledger: LedgerCaller) -> None:
        buyer, before = await ledger.open_wallet(PRICE), await collected(ledger, GOODS)
        escrow_id = await held(ledger, buyer)
        async with ledger.database.transaction() as connection:
            wallet = "SELECT FROM balances WHERE account_kind = 'wallet' AND account_owner = :owner FOR UPDATE"
            await connection.execute(text(wallet), {"owner": str(buyer)})
            assert (await ledger.collect(escrow_id, account=GOODS, amount=PRICE)).status_code == 200
        assert await collected(ledger, GOODS) - before == Decimal(PRICE)

    async def test_more_than_the_escrow_is_refused_and_leaves_it_held(self, ledger: LedgerCaller) -> None:
        buyer, before = await ledger.open_wallet(PRICE), await collected(ledger, GOODS)
        escrow_id = await held(ledger, buyer)

        answer = await ledger.collect(escrow_id, account=GOODS, amount="49.01")

        assert (answer.status_code, code_of(answer)) == (409, "CONFLICT")
        assert answer.headers["x-refusal-remembered"] == "true"
        assert await collected(ledger, GOODS) == before
        assert await ledger.sum_of("escrow", buyer) == Decimal(PRICE)
        for malformed in ("0.00", "-1.00", "1.001"):
            refused = await ledger.collect(escrow_id, account=GOODS, amount=malformed)
            assert (refused.status_code, code_of(refused)) == (400, "VALIDATION_ERROR")

    async def test_returned_escrow_is_refused(self, ledger: LedgerCaller) -> None:
        buyer, before, hold = await ledger.open_wallet(PRICE), await collected(ledger, GOODS), uuid.uuid4()
        escrow_id = await held(ledger, buyer, request_id=hold)
        await ledger.void(undoes_request_id=hold)

        answer = await ledger.collect(escrow_id, account=GOODS, amount="30.00")

        assert (answer.status_code, code_of(answer)) == (409, "ESCROW_ALREADY_RESOLVED")
        assert await ledger.wallet_of(buyer) == Decimal(PRICE)
        assert await collected(ledger, GOODS) == before

    async def test_request_id_with_another_amount_is_refused(self, ledger: LedgerCaller) -> None:
        escrow_id, same = await held(ledger, await ledger.open_wallet(PRICE)), {"request_id": uuid.uuid4()}
        await ledger.collect(escrow_id, **same, amount="30.00")
        for other in ({"amount": "29.00"}, {}):
            answer = await ledger.collect(escrow_id, **same, **other)
            assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_copies_and_a_return_at_once_have_one_winner(self, ledger: LedgerCaller) -> None:
        for _ in range(10):
            buyer, before, hold = await ledger.open_wallet(PRICE), await collected(ledger, GOODS), uuid.uuid4()
            escrow_id = await held(ledger, buyer, request_id=hold)
            same = {"request_id": uuid.uuid4(), "account": GOODS, "amount": "30.00"}

            await asyncio.gather(
                *(ledger.collect(escrow_id, **same) for _ in range(3)), ledger.void(undoes_request_id=hold)
            )

            kept = await collected(ledger, GOODS) - before
            assert kept in {Decimal("30.00"), Decimal(0)}
            assert await ledger.wallet_of(buyer) == Decimal(PRICE) - kept
            assert await ledger.sum_of("escrow", buyer) == 0


@pytest.mark.parametrize("purpose", ["commission", "digital_order"])
async def test_payment_for_an_order_becomes_credits_of_its_payer(ledger: LedgerCaller, purpose: str) -> None:
    """As a top-up; its messages name the purpose and the order."""
    payment_caller, order_id = PaymentCaller(ledger, await ledger.open_wallet()), str(uuid.uuid4())
    await payment_caller.open(purpose=purpose, reference=order_id)
    await payment_caller.attach()

    outcomes = [await payment_caller.outcome(status) for status in ("EXPIRED", "SUCCEEDED", "SUCCEEDED")]

    assert outcomes == ["NOTED", "CREDITED", "IGNORED"]
    assert await payment_caller.wallet() == Decimal("50.00")
    messages = await payment_caller.messages()
    assert [message.type for message in messages] == ["payment.failed", "payment.confirmed"]
    for message in messages:
        assert {"purpose": purpose, "reference": order_id}.items() <= message.data.items()
