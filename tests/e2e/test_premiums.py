"""Who loses a ticket gets back what they paid: the difference to its price comes from the sellers who earned it."""

import pytest

from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.scanner import Ticket
from tests.e2e.test_refunds import bought, finished, refund
from tests.e2e.user_client import UserClient
from tests.support.waiting import eventually


@pytest.fixture
async def order_id(fan: UserClient, ticket: Ticket) -> str:
    [order] = [o for o in (await fan.get("/orders")).data if o["seats"][0]["seat_id"] == ticket.seat_id]
    return str(order["order_id"])


async def test_admins_refund_makes_the_holder_whole(
    *, fan: UserClient, new_fan: MakeFan, admin: UserClient, ticket: Ticket, order_id: str
) -> None:
    friend = await new_fan(balance="200.00")
    await DealCalls.complete(ticket.seat_id, seller=fan, buyer=friend, credits_="115.00")
    assert (await refund(admin, order_id)).data["credits_returned"] == "115.00"
    assert (await fan.balance(), await friend.balance()) == ("1000.00", "200.00")


async def test_holder_who_paid_less_gets_the_price(
    *, fan: UserClient, new_fan: MakeFan, admin: UserClient, ticket: Ticket, order_id: str
) -> None:
    friend = await new_fan(balance="200.00")
    await DealCalls.complete(ticket.seat_id, seller=fan, buyer=friend, credits_="20.00")
    assert (await refund(admin, order_id)).data["credits_returned"] == "100.00"
    assert (await fan.balance(), await friend.balance()) == ("920.00", "280.00")


async def test_own_refund_takes_nothing_from_sellers(
    *, fan: UserClient, new_fan: MakeFan, ticket: Ticket, order_id: str
) -> None:
    friend = await new_fan(balance="200.00")
    await DealCalls.complete(ticket.seat_id, seller=fan, buyer=friend, credits_="100.00")
    await DealCalls.complete(ticket.seat_id, seller=friend, buyer=fan, credits_="120.00")
    assert (await refund(fan, order_id)).data["credits_returned"] == "100.00"
    assert (await fan.balance(), await friend.balance()) == ("980.00", "220.00")


async def test_cancelled_event_makes_the_last_of_many_owners_whole(
    *, fan: UserClient, new_fan: MakeFan, admin: UserClient, new_concert: MakeConcert
) -> None:
    concert = await new_concert()
    seat, other = concert.seats["CAT2"][:2]
    second, third = await new_fan(balance="200.00"), await new_fan(balance="200.00")
    await bought(fan, concert, seat, other)
    undone = await DealCalls.complete(seat, seller=fan, buyer=second, credits_="120.00")
    await second.post("/transfer/dispute", {"transfer_id": undone, "reason": "Not what was agreed"})
    assert (await admin.post("/transfer/reverse", {"transfer_id": undone})).status == 200
    await DealCalls.complete(seat, seller=fan, buyer=second, credits_="110.00")
    listing_id = (await DealCalls.list_ticket(second, seat, "120.00")).data["listing_id"]
    await DealCalls.buy(third, listing_id)
    assert (await DealCalls.approve(second, listing_id)).status == 200

    await admin.post(f"/admin/events/{concert.event_id}/cancel")
    await eventually(lambda: finished(admin, concert))
    balances = [await user.balance() for user in (fan, second, third)]
    assert balances == ["1000.00", "200.00", "200.00"]
