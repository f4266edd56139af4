"""Each movement of the ledger, its refusals, and its idempotency (W2)."""

import uuid
from decimal import Decimal

import pytest

from tests.integration.users.user_client import LedgerCaller, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


class TestDeduct:
    async def test_deduct_moves_credits_to_the_events_revenue(self, ledger: LedgerCaller) -> None:
        fan, event = await ledger.open_wallet("100.00"), uuid.uuid4()

        answer = await ledger.charge(fan, "70.50", event_id=event)

        assert answer.status_code == 200
        assert answer.json()["data"]["balance"] == "29.50"
        assert await ledger.wallet_of(fan) == Decimal("29.50")
        assert await ledger.sum_of("revenue", event) == Decimal("70.50")
        assert await ledger.sum_of("wallet", fan) == Decimal("29.50")

    async def test_repetition_returns_the_first_response_and_moves_nothing(self, ledger: LedgerCaller) -> None:
        fan, same = await ledger.open_wallet("100.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}

        first = await ledger.charge(fan, "40.00", **same)
        second = await ledger.charge(fan, "40.0", **same)

        assert second.json() == first.json()
        assert await ledger.wallet_of(fan) == Decimal("60.00")

    async def test_request_id_with_a_different_amount_is_refused(self, ledger: LedgerCaller) -> None:
        fan, same = await ledger.open_wallet("100.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}
        await ledger.charge(fan, "40.00", **same)

        answer = await ledger.charge(fan, "41.00", **same)

        assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert await ledger.wallet_of(fan) == Decimal("60.00")

    async def test_amount_over_the_balance_is_refused(self, ledger: LedgerCaller) -> None:
        fan = await ledger.open_wallet("100.00")

        answer = await ledger.charge(fan, "100.01")

        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")
        assert await ledger.wallet_of(fan) == Decimal("100.00")

    async def test_whole_balance_can_be_spent(self, ledger: LedgerCaller) -> None:
        fan = await ledger.open_wallet("100.00")
        assert (await ledger.charge(fan, "100.00")).json()["data"]["balance"] == "0.00"

    async def test_refusal_is_repeated_even_after_a_top_up(self, ledger: LedgerCaller) -> None:
        fan, same = await ledger.open_wallet("10.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}
        await ledger.charge(fan, "50.00", **same)
        await ledger.top_up(fan, "100.00")

        answer = await ledger.charge(fan, "50.00", **same)

        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")
        assert await ledger.wallet_of(fan) == Decimal("110.00")

    async def test_an_unknown_user_is_404(self, ledger: LedgerCaller) -> None:
        answer = await ledger.charge(uuid.uuid4(), "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_zero_amount_is_recorded_as_a_movement(self, ledger: LedgerCaller) -> None:
        fan = await ledger.open_wallet()
        answer = await ledger.charge(fan, "0.00")
        assert answer.json()["data"]["transaction_id"]
        assert answer.json()["data"]["balance"] == "0.00"

    @pytest.mark.parametrize("amount", ["-1.00", "1.001", "NaN", "Infinity", "many", "1000000000000.00", True, None])
    async def test_malformed_amount_is_refused(self, ledger: LedgerCaller, amount: object) -> None:
        fan = await ledger.open_wallet("10.00")
        answer = await ledger.post(
            "/internal/ledger/deduct", user_id=fan, amount=amount, event_id=uuid.uuid4(), reference=""
        )
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")

    async def test_json_number_is_accepted_as_an_amount(self, ledger: LedgerCaller) -> None:
        fan = await ledger.open_wallet("10.00")
        answer = await ledger.post(
            "/internal/ledger/deduct", user_id=fan, amount=0.1, event_id=uuid.uuid4(), reference=""
        )
        assert answer.json()["data"]["balance"] == "9.90"

    async def test_reference_with_control_characters_is_refused(self, ledger: LedgerCaller) -> None:
        answer = await ledger.charge(await ledger.open_wallet("10.00"), "1.00", reference="a\x00b")
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestRefund:
    async def test_refund_returns_the_exact_deduct(self, ledger: LedgerCaller) -> None:
        fan, charge_id, event = await ledger.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
        await ledger.charge(fan, "70.50", request_id=charge_id, event_id=event)

        answer = await ledger.refund(charge_id)

        assert answer.json()["data"]["balance"] == "100.00"
        assert await ledger.wallet_of(fan) == Decimal("100.00")
        assert await ledger.sum_of("revenue", event) == 0

    async def test_repeated_refund_returns_the_first_response(self, ledger: LedgerCaller) -> None:
        fan, charge_id, refund = await ledger.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
        await ledger.charge(fan, "70.00", request_id=charge_id)

        first = await ledger.refund(charge_id, request_id=refund)
        second = await ledger.refund(charge_id, request_id=refund)

        assert second.json() == first.json()
        assert await ledger.wallet_of(fan) == Decimal("100.00")

    async def test_a_second_refund_under_another_id_moves_nothing(self, ledger: LedgerCaller) -> None:
        fan, charge_id = await ledger.open_wallet("100.00"), uuid.uuid4()
        await ledger.charge(fan, "70.00", request_id=charge_id)

        first = await ledger.refund(charge_id)
        second = await ledger.refund(charge_id)

        assert second.json()["data"]["transaction_id"] == first.json()["data"]["transaction_id"]
        assert await ledger.wallet_of(fan) == Decimal("100.00")

    async def test_refund_of_an_unknown_deduct_leaves_a_tombstone(self, ledger: LedgerCaller) -> None:
        fan, charge_id = await ledger.open_wallet("100.00"), uuid.uuid4()

        refund = await ledger.refund(charge_id)
        late = await ledger.charge(fan, "70.00", request_id=charge_id)

        assert refund.json()["data"] == {"transaction_id": None, "balance": None}
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")
        assert await ledger.wallet_of(fan) == Decimal("100.00")

    async def test_refund_of_a_refused_deduct_reverses_nothing(self, ledger: LedgerCaller) -> None:
        fan, charge_id = await ledger.open_wallet("10.00"), uuid.uuid4()
        await ledger.charge(fan, "70.00", request_id=charge_id)

        refund = await ledger.refund(charge_id)

        assert refund.json()["data"] == {"transaction_id": None, "balance": None}
        assert await ledger.wallet_of(fan) == Decimal("10.00")

    async def test_refund_of_another_movement_is_refused(self, ledger: LedgerCaller) -> None:
        fan, gift = await ledger.open_wallet(), uuid.uuid4()
        await ledger.top_up(fan, "5.00", request_id=gift)

        answer = await ledger.refund(gift)

        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")
        assert await ledger.wallet_of(fan) == Decimal("5.00")


class TestTransfer:
    async def test_moves_credits_from_wallet_to_wallet(self, ledger: LedgerCaller) -> None:
        seller, buyer = await ledger.open_wallet("5.00"), await ledger.open_wallet("100.00")

        answer = await ledger.transfer(buyer, seller, "80.00")

        assert answer.json()["data"] | {"transaction_id": ""} == {
            "transaction_id": "",
            "from_balance": "20.00",
            "to_balance": "85.00",
        }
        assert (await ledger.wallet_of(seller), await ledger.wallet_of(buyer)) == (Decimal(85), Decimal(20))

    async def test_repetition_returns_the_first_response(self, ledger: LedgerCaller) -> None:
        seller, buyer, request_id = (await ledger.open_wallet(), await ledger.open_wallet("100.00"), uuid.uuid4())

        first = await ledger.transfer(buyer, seller, "80.00", request_id=request_id)
        second = await ledger.transfer(buyer, seller, "80.00", request_id=request_id)

        assert second.json() == first.json()
        assert await ledger.wallet_of(seller) == Decimal(80)

    async def test_free_transfer_moves_no_credits(self, ledger: LedgerCaller) -> None:
        seller, buyer = await ledger.open_wallet(), await ledger.open_wallet()
        assert (await ledger.transfer(buyer, seller, "0")).status_code == 200

    async def test_insufficient_balance_is_refused(self, ledger: LedgerCaller) -> None:
        seller, buyer = await ledger.open_wallet(), await ledger.open_wallet("10.00")
        answer = await ledger.transfer(buyer, seller, "10.01")
        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")

    @pytest.mark.parametrize("missing", ["sender", "recipient"])
    async def test_unknown_party_is_404(self, ledger: LedgerCaller, missing: str) -> None:
        known, unknown = await ledger.open_wallet("10.00"), uuid.uuid4()
        pair = (unknown, known) if missing == "sender" else (known, unknown)
        answer = await ledger.transfer(*pair, "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await ledger.wallet_of(known) == Decimal(10)

    async def test_transfer_to_oneself_is_refused(self, ledger: LedgerCaller) -> None:
        fan = await ledger.open_wallet("10.00")
        answer = await ledger.transfer(fan, fan, "1.00")
        assert (answer.status_code, code_of(answer)) == (400, "SELF_TRANSFER")

    async def test_undo_reverses_the_transfer_once(self, ledger: LedgerCaller) -> None:
        seller, buyer, done = await ledger.open_wallet(), await ledger.open_wallet("100.00"), uuid.uuid4()
        await ledger.transfer(buyer, seller, "80.00", request_id=done)

        first = await ledger.transfer(seller, buyer, "80.00", undoes_request_id=done)
        second = await ledger.transfer(seller, buyer, "80.00", undoes_request_id=done)

        assert first.json()["data"]["from_balance"] == "0.00"
        assert second.json()["data"]["transaction_id"] == first.json()["data"]["transaction_id"]
        assert await ledger.wallet_of(buyer) == Decimal(100)

    async def test_undo_before_the_transfer_leaves_a_tombstone(self, ledger: LedgerCaller) -> None:
        seller, buyer, never = (await ledger.open_wallet(), await ledger.open_wallet("100.00"), uuid.uuid4())

        undo = await ledger.transfer(seller, buyer, "80.00", undoes_request_id=never)
        late = await ledger.transfer(buyer, seller, "80.00", request_id=never)

        assert undo.json()["data"]["transaction_id"] is None
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")

    async def test_undo_succeeds_once_the_recipient_has_the_credits(self, ledger: LedgerCaller) -> None:
        seller, buyer, done, undo = (
            await ledger.open_wallet(),
            await ledger.open_wallet("100.00"),
            uuid.uuid4(),
            uuid.uuid4(),
        )
        await ledger.transfer(buyer, seller, "80.00", request_id=done)
        await ledger.charge(seller, "30.00")

        too_early = await ledger.transfer(seller, buyer, "80.00", request_id=undo, undoes_request_id=done)
        await ledger.top_up(seller, "30.00")
        again = await ledger.transfer(seller, buyer, "80.00", request_id=undo, undoes_request_id=done)

        assert (too_early.status_code, code_of(too_early)) == (402, "INSUFFICIENT_CREDITS")
        assert again.json()["data"]["to_balance"] == "100.00"

    async def test_transfer_undo_of_another_movement_is_refused(self, ledger: LedgerCaller) -> None:
        fan, other, charge_id = await ledger.open_wallet("10.00"), await ledger.open_wallet(), uuid.uuid4()
        await ledger.charge(fan, "5.00", request_id=charge_id)
        answer = await ledger.transfer(other, fan, "5.00", undoes_request_id=charge_id)
        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")


class TestEscrow:
    async def test_hold_moves_credits_to_escrow(self, ledger: LedgerCaller) -> None:
        buyer = await ledger.open_wallet("100.00")
        answer = await ledger.hold(buyer, "60.00")
        assert answer.json()["data"]["balance"] == "40.00"
        assert await ledger.sum_of("escrow", buyer) == Decimal(60)

    async def test_repeated_hold_returns_the_first_response(self, ledger: LedgerCaller) -> None:
        buyer, request_id = await ledger.open_wallet("100.00"), uuid.uuid4()
        first = await ledger.hold(buyer, "60.00", request_id=request_id)
        second = await ledger.hold(buyer, "60.00", request_id=request_id)
        assert second.json() == first.json()
        assert await ledger.sum_of("escrow", buyer) == Decimal(60)

    async def test_amount_over_the_balance_is_refused(self, ledger: LedgerCaller) -> None:
        answer = await ledger.hold(await ledger.open_wallet("10.00"), "10.01")
        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")

    async def test_an_unknown_user_is_404(self, ledger: LedgerCaller) -> None:
        answer = await ledger.hold(uuid.uuid4(), "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_a_release_pays_the_seller(self, ledger: LedgerCaller) -> None:
        buyer, seller = await ledger.open_wallet("100.00"), await ledger.open_wallet()
        escrow_id = (await ledger.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        answer = await ledger.release(escrow_id, seller)

        assert answer.status_code == 200
        assert await ledger.wallet_of(seller) == Decimal(60)
        assert await ledger.sum_of("escrow", buyer) == 0

    async def test_void_returns_the_credits_to_the_buyer(self, ledger: LedgerCaller) -> None:
        buyer = await ledger.open_wallet("100.00")
        escrow_id = (await ledger.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        assert (await ledger.void(escrow_id=escrow_id)).status_code == 200

        assert await ledger.wallet_of(buyer) == Decimal(100)

    @pytest.mark.parametrize("first", ["release", "void"])
    @pytest.mark.parametrize("second", ["release", "void"])
    async def test_an_escrow_is_resolved_once(self, ledger: LedgerCaller, first: str, second: str) -> None:
        buyer, seller = await ledger.open_wallet("100.00"), await ledger.open_wallet()
        escrow_id = (await ledger.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        async def resolve(how: str) -> tuple[int, str]:
            answer = await (ledger.release(escrow_id, seller) if how == "release" else ledger.void(escrow_id=escrow_id))
            return answer.status_code, code_of(answer)

        assert await resolve(first) == (200, "")
        assert await resolve(second) == (409, "ESCROW_ALREADY_RESOLVED")
        assert await ledger.wallet_of(seller) == (60 if first == "release" else 0)

    async def test_repeated_release_returns_the_first_response(self, ledger: LedgerCaller) -> None:
        buyer, seller, request_id = (await ledger.open_wallet("100.00"), await ledger.open_wallet(), uuid.uuid4())
        escrow_id = (await ledger.hold(buyer, "60.00")).json()["data"]["escrow_id"]
        first = await ledger.release(escrow_id, seller, request_id=request_id)
        second = await ledger.release(escrow_id, seller, request_id=request_id)
        assert second.json() == first.json()
        assert await ledger.wallet_of(seller) == Decimal(60)

    async def test_an_unknown_escrow_is_404(self, ledger: LedgerCaller) -> None:
        fan = await ledger.open_wallet()
        for answer in (await ledger.release(uuid.uuid4(), fan), await ledger.void(escrow_id=uuid.uuid4())):
            assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")

    async def test_release_to_an_unknown_user_keeps_the_escrow(self, ledger: LedgerCaller) -> None:
        buyer = await ledger.open_wallet("100.00")
        escrow_id = (await ledger.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        answer = await ledger.release(escrow_id, uuid.uuid4())

        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert (await ledger.void(escrow_id=escrow_id)).status_code == 200

    async def test_the_undo_of_a_hold_voids_it_once(self, ledger: LedgerCaller) -> None:
        buyer, hold = await ledger.open_wallet("100.00"), uuid.uuid4()
        await ledger.hold(buyer, "60.00", request_id=hold)

        first = await ledger.void(undoes_request_id=hold)
        second = await ledger.void(undoes_request_id=hold)

        assert first.json()["data"]["transaction_id"]
        assert second.status_code == 200
        assert await ledger.wallet_of(buyer) == Decimal(100)

    async def test_undo_of_an_unknown_hold_leaves_a_tombstone(self, ledger: LedgerCaller) -> None:
        buyer, hold = await ledger.open_wallet("100.00"), uuid.uuid4()

        undo = await ledger.void(undoes_request_id=hold)
        late = await ledger.hold(buyer, "60.00", request_id=hold)

        assert undo.json()["data"]["transaction_id"] is None
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")
        assert await ledger.wallet_of(buyer) == Decimal(100)

    async def test_the_undo_of_a_released_hold_is_refused(self, ledger: LedgerCaller) -> None:
        buyer, seller, hold = await ledger.open_wallet("100.00"), await ledger.open_wallet(), uuid.uuid4()
        escrow_id = (await ledger.hold(buyer, "60.00", request_id=hold)).json()["data"]["escrow_id"]
        await ledger.release(escrow_id, seller)
        answer = await ledger.void(undoes_request_id=hold)
        assert (answer.status_code, code_of(answer)) == (409, "ESCROW_ALREADY_RESOLVED")

    async def test_hold_undo_of_another_movement_is_refused(self, ledger: LedgerCaller) -> None:
        fan, charge_id = await ledger.open_wallet("10.00"), uuid.uuid4()
        await ledger.charge(fan, "5.00", request_id=charge_id)
        answer = await ledger.void(undoes_request_id=charge_id)
        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")

    async def test_a_void_names_the_escrow_or_the_hold(self, ledger: LedgerCaller) -> None:
        for which in ({}, {"escrow_id": uuid.uuid4(), "undoes_request_id": uuid.uuid4()}):
            answer = await ledger.void(**which)
            assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestTopUp:
    async def test_credits_the_wallet_once(self, ledger: LedgerCaller) -> None:
        fan, request_id = await ledger.open_wallet(), uuid.uuid4()
        first = await ledger.top_up(fan, "25.00", request_id=request_id)
        second = await ledger.top_up(fan, "25.00", request_id=request_id)
        assert first.json()["data"]["balance"] == "25.00"
        assert second.json() == first.json()
        assert await ledger.wallet_of(fan) == Decimal(25)

    async def test_top_up_debits_the_providers_account(self, ledger: LedgerCaller) -> None:
        fan, provider = await ledger.open_wallet(), f"bank-{uuid.uuid4().hex[:8]}"
        await ledger.top_up(fan, "25.00", provider=provider)
        assert await ledger.sum_of("external", provider) == Decimal(-25)

    async def test_top_up_of_an_unknown_user_is_404(self, ledger: LedgerCaller) -> None:
        answer = await ledger.top_up(uuid.uuid4(), "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_zero_top_up_is_refused(self, ledger: LedgerCaller) -> None:
        answer = await ledger.top_up(await ledger.open_wallet(), "0.00")
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
