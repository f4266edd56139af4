"""Resale of tickets between fans (T10)."""

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.deal_calls import WRONG_OTP, DealCalls, expire_wait
from tests.e2e.scanner import ScannerClient, Ticket, buy, end_event
from tests.e2e.user_client import Concert, UserClient
from tests.support.waiting import eventually

BUYERS = 20


@pytest.fixture
async def buyer(new_fan: MakeFan) -> UserClient:
    return await new_fan(balance="500.00")


@pytest.fixture
async def listing_id(fan: UserClient, ticket: Ticket) -> str:
    """A listing of the fan's ticket: bought for 100.00, offered for 110.00."""
    return str((await DealCalls.list_ticket(fan, ticket.seat_id)).data["listing_id"])


class TestExpiry:
    async def test_listing_of_an_event_that_has_begun_is_withdrawn(
        self, *, platform: Stack, fan: UserClient, buyer: UserClient, ticket: Ticket, listing_id: str, concert: Concert
    ) -> None:
        await end_event(platform, concert.event_id)

        async def is_withdrawn() -> bool:
            return bool((await buyer.get(f"/marketplace/listings/{listing_id}")).data["status"] == "CANCELLED")

        await eventually(is_withdrawn)
        assert [own["status"] for own in (await fan.get("/tickets")).data] == ["SOLD"]
        on_market = (await buyer.get("/marketplace/listings", event_id=concert.event_id)).data
        assert ticket.seat_id not in [listing["seat_id"] for listing in on_market]

    async def test_sale_in_progress_ends_by_its_own_rule(
        self, *, platform: Stack, buyer: UserClient, listing_id: str, concert: Concert
    ) -> None:
        bought = await buyer.post("/marketplace/buy", {"listing_id": listing_id})
        assert bought.data["status"] == "PENDING_TRANSFER"
        await end_event(platform, concert.event_id)
        await expire_wait(platform, bought.data["sale_id"])

        async def is_withdrawn() -> bool:
            return bool((await buyer.get(f"/marketplace/listings/{listing_id}")).data["status"] == "CANCELLED")

        await eventually(is_withdrawn)
        assert await buyer.balance() == "500.00"


class TestList:
    async def test_listed_ticket_is_not_admitted(
        self, fan: UserClient, ticket: Ticket, payload: str, scanner: ScannerClient
    ) -> None:
        listed = await DealCalls.list_ticket(fan, ticket.seat_id)
        assert listed.status == 201
        assert (listed.data["status"], listed.data["asking_price"]) == ("ACTIVE", "110.00")
        assert (await fan.get("/tickets")).data[0]["status"] == "LISTED"
        assert (await fan.get(f"/tickets/{ticket.seat_id}/qr")).refused() == (409, "SEAT_UNAVAILABLE")
        assert await scanner.result_of(payload) == "EXPIRED"

    async def test_price_above_the_cap_is_refused(self, fan: UserClient, ticket: Ticket) -> None:
        above = await DealCalls.list_ticket(fan, ticket.seat_id, "120.01")
        assert above.refused() == (400, "PRICE_ABOVE_CAP")
        assert above.body["details"] == {"highest_price": "120.00"}
        assert (await DealCalls.list_ticket(fan, ticket.seat_id, "120.00")).status == 201

    async def test_event_sets_the_cap(self, fan: UserClient, new_concert: MakeConcert) -> None:
        concert = await new_concert(resale_cap_percent=100)
        own = await buy(fan, concert, concert.seats["CAT2"][0])
        assert (await DealCalls.list_ticket(fan, own.seat_id, "100.01")).code == "PRICE_ABOVE_CAP"

    async def test_second_listing_of_a_ticket_is_refused(self, fan: UserClient, ticket: Ticket) -> None:
        first, same = [await DealCalls.list_ticket(fan, ticket.seat_id, key="list") for _ in range(2)]
        assert first.data == same.data
        again = await DealCalls.list_ticket(fan, ticket.seat_id)
        assert again.refused() == (409, "LISTING_INVALID_STATE")

    async def test_another_fan_is_refused(self, buyer: UserClient, ticket: Ticket) -> None:
        assert (await DealCalls.list_ticket(buyer, ticket.seat_id)).refused() == (403, "NOT_SEAT_OWNER")
        assert (await DealCalls.list_ticket(buyer, str(uuid.uuid4()))).refused() == (404, "SEAT_NOT_FOUND")

    async def test_ticket_in_transfer_cannot_be_listed(
        self, fan: UserClient, buyer: UserClient, ticket: Ticket
    ) -> None:
        await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)
        assert (await DealCalls.list_ticket(fan, ticket.seat_id)).refused() == (409, "TRANSFER_IN_PROGRESS")

    @pytest.mark.parametrize("price", ["0", "-1", "1.001", "a lot", None])
    async def test_invalid_price(self, fan: UserClient, ticket: Ticket, price: str | None) -> None:
        listed = await fan.post("/marketplace/list", {"seat_id": ticket.seat_id, "asking_price": price})
        assert listed.refused() == (400, "VALIDATION_ERROR")


