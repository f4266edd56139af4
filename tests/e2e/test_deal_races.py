"""Two concurrent operations on one ticket: one of them succeeds, and no credits are lost."""

import asyncio

import pytest

from tests.e2e.conftest import MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.scanner import ScannerClient, Ticket, buy
from tests.e2e.user_client import SANDBOX_OTP, ApiResponse, Concert, UserClient

ROUNDS = 6


@pytest.fixture
async def buyer(new_fan: MakeFan) -> UserClient:
    return await new_fan(balance="1000.00")


async def own_seats(user: UserClient) -> set[str]:
    return {ticket["seat_id"] for ticket in (await user.get("/tickets")).data}


def done(answer: ApiResponse) -> bool:
    return answer.status in {200, 201}


async def test_transfer_against_listing(fan: UserClient, buyer: UserClient, concert: Concert) -> None:
    for seat in concert.seats["CAT2"][:ROUNDS]:
        await buy(fan, concert, seat)
        offered, listed = await asyncio.gather(
            DealCalls.offer(fan, seat, seller=fan, buyer=buyer, credits_="1"), DealCalls.list_ticket(fan, seat)
        )
        assert done(offered) or done(listed)
        if done(offered):
            both = {
                "transfer_id": offered.data["transfer_id"],
                "seller_otp": SANDBOX_OTP,
                "buyer_otp": SANDBOX_OTP,
            }
            confirmed = await fan.post("/transfer/confirm", both)
            # If both open at the same time, the transfer finds the ticket listed when it completes.
            assert done(confirmed) is not done(listed), (confirmed.body, listed.body)
            assert (seat in await own_seats(buyer)) is done(confirmed)


async def test_concurrent_confirmations_complete_once(fan: UserClient, buyer: UserClient, concert: Concert) -> None:
    for seat in concert.seats["CAT2"][:ROUNDS]:
        await buy(fan, concert, seat)
        offered = await DealCalls.offer(fan, seat, seller=fan, buyer=buyer, credits_="10.00")
        transfer_id = offered.data["transfer_id"]
        answers = await asyncio.gather(
            *(DealCalls.confirm(party, transfer_id) for party in (fan, buyer) for _ in range(3))
        )
        assert {answer.code for answer in answers if not done(answer)} <= {"REQUEST_IN_PROGRESS"}
        final = await DealCalls.confirm(buyer, transfer_id)
        assert final.data["status"] == "COMPLETED"
    assert await buyer.balance() == f"{1000 - 10 * ROUNDS}.00"


async def test_one_of_twenty_offers_succeeds(fan: UserClient, new_fan: MakeFan, ticket: Ticket) -> None:
    friends = await asyncio.gather(*(new_fan(balance="0") for _ in range(10)))
    offers = await asyncio.gather(
        *(DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=friend, credits_="0") for friend in friends * 2)
    )
    assert sum(map(done, offers)) == 1
    assert {offer.code for offer in offers if not done(offer)} == {"TRANSFER_IN_PROGRESS"}


async def test_refund_against_transfer(fan: UserClient, buyer: UserClient, concert: Concert) -> None:
    for seat in concert.seats["CAT2"][:ROUNDS]:
        before = (float(await fan.balance()), float(await buyer.balance()))
        await buy(fan, concert, seat)
        order_id = (await fan.get("/orders")).data[0]["order_id"]
        transfer_id = (await DealCalls.offer(fan, seat, seller=fan, buyer=buyer, credits_="30")).data["transfer_id"]
        await DealCalls.confirm(fan, transfer_id)
        refunded, confirmed = await asyncio.gather(
            fan.post(f"/orders/{order_id}/refund"), DealCalls.confirm(buyer, transfer_id)
        )
        assert done(refunded) is not done(confirmed), (refunded.body, confirmed.body)
        after = (float(await fan.balance()), float(await buyer.balance()))
        assert after == (before if done(refunded) else (before[0] - 70, before[1] - 30))


async def test_dispute_against_reversal(
    fan: UserClient, buyer: UserClient, admin: UserClient, concert: Concert
) -> None:
    for seat in concert.seats["CAT2"][:ROUNDS]:
        await buy(fan, concert, seat)
        transfer_id = await DealCalls.complete(seat, seller=fan, buyer=buyer, credits_="20.00")
        complaint = {"transfer_id": transfer_id, "reason": "Mine"}
        disputed, _, *reversals = await asyncio.gather(
            fan.post("/transfer/dispute", complaint),
            buyer.post("/transfer/dispute", complaint),
            *(admin.post("/transfer/reverse", {"transfer_id": transfer_id}) for _ in range(3)),
        )
        assert sum(map(done, reversals)) <= 1
        if not any(map(done, reversals)):
            reversed_ = await admin.post("/transfer/reverse", {"transfer_id": transfer_id})
            assert done(reversed_), (disputed.body, reversed_.body)
        assert seat in await own_seats(fan)
    assert await buyer.balance() == "1000.00"


async def test_approval_against_withdrawal(fan: UserClient, buyer: UserClient, concert: Concert) -> None:
    for seat in concert.seats["CAT2"][:ROUNDS]:
        before = float(await buyer.balance())
        await buy(fan, concert, seat)
        listing_id = (await DealCalls.list_ticket(fan, seat)).data["listing_id"]
        await DealCalls.buy(buyer, listing_id)
        approved, cancelled = await asyncio.gather(
            DealCalls.approve(fan, listing_id), fan.post("/marketplace/cancel", {"listing_id": listing_id})
        )
        assert not (done(approved) and done(cancelled)), (approved.body, cancelled.body)
        is_sold = seat in await own_seats(buyer)
        assert is_sold is done(approved)
        assert float(await buyer.balance()) == (before - 110 if is_sold else before)


async def test_scan_against_transfer(
    fan: UserClient, buyer: UserClient, concert: Concert, scanner: ScannerClient
) -> None:
    for seat in concert.seats["CAT2"][:ROUNDS]:
        await buy(fan, concert, seat)
        code = (await fan.get(f"/tickets/{seat}/qr")).data["qr_payload"]
        transfer_id = (await DealCalls.offer(fan, seat, seller=fan, buyer=buyer, credits_="0")).data["transfer_id"]
        await DealCalls.confirm(fan, transfer_id)
        result, confirmed = await asyncio.gather(scanner.result_of(code), DealCalls.confirm(buyer, transfer_id))
        assert (result == "SUCCESS") is not done(confirmed), (result, confirmed.body)
        assert result in {"SUCCESS", "NOT_OWNER"}
