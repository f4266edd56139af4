"""Emails and text messages about a user's tickets."""

from typing import Any

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan
from tests.e2e.user_client import Concert, UserClient
from tests.support.http_client import http_client
from tests.support.waiting import eventually


class Inbox:
    """What the sandbox has received for one user."""

    def __init__(self, stack: Stack, user: UserClient) -> None:
        self._sandbox = stack.urls.sandbox
        self._person = user

    async def emails(self) -> list[dict[str, Any]]:
        return await self._get("/control/mail", to=self._person.email)

    async def email_about(self, beginning: str) -> dict[str, Any]:
        async def look() -> list[dict[str, Any]]:
            emails = await self.emails()
            assert any(email["subject"].startswith(beginning) for email in emails), [
                email["subject"] for email in emails
            ]
            return emails

        emails = await eventually(look)
        return next(email for email in emails if email["subject"].startswith(beginning))

    async def text_messages(self) -> list[str]:
        phone = (await self._person.get(f"/users/{self._person.user_id}")).data["phone"]
        return [sent["text"] for sent in await self._get("/control/sent", mobile=phone) if sent["kind"] == "sms"]

    async def _get(self, path: str, **query: str) -> list[dict[str, Any]]:
        async with http_client(self._sandbox) as http:
            found: list[dict[str, Any]] = (await http.get(path, params=query)).json()
            return found


@pytest.fixture
def inbox(platform: Stack, fan: UserClient) -> Inbox:
    return Inbox(platform, fan)


async def bought(fan: UserClient, concert: Concert, *seats: str) -> str:
    order_id = str((await fan.reserve(concert.event_id, *seats)).data["order_id"])
    assert (await fan.pay(order_id)).status == 200
    return order_id


async def test_purchase_email_links_the_tickets(
    platform: Stack, fan: UserClient, concert: Concert, inbox: Inbox
) -> None:
    seats = concert.seats["CAT2"][:2]
    order_id = await bought(fan, concert, *seats)
    email = await inbox.email_about("Your tickets for Jazz at the Bay")
    for page in (email["text"], email["html"]):
        assert "row B, seat 1" in page
        assert "200.00 credits" in page
        assert order_id in page
        assert all(f"{platform.urls.gateway}/#/tickets/{seat}" in page for seat in seats)
    assert [attachment["content_type"] for attachment in email["attachments"]] == ["image/png", "image/png"]
    assert email["headers"]["To"] == f"{fan.email.partition('@')[0]} <{fan.email}>"
    assert len([email for email in await inbox.emails() if email["subject"].startswith("Your tickets")]) == 1


async def test_refund_is_confirmed_by_email(fan: UserClient, concert: Concert, inbox: Inbox) -> None:
    order_id = await bought(fan, concert, concert.seats["CAT2"][0])
    assert (await fan.post(f"/orders/{order_id}/refund", {"reason": "Ill"})).status == 200
    email = await inbox.email_about("Your refund for Jazz at the Bay")
    assert "100.00 credits" in email["text"]
    assert email["attachments"] == []


async def test_holder_of_a_refunded_ticket_is_told_of_their_own_seat_only(
    *, platform: Stack, fan: UserClient, new_fan: MakeFan, admin: UserClient, concert: Concert, inbox: Inbox
) -> None:
    friend = await new_fan(balance="200.00")
    friend_inbox, [given, kept] = Inbox(platform, friend), concert.seats["CAT2"][:2]
    order_id = await bought(fan, concert, given, kept)
    transfer = {"seat_id": given, "buyer_user_id": friend.user_id, "credits_amount": "110.00"}
    transfer_id = (await fan.post("/transfer/initiate", transfer)).data["transfer_id"]
    both = {"transfer_id": transfer_id, "seller_otp": "123456", "buyer_otp": "123456"}
    assert (await fan.post("/transfer/confirm", both)).data["status"] == "COMPLETED"
    assert (await admin.post(f"/orders/{order_id}/refund")).status == 200

    told = await friend_inbox.email_about("Your refund for Jazz at the Bay")
    for page in (told["text"], told["html"]):
        assert "row B, seat 1" in page
        assert "110.00 credits" in page
        for hidden in (order_id, fan.user_id, "seat 2", "100.00"):
            assert hidden not in page
    own = (await inbox.email_about("Your refund for Jazz at the Bay"))["text"]
    assert "row B, seat 2" in own
    assert "100.00 credits" in own
    assert order_id in own
    assert "seat 1" not in own
    premium = (await inbox.email_about("A ticket that you sold was refunded"))["text"]
    assert "row B, seat 1" in premium
    assert "10.00 credits" in premium
    assert "110.00" not in premium


async def test_cancelled_event_is_announced_by_email_and_sms(
    fan: UserClient, admin: UserClient, concert: Concert, inbox: Inbox
) -> None:
    await bought(fan, concert, concert.seats["CAT2"][0])
    assert (await admin.post(f"/admin/events/{concert.event_id}/cancel")).status in {200, 202}
    email = await inbox.email_about("Cancelled: Jazz at the Bay")
    assert "100.00 credits" in email["text"]
    [text] = await eventually(inbox.text_messages)
    assert text.startswith("TicketRemaster: Jazz at the Bay")


async def test_both_parties_of_a_transfer_get_emails(
    *, platform: Stack, fan: UserClient, concert: Concert, new_fan: MakeFan, inbox: Inbox
) -> None:
    buyer = await new_fan()
    buyer_inbox = Inbox(platform, buyer)
    seat = concert.seats["CAT2"][0]
    await bought(fan, concert, seat)
    initiated = await fan.post(
        "/transfer/initiate",
        {
            "seat_id": seat,
            "seller_user_id": fan.user_id,
            "buyer_user_id": buyer.user_id,
            "credits_amount": "50.00",
        },
    )
    assert initiated.status == 201
    assert "code we sent" in (await inbox.email_about("Hand over your ticket"))["text"]
    assert "code we sent" in (await buyer_inbox.email_about("A ticket is waiting for you"))["text"]
    both = {"transfer_id": initiated.data["transfer_id"], "seller_otp": "123456", "buyer_otp": "123456"}
    assert (await fan.post("/transfer/confirm", both)).data["status"] == "COMPLETED"
    handed_over = await inbox.email_about("Your ticket for Jazz at the Bay was handed over")
    assert handed_over["attachments"] == []
    received = await buyer_inbox.email_about("You have a ticket for Jazz at the Bay")
    assert f"/#/tickets/{seat}" in received["text"]
    assert len(received["attachments"]) == 1