class TestSale:
    async def test_credits_stay_in_escrow_until_the_seller_approves(
        self, *, fan: UserClient, buyer: UserClient, ticket: Ticket, listing_id: str, scanner: ScannerClient
    ) -> None:
        bought = await DealCalls.buy(buyer, listing_id)
        assert (bought.data["status"], bought.data["credits_held"]) == ("PENDING_TRANSFER", "110.00")
        assert datetime.fromisoformat(bought.data["expires_at"]) - datetime.now(UTC) > timedelta(hours=23)
        assert (await fan.balance(), await buyer.balance()) == ("900.00", "390.00")
        assert (await DealCalls.approve(fan, listing_id, WRONG_OTP)).refused() == (401, "OTP_INVALID")
        approved = await DealCalls.approve(fan, listing_id)
        assert approved.data == {
            "listing_id": listing_id,
            "status": "COMPLETED",
            "new_owner_user_id": buyer.user_id,
            "credits_received": "110.00",
        }
        assert (await fan.balance(), await buyer.balance()) == ("1010.00", "390.00")
        fresh = (await buyer.get(f"/tickets/{ticket.seat_id}/qr")).data["qr_payload"]
        assert await scanner.result_of(fresh) == "SUCCESS"
        assert (await DealCalls.approve(fan, listing_id)).data == approved.data

    async def test_repeated_key_buys_once(self, buyer: UserClient, listing_id: str) -> None:
        first, same = [await DealCalls.buy(buyer, listing_id, key="buy") for _ in range(2)]
        assert first.data == same.data
        assert await buyer.balance() == "390.00"

    async def test_repeated_purchase_is_not_pending_after_its_end(
        self, fan: UserClient, buyer: UserClient, listing_id: str
    ) -> None:
        assert (await DealCalls.buy(buyer, listing_id, key="buy")).status == 200
        assert (await fan.post("/marketplace/cancel", {"listing_id": listing_id})).status == 200
        assert (await DealCalls.buy(buyer, listing_id, key="buy")).refused() == (409, "LISTING_INVALID_STATE")

    async def test_own_listing_cannot_be_bought(self, fan: UserClient, listing_id: str) -> None:
        assert (await DealCalls.buy(fan, listing_id)).refused() == (400, "SELF_TRANSFER")

    async def test_too_few_credits(self, new_fan: MakeFan, fan: UserClient, listing_id: str) -> None:
        poor = await new_fan(balance="109.99")
        assert (await DealCalls.buy(poor, listing_id)).refused() == (402, "INSUFFICIENT_CREDITS")
        assert (await fan.get(f"/marketplace/listings/{listing_id}")).data["status"] == "ACTIVE"

    async def test_third_wrong_code_requires_a_new_one(
        self, fan: UserClient, buyer: UserClient, listing_id: str
    ) -> None:
        await DealCalls.buy(buyer, listing_id)
        wrong = [(await DealCalls.approve(fan, listing_id, WRONG_OTP)).code for _ in range(3)]
        assert wrong == ["OTP_INVALID", "OTP_INVALID", "OTP_MAX_RETRIES"]
        assert (await DealCalls.approve(fan, listing_id)).refused() == (429, "OTP_MAX_RETRIES")
        resent = await fan.post("/resend-otp", {"context": "marketplace", "reference_id": listing_id})
        assert resent.status == 200, resent.body
        assert (await DealCalls.approve(fan, listing_id)).data["status"] == "COMPLETED"

    async def test_key_of_another_sale_is_refused(
        self, *, fan: UserClient, buyer: UserClient, concert: Concert, listing_id: str
    ) -> None:
        await DealCalls.buy(buyer, listing_id)
        assert (await DealCalls.approve(fan, listing_id, key="approve")).status == 200
        other = await buy(fan, concert, concert.seats["CAT2"][1])
        second = (await DealCalls.list_ticket(fan, other.seat_id)).data["listing_id"]
        await DealCalls.buy(buyer, second)
        assert (await DealCalls.approve(fan, second, key="approve")).refused() == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_sale_expires_with_the_event_at_the_latest(
        self, fan: UserClient, buyer: UserClient, new_concert: MakeConcert
    ) -> None:
        soon = datetime.now(UTC) + timedelta(hours=2)
        concert = await new_concert(event_date=soon.isoformat())
        own = await buy(fan, concert, concert.seats["CAT2"][0])
        listing_id = (await DealCalls.list_ticket(fan, own.seat_id)).data["listing_id"]
        bought = await DealCalls.buy(buyer, listing_id)
        assert datetime.fromisoformat(bought.data["expires_at"]) == soon

    async def test_only_the_seller_approves(self, buyer: UserClient, listing_id: str) -> None:
        await DealCalls.buy(buyer, listing_id)
        assert (await DealCalls.approve(buyer, listing_id)).refused() == (403, "FORBIDDEN")

    async def test_approving_an_unsold_listing_is_refused(self, fan: UserClient, listing_id: str) -> None:
        assert (await DealCalls.approve(fan, listing_id)).refused() == (409, "LISTING_INVALID_STATE")
        assert (await DealCalls.approve(fan, str(uuid.uuid4()))).refused() == (404, "LISTING_NOT_FOUND")

    async def test_expired_sale_returns_credits_and_reactivates_the_listing(
        self, platform: Stack, fan: UserClient, buyer: UserClient, listing_id: str
    ) -> None:
        sale_id = (await DealCalls.buy(buyer, listing_id)).data["sale_id"]
        await expire_wait(platform, sale_id)

        async def is_active_again() -> bool:
            return bool((await fan.get(f"/marketplace/listings/{listing_id}")).data["status"] == "ACTIVE")

        await eventually(is_active_again)
        assert await buyer.balance() == "500.00"
        assert (await DealCalls.approve(fan, listing_id)).refused() == (409, "LISTING_INVALID_STATE")
        assert (await DealCalls.buy(buyer, listing_id)).data["status"] == "PENDING_TRANSFER"


