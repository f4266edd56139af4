"""An admin suspends a user whose deals are in flight: they end cleanly, and what others owe the user arrives (W1)."""

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.scanner import buy
from tests.e2e.user_client import SANDBOX_OTP, USER_PASSWORD, ApiResponse, Concert, UserClient
from tests.support.http_client import http_client


async def suspend(admin: UserClient, user: UserClient) -> None:
    assert (await admin.patch(f"/admin/users/{user.user_id}", {"is_suspended": True})).data["is_suspended"] is True


async def post_past_the_gateway(stack: Stack, user: UserClient, path: str, body: object) -> tuple[int, str]:
    """Call the orchestrator with a token that the gateway no longer accepts, as a request in flight does."""
    headers = {"authorization": f"Bearer {user.token}"}
    async with http_client(stack.urls.orchestrator, headers=headers) as http:
        answer = await http.post(f"/api{path}", json=body)
    return answer.status_code, str(answer.json().get("error_code"))


async def log_in(anonymous: UserClient, user: UserClient) -> ApiResponse:
    return await anonymous.post("/auth/login", {"email": user.email, "password": USER_PASSWORD})


async def test_suspended_user_is_logged_out_and_stays_out(
    anonymous: UserClient, admin: UserClient, fan: UserClient
) -> None:
    await suspend(admin, fan)
    assert (await log_in(anonymous, fan)).refused() == (403, "ACCOUNT_SUSPENDED")
    found = (await admin.get("/admin/users", q=fan.email)).data
    assert [(user["user_id"], user["is_suspended"]) for user in found] == [(fan.user_id, True)]


async def test_purchase_of_a_suspended_user_unwinds(
    platform: Stack, admin: UserClient, fan: UserClient, concert: Concert
) -> None:
    seat_id = concert.seats["CAT2"][0]
    order_id = (await fan.reserve(concert.event_id, seat_id)).data["order_id"]
    await suspend(admin, fan)

    paid = await post_past_the_gateway(platform, fan, "/pay", {"order_id": order_id})

    assert paid == (403, "ACCOUNT_SUSPENDED")
    assert (await admin.get(f"/orders/{order_id}")).data["status"] == "FAILED"
    seats = (await admin.get(f"/events/{concert.event_id}", include_seats="true")).data["seats"]
    assert {seat["status"] for seat in seats if seat["seat_id"] == seat_id} == {"AVAILABLE"}
    assert (await admin.get(f"/users/{fan.user_id}")).data["credit_balance"] == "1000.00"


@pytest.mark.parametrize("last", ["seller", "buyer"])
async def test_transfer_to_a_suspended_buyer_unwinds(
    *, platform: Stack, admin: UserClient, new_fan: MakeFan, concert: Concert, last: str
) -> None:
    """Only the buyer is told of the suspension."""
    seller, buyer = await new_fan(), await new_fan()
    ticket = await buy(seller, concert, concert.seats["CAT2"][0])
    transfer_id = (await DealCalls.offer(seller, ticket.seat_id, seller=seller, buyer=buyer)).data["transfer_id"]
    first, second = (buyer, seller) if last == "seller" else (seller, buyer)
    assert (await DealCalls.confirm(first, transfer_id)).status == 200
    await suspend(admin, buyer)

    body = {"transfer_id": transfer_id, "otp_code": SANDBOX_OTP}
    refused = await post_past_the_gateway(platform, second, "/transfer/confirm", body)

    assert refused == {"seller": (409, "TRANSFER_INVALID_STATE"), "buyer": (403, "ACCOUNT_SUSPENDED")}[last]
    assert (await admin.get(f"/transfers/{transfer_id}")).data["status"] == "FAILED"
    assert [one["seat_id"] for one in (await seller.get("/tickets")).data] == [ticket.seat_id]
    assert (await admin.get(f"/users/{buyer.user_id}")).data["credit_balance"] == "1000.00"


async def test_sale_of_a_suspended_seller_pays_them(
    *, platform: Stack, admin: UserClient, new_fan: MakeFan, concert: Concert
) -> None:
    """The seller's approval was in flight; the buyer gets the ticket, and the seller the credits."""
    seller, buyer = await new_fan(), await new_fan()
    ticket = await buy(seller, concert, concert.seats["CAT2"][0])
    listing_id = (await DealCalls.list_ticket(seller, ticket.seat_id)).data["listing_id"]
    assert (await buyer.post("/marketplace/buy", {"listing_id": listing_id})).status == 200
    await suspend(admin, seller)

    body = {"listing_id": listing_id, "otp_code": SANDBOX_OTP}
    assert (await post_past_the_gateway(platform, seller, "/marketplace/approve", body))[0] == 200

    assert [one["seat_id"] for one in (await buyer.get("/tickets")).data] == [ticket.seat_id]
    assert (await admin.get(f"/users/{seller.user_id}")).data["credit_balance"] == "1010.00"
