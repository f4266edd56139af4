"""Each movement of the ledger, its refusals, and that it happens once (W2)."""

import uuid
from decimal import Decimal

import pytest

from tests.integration.users.user_client import LedgerCaller, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger_caller: LedgerCaller) -> None:
    """Whatever was done before: nothing contradicts anything."""
    assert await ledger_caller.invariant_violations() == []


class TestDeduct:
    async def test_moves_credits_from_the_wallet_to_the_events_revenue(self, ledger_caller: LedgerCaller) -> None:
        fan, event = await ledger_caller.open_wallet("100.00"), uuid.uuid4()

        answer = await ledger_caller.deduct(fan, "70.50", event_id=event)

        assert answer.status_code == 200
        assert answer.json()["data"]["balance"] == "29.50"
        assert await ledger_caller.wallet_of(fan) == Decimal("29.50")
        assert await ledger_caller.sum_of("revenue", event) == Decimal("70.50")
        assert await ledger_caller.sum_of("wallet", fan) == Decimal("29.50")

    async def test_a_repeated_id_gives_the_first_answer_and_moves_nothing(self, ledger_caller: LedgerCaller) -> None:
        fan, same = await ledger_caller.open_wallet("100.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}

        first = await ledger_caller.deduct(fan, "40.00", **same)
        second = await ledger_caller.deduct(fan, "40.0", **same)

        assert second.json() == first.json()
        assert await ledger_caller.wallet_of(fan) == Decimal("60.00")

    async def test_the_same_id_with_another_amount_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan, same = await ledger_caller.open_wallet("100.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}
        await ledger_caller.deduct(fan, "40.00", **same)

        answer = await ledger_caller.deduct(fan, "41.00", **same)

        assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert await ledger_caller.wallet_of(fan) == Decimal("60.00")

    async def test_more_than_the_wallet_has_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan = await ledger_caller.open_wallet("100.00")

        answer = await ledger_caller.deduct(fan, "100.01")

        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")
        assert await ledger_caller.wallet_of(fan) == Decimal("100.00")

    async def test_everything_the_wallet_has_can_be_spent(self, ledger_caller: LedgerCaller) -> None:
        fan = await ledger_caller.open_wallet("100.00")
        assert (await ledger_caller.deduct(fan, "100.00")).json()["data"]["balance"] == "0.00"

    async def test_a_refusal_is_remembered_also_after_a_top_up(self, ledger_caller: LedgerCaller) -> None:
        fan, same = await ledger_caller.open_wallet("10.00"), {"request_id": uuid.uuid4(), "event_id": uuid.uuid4()}
        await ledger_caller.deduct(fan, "50.00", **same)
        await ledger_caller.top_up(fan, "100.00")

        answer = await ledger_caller.deduct(fan, "50.00", **same)

        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")
        assert await ledger_caller.wallet_of(fan) == Decimal("110.00")

    async def test_an_unknown_user_is_404(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.deduct(uuid.uuid4(), "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_a_free_ticket_makes_a_movement_too(self, ledger_caller: LedgerCaller) -> None:
        fan = await ledger_caller.open_wallet()
        answer = await ledger_caller.deduct(fan, "0.00")
        assert answer.json()["data"]["transaction_id"]
        assert answer.json()["data"]["balance"] == "0.00"

    @pytest.mark.parametrize("amount", ["-1.00", "1.001", "NaN", "Infinity", "many", "1000000000000.00", True, None])
    async def test_what_is_no_amount_is_refused(self, ledger_caller: LedgerCaller, amount: object) -> None:
        fan = await ledger_caller.open_wallet("10.00")
        answer = await ledger_caller.post(
            "/internal/ledger/deduct", user_id=fan, amount=amount, event_id=uuid.uuid4(), reference=""
        )
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")

    async def test_a_number_is_an_amount_too(self, ledger_caller: LedgerCaller) -> None:
        fan = await ledger_caller.open_wallet("10.00")
        answer = await ledger_caller.post(
            "/internal/ledger/deduct", user_id=fan, amount=0.1, event_id=uuid.uuid4(), reference=""
        )
        assert answer.json()["data"]["balance"] == "9.90"

    async def test_a_reference_without_control_characters_only(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.deduct(await ledger_caller.open_wallet("10.00"), "1.00", reference="a\x00b")
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestRefund:
    async def test_gives_exactly_the_deduct_back(self, ledger_caller: LedgerCaller) -> None:
        fan, deduct, event = await ledger_caller.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
        await ledger_caller.deduct(fan, "70.50", request_id=deduct, event_id=event)

        answer = await ledger_caller.refund(deduct)

        assert answer.json()["data"]["balance"] == "100.00"
        assert await ledger_caller.wallet_of(fan) == Decimal("100.00")
        assert await ledger_caller.sum_of("revenue", event) == 0

    async def test_a_repeated_refund_gives_the_first_answer(self, ledger_caller: LedgerCaller) -> None:
        fan, deduct, refund = await ledger_caller.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()
        await ledger_caller.deduct(fan, "70.00", request_id=deduct)

        first = await ledger_caller.refund(deduct, request_id=refund)
        second = await ledger_caller.refund(deduct, request_id=refund)

        assert second.json() == first.json()
        assert await ledger_caller.wallet_of(fan) == Decimal("100.00")

    async def test_a_second_refund_under_another_id_moves_nothing(self, ledger_caller: LedgerCaller) -> None:
        fan, deduct = await ledger_caller.open_wallet("100.00"), uuid.uuid4()
        await ledger_caller.deduct(fan, "70.00", request_id=deduct)

        first = await ledger_caller.refund(deduct)
        second = await ledger_caller.refund(deduct)

        assert second.json()["data"]["transaction_id"] == first.json()["data"]["transaction_id"]
        assert await ledger_caller.wallet_of(fan) == Decimal("100.00")

    async def test_of_a_deduct_that_never_came_leaves_a_tombstone(self, ledger_caller: LedgerCaller) -> None:
        fan, deduct = await ledger_caller.open_wallet("100.00"), uuid.uuid4()

        refund = await ledger_caller.refund(deduct)
        late = await ledger_caller.deduct(fan, "70.00", request_id=deduct)

        assert refund.json()["data"] == {"transaction_id": None, "balance": None}
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")
        assert await ledger_caller.wallet_of(fan) == Decimal("100.00")

    async def test_of_a_refused_deduct_has_nothing_to_reverse(self, ledger_caller: LedgerCaller) -> None:
        fan, deduct = await ledger_caller.open_wallet("10.00"), uuid.uuid4()
        await ledger_caller.deduct(fan, "70.00", request_id=deduct)

        refund = await ledger_caller.refund(deduct)

        assert refund.json()["data"] == {"transaction_id": None, "balance": None}
        assert await ledger_caller.wallet_of(fan) == Decimal("10.00")

    async def test_of_something_else_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan, gift = await ledger_caller.open_wallet(), uuid.uuid4()
        await ledger_caller.top_up(fan, "5.00", request_id=gift)

        answer = await ledger_caller.refund(gift)

        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")
        assert await ledger_caller.wallet_of(fan) == Decimal("5.00")


class TestTransfer:
    async def test_moves_credits_from_wallet_to_wallet(self, ledger_caller: LedgerCaller) -> None:
        seller, buyer = await ledger_caller.open_wallet("5.00"), await ledger_caller.open_wallet("100.00")

        answer = await ledger_caller.transfer(buyer, seller, "80.00")

        assert answer.json()["data"] | {"transaction_id": ""} == {
            "transaction_id": "",
            "from_balance": "20.00",
            "to_balance": "85.00",
        }
        assert (await ledger_caller.wallet_of(seller), await ledger_caller.wallet_of(buyer)) == (
            Decimal(85),
            Decimal(20),
        )

    async def test_a_repeated_id_gives_the_first_answer(self, ledger_caller: LedgerCaller) -> None:
        seller, buyer, request_id = (
            await ledger_caller.open_wallet(),
            await ledger_caller.open_wallet("100.00"),
            uuid.uuid4(),
        )

        first = await ledger_caller.transfer(buyer, seller, "80.00", request_id=request_id)
        second = await ledger_caller.transfer(buyer, seller, "80.00", request_id=request_id)

        assert second.json() == first.json()
        assert await ledger_caller.wallet_of(seller) == Decimal(80)

    async def test_a_gift_costs_nothing(self, ledger_caller: LedgerCaller) -> None:
        seller, buyer = await ledger_caller.open_wallet(), await ledger_caller.open_wallet()
        assert (await ledger_caller.transfer(buyer, seller, "0")).status_code == 200

    async def test_too_little_is_refused(self, ledger_caller: LedgerCaller) -> None:
        seller, buyer = await ledger_caller.open_wallet(), await ledger_caller.open_wallet("10.00")
        answer = await ledger_caller.transfer(buyer, seller, "10.01")
        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")

    @pytest.mark.parametrize("missing", ["sender", "recipient"])
    async def test_an_unknown_person_is_404(self, ledger_caller: LedgerCaller, missing: str) -> None:
        known, unknown = await ledger_caller.open_wallet("10.00"), uuid.uuid4()
        pair = (unknown, known) if missing == "sender" else (known, unknown)
        answer = await ledger_caller.transfer(*pair, "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert await ledger_caller.wallet_of(known) == Decimal(10)

    async def test_to_oneself_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan = await ledger_caller.open_wallet("10.00")
        answer = await ledger_caller.transfer(fan, fan, "1.00")
        assert (answer.status_code, code_of(answer)) == (400, "SELF_TRANSFER")

    async def test_its_undo_reverses_it_once(self, ledger_caller: LedgerCaller) -> None:
        seller, buyer, done = await ledger_caller.open_wallet(), await ledger_caller.open_wallet("100.00"), uuid.uuid4()
        await ledger_caller.transfer(buyer, seller, "80.00", request_id=done)

        first = await ledger_caller.transfer(seller, buyer, "80.00", undoes_request_id=done)
        second = await ledger_caller.transfer(seller, buyer, "80.00", undoes_request_id=done)

        assert first.json()["data"]["from_balance"] == "0.00"
        assert second.json()["data"]["transaction_id"] == first.json()["data"]["transaction_id"]
        assert await ledger_caller.wallet_of(buyer) == Decimal(100)

    async def test_its_undo_before_it_leaves_a_tombstone(self, ledger_caller: LedgerCaller) -> None:
        seller, buyer, never = (
            await ledger_caller.open_wallet(),
            await ledger_caller.open_wallet("100.00"),
            uuid.uuid4(),
        )

        undo = await ledger_caller.transfer(seller, buyer, "80.00", undoes_request_id=never)
        late = await ledger_caller.transfer(buyer, seller, "80.00", request_id=never)

        assert undo.json()["data"]["transaction_id"] is None
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")

    async def test_an_undo_that_the_recipient_cannot_pay_succeeds_later(self, ledger_caller: LedgerCaller) -> None:
        seller, buyer, done, undo = (
            await ledger_caller.open_wallet(),
            await ledger_caller.open_wallet("100.00"),
            uuid.uuid4(),
            uuid.uuid4(),
        )
        await ledger_caller.transfer(buyer, seller, "80.00", request_id=done)
        await ledger_caller.deduct(seller, "30.00")

        too_early = await ledger_caller.transfer(seller, buyer, "80.00", request_id=undo, undoes_request_id=done)
        await ledger_caller.top_up(seller, "30.00")
        again = await ledger_caller.transfer(seller, buyer, "80.00", request_id=undo, undoes_request_id=done)

        assert (too_early.status_code, code_of(too_early)) == (402, "INSUFFICIENT_CREDITS")
        assert again.json()["data"]["to_balance"] == "100.00"

    async def test_its_undo_of_something_else_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan, other, deduct = await ledger_caller.open_wallet("10.00"), await ledger_caller.open_wallet(), uuid.uuid4()
        await ledger_caller.deduct(fan, "5.00", request_id=deduct)
        answer = await ledger_caller.transfer(other, fan, "5.00", undoes_request_id=deduct)
        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")


class TestEscrow:
    async def test_a_hold_sets_credits_aside(self, ledger_caller: LedgerCaller) -> None:
        buyer = await ledger_caller.open_wallet("100.00")
        answer = await ledger_caller.hold(buyer, "60.00")
        assert answer.json()["data"]["balance"] == "40.00"
        assert await ledger_caller.sum_of("escrow", buyer) == Decimal(60)

    async def test_a_repeated_hold_gives_the_first_answer(self, ledger_caller: LedgerCaller) -> None:
        buyer, request_id = await ledger_caller.open_wallet("100.00"), uuid.uuid4()
        first = await ledger_caller.hold(buyer, "60.00", request_id=request_id)
        second = await ledger_caller.hold(buyer, "60.00", request_id=request_id)
        assert second.json() == first.json()
        assert await ledger_caller.sum_of("escrow", buyer) == Decimal(60)

    async def test_more_than_the_wallet_has_is_refused(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.hold(await ledger_caller.open_wallet("10.00"), "10.01")
        assert (answer.status_code, code_of(answer)) == (402, "INSUFFICIENT_CREDITS")

    async def test_an_unknown_user_is_404(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.hold(uuid.uuid4(), "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_a_release_pays_the_seller(self, ledger_caller: LedgerCaller) -> None:
        buyer, seller = await ledger_caller.open_wallet("100.00"), await ledger_caller.open_wallet()
        escrow_id = (await ledger_caller.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        answer = await ledger_caller.release(escrow_id, seller)

        assert answer.status_code == 200
        assert await ledger_caller.wallet_of(seller) == Decimal(60)
        assert await ledger_caller.sum_of("escrow", buyer) == 0

    async def test_a_void_pays_the_buyer_back(self, ledger_caller: LedgerCaller) -> None:
        buyer = await ledger_caller.open_wallet("100.00")
        escrow_id = (await ledger_caller.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        assert (await ledger_caller.void(escrow_id=escrow_id)).status_code == 200

        assert await ledger_caller.wallet_of(buyer) == Decimal(100)

    @pytest.mark.parametrize("first", ["release", "void"])
    @pytest.mark.parametrize("second", ["release", "void"])
    async def test_an_escrow_is_resolved_once(self, ledger_caller: LedgerCaller, first: str, second: str) -> None:
        buyer, seller = await ledger_caller.open_wallet("100.00"), await ledger_caller.open_wallet()
        escrow_id = (await ledger_caller.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        async def resolve(how: str) -> tuple[int, str]:
            answer = await (
                ledger_caller.release(escrow_id, seller)
                if how == "release"
                else ledger_caller.void(escrow_id=escrow_id)
            )
            return answer.status_code, code_of(answer)

        assert await resolve(first) == (200, "")
        assert await resolve(second) == (409, "ESCROW_ALREADY_RESOLVED")
        assert await ledger_caller.wallet_of(seller) == (60 if first == "release" else 0)

    async def test_a_repeated_release_gives_the_first_answer(self, ledger_caller: LedgerCaller) -> None:
        buyer, seller, request_id = (
            await ledger_caller.open_wallet("100.00"),
            await ledger_caller.open_wallet(),
            uuid.uuid4(),
        )
        escrow_id = (await ledger_caller.hold(buyer, "60.00")).json()["data"]["escrow_id"]
        first = await ledger_caller.release(escrow_id, seller, request_id=request_id)
        second = await ledger_caller.release(escrow_id, seller, request_id=request_id)
        assert second.json() == first.json()
        assert await ledger_caller.wallet_of(seller) == Decimal(60)

    async def test_an_unknown_escrow_is_404(self, ledger_caller: LedgerCaller) -> None:
        fan = await ledger_caller.open_wallet()
        for answer in (
            await ledger_caller.release(uuid.uuid4(), fan),
            await ledger_caller.void(escrow_id=uuid.uuid4()),
        ):
            assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")

    async def test_a_release_to_nobody_leaves_it_held(self, ledger_caller: LedgerCaller) -> None:
        buyer = await ledger_caller.open_wallet("100.00")
        escrow_id = (await ledger_caller.hold(buyer, "60.00")).json()["data"]["escrow_id"]

        answer = await ledger_caller.release(escrow_id, uuid.uuid4())

        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")
        assert (await ledger_caller.void(escrow_id=escrow_id)).status_code == 200

    async def test_the_undo_of_a_hold_voids_it_once(self, ledger_caller: LedgerCaller) -> None:
        buyer, hold = await ledger_caller.open_wallet("100.00"), uuid.uuid4()
        await ledger_caller.hold(buyer, "60.00", request_id=hold)

        first = await ledger_caller.void(undoes_request_id=hold)
        second = await ledger_caller.void(undoes_request_id=hold)

        assert first.json()["data"]["transaction_id"]
        assert second.status_code == 200
        assert await ledger_caller.wallet_of(buyer) == Decimal(100)

    async def test_the_undo_of_a_hold_that_never_came_leaves_a_tombstone(self, ledger_caller: LedgerCaller) -> None:
        buyer, hold = await ledger_caller.open_wallet("100.00"), uuid.uuid4()

        undo = await ledger_caller.void(undoes_request_id=hold)
        late = await ledger_caller.hold(buyer, "60.00", request_id=hold)

        assert undo.json()["data"]["transaction_id"] is None
        assert (late.status_code, code_of(late)) == (409, "REQUEST_UNDONE")
        assert await ledger_caller.wallet_of(buyer) == Decimal(100)

    async def test_the_undo_of_a_released_hold_is_refused(self, ledger_caller: LedgerCaller) -> None:
        buyer, seller, hold = await ledger_caller.open_wallet("100.00"), await ledger_caller.open_wallet(), uuid.uuid4()
        escrow_id = (await ledger_caller.hold(buyer, "60.00", request_id=hold)).json()["data"]["escrow_id"]
        await ledger_caller.release(escrow_id, seller)
        answer = await ledger_caller.void(undoes_request_id=hold)
        assert (answer.status_code, code_of(answer)) == (409, "ESCROW_ALREADY_RESOLVED")

    async def test_the_undo_of_something_else_is_refused(self, ledger_caller: LedgerCaller) -> None:
        fan, deduct = await ledger_caller.open_wallet("10.00"), uuid.uuid4()
        await ledger_caller.deduct(fan, "5.00", request_id=deduct)
        answer = await ledger_caller.void(undoes_request_id=deduct)
        assert (answer.status_code, code_of(answer)) == (409, "UNDO_MISMATCH")

    async def test_a_void_names_the_escrow_or_the_hold(self, ledger_caller: LedgerCaller) -> None:
        for which in ({}, {"escrow_id": uuid.uuid4(), "undoes_request_id": uuid.uuid4()}):
            answer = await ledger_caller.void(**which)
            assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestTopUp:
    async def test_credits_the_wallet_once(self, ledger_caller: LedgerCaller) -> None:
        fan, request_id = await ledger_caller.open_wallet(), uuid.uuid4()
        first = await ledger_caller.top_up(fan, "25.00", request_id=request_id)
        second = await ledger_caller.top_up(fan, "25.00", request_id=request_id)
        assert first.json()["data"]["balance"] == "25.00"
        assert second.json() == first.json()
        assert await ledger_caller.wallet_of(fan) == Decimal(25)

    async def test_is_taken_from_the_providers_account(self, ledger_caller: LedgerCaller) -> None:
        fan, provider = await ledger_caller.open_wallet(), f"bank-{uuid.uuid4().hex[:8]}"
        await ledger_caller.top_up(fan, "25.00", provider=provider)
        assert await ledger_caller.sum_of("external", provider) == Decimal(-25)

    async def test_of_an_unknown_user_is_404(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.top_up(uuid.uuid4(), "1.00")
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    async def test_of_nothing_is_refused(self, ledger_caller: LedgerCaller) -> None:
        answer = await ledger_caller.top_up(await ledger_caller.open_wallet(), "0.00")
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