class TestCancel:
    async def test_cancelled_listing_makes_the_ticket_valid_again(
        self, fan: UserClient, ticket: Ticket, listing_id: str
    ) -> None:
        for _ in range(2):
            cancelled = await fan.post("/marketplace/cancel", {"listing_id": listing_id})
            assert cancelled.data["status"] == "CANCELLED"
        assert (await fan.get(f"/tickets/{ticket.seat_id}/qr")).status == 200
        assert (await DealCalls.list_ticket(fan, ticket.seat_id)).status == 201

    async def test_cancelling_declines_the_pending_sale(
        self, fan: UserClient, buyer: UserClient, listing_id: str
    ) -> None:
        await DealCalls.buy(buyer, listing_id)
        assert (await fan.post("/marketplace/cancel", {"listing_id": listing_id})).data["status"] == "CANCELLED"
        assert await buyer.balance() == "500.00"

    async def test_another_fan_is_refused(self, buyer: UserClient, listing_id: str) -> None:
        assert (await buyer.post("/marketplace/cancel", {"listing_id": listing_id})).refused() == (403, "FORBIDDEN")

    async def test_sold_listing_cannot_be_cancelled(self, fan: UserClient, buyer: UserClient, listing_id: str) -> None:
        await DealCalls.buy(buyer, listing_id)
        await DealCalls.approve(fan, listing_id)
        cancelled = await fan.post("/marketplace/cancel", {"listing_id": listing_id})
        assert cancelled.refused() == (409, "LISTING_INVALID_STATE")


class TestReading:
    async def test_listings_of_an_event(self, buyer: UserClient, concert: Concert, listing_id: str) -> None:
        market = await buyer.get("/marketplace/listings", event_id=concert.event_id)
        assert [listing["listing_id"] for listing in market.data] == [listing_id]
        assert market.data[0]["asking_price"] == "110.00"
        assert (await buyer.get("/marketplace/listings", event_id=concert.event_id, status="COMPLETED")).data == []

    async def test_my_listings(self, fan: UserClient, buyer: UserClient, listing_id: str) -> None:
        assert [listing["listing_id"] for listing in (await fan.get("/listings")).data] == [listing_id]
        assert (await buyer.get("/listings")).data == []
        await DealCalls.buy(buyer, listing_id)
        assert [listing["listing_id"] for listing in (await buyer.get("/listings")).data] == [listing_id]


async def test_one_of_twenty_buyers_gets_the_listing(new_fan: MakeFan, fan: UserClient, listing_id: str) -> None:
    buyers = await asyncio.gather(*(new_fan(balance="200.00") for _ in range(BUYERS)))
    answers = await asyncio.gather(*(DealCalls.buy(buyer, listing_id) for buyer in buyers))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: BUYERS - 1}
    assert {answer.code for answer in answers if answer.status == 409} == {"LISTING_INVALID_STATE"}
    balances = Counter([await buyer.balance() for buyer in buyers])
    assert balances == {"200.00": BUYERS - 1, "90.00": 1}
    assert (await DealCalls.approve(fan, listing_id)).data["status"] == "COMPLETED"
