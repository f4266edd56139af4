"""Coins sent again to a payment's address, which the provider reports as a payment of its own (W4)."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from tests.integration.users.payment_caller import CREDIT, PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


class TestLaterDeposits:
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
