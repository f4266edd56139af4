"""Risky deals: a flagged fan verifies a one-time code before buying from a fan, or receiving for credits (T6)."""

import pytest

from tests.e2e.conftest import MakeFan
from tests.e2e.deal_calls import WRONG_OTP, DealCalls
from tests.e2e.scanner import Ticket, buy
from tests.e2e.user_client import Concert, UserClient


@pytest.fixture
async def flagged(new_fan: MakeFan, admin: UserClient) -> UserClient:
    buyer = await new_fan(balance="500.00")
    await flag(admin, buyer)
    return buyer


@pytest.fixture
async def listing_id(fan: UserClient, ticket: Ticket) -> str:
    """A listing of the fan's ticket for 110.00."""
    return str((await DealCalls.list_ticket(fan, ticket.seat_id)).data["listing_id"])


async def flag(admin: UserClient, fan: UserClient, *, is_flagged: bool = True) -> None:
    assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": is_flagged})).status == 200


class TestMarketplace:
    @pytest.mark.parametrize("keys", [(None, None), ("first", "second"), ("same", "same")])
    async def test_verified_code_lets_the_listing_be_bought(
        self, *, fan: UserClient, flagged: UserClient, listing_id: str, keys: tuple[str | None, str | None]
    ) -> None:
        refused = await DealCalls.buy(flagged, listing_id, key=keys[0])
        assert refused.refused() == (428, "OTP_REQUIRED")
        assert refused.body["details"] == {"context": "marketplace", "reference_id": listing_id}
        assert (await fan.get(f"/marketplace/listings/{listing_id}")).data["status"] == "ACTIVE"
        verified = await DealCalls.prove_purchase(flagged, listing_id)
        assert verified.data == {"verified": True, "context": "marketplace", "reference_id": listing_id}

        bought = await DealCalls.buy(flagged, listing_id, key=keys[1])

        assert bought.data["status"] == "PENDING_TRANSFER", bought.body
        assert await flagged.balance() == "390.00"
        assert (await DealCalls.approve(fan, listing_id)).data["status"] == "COMPLETED"

    async def test_code_is_valid_for_one_listing(
        self, *, fan: UserClient, flagged: UserClient, concert: Concert, listing_id: str
    ) -> None:
        other = await buy(fan, concert, concert.seats["CAT2"][1])
        other_listing = (await DealCalls.list_ticket(fan, other.seat_id)).data["listing_id"]
        await DealCalls.buy(flagged, listing_id)
        await DealCalls.prove_purchase(flagged, listing_id)
        assert (await DealCalls.buy(flagged, other_listing)).refused() == (428, "OTP_REQUIRED")
        assert await flagged.balance() == "500.00"

    async def test_another_fans_code_is_not_valid(
        self, flagged: UserClient, new_fan: MakeFan, admin: UserClient, listing_id: str
    ) -> None:
        other = await new_fan(balance="500.00")
        await flag(admin, other)
        await DealCalls.buy(other, listing_id)
        await DealCalls.prove_purchase(other, listing_id)
        assert (await DealCalls.buy(flagged, listing_id)).refused() == (428, "OTP_REQUIRED")

    async def test_third_wrong_code_requires_another_attempt(self, flagged: UserClient, listing_id: str) -> None:
        await DealCalls.buy(flagged, listing_id)
        wrong = [(await DealCalls.prove_purchase(flagged, listing_id, WRONG_OTP)).code for _ in range(3)]
        assert wrong == ["OTP_INVALID", "OTP_INVALID", "OTP_MAX_RETRIES"]
        assert (await DealCalls.buy(flagged, listing_id)).code == "OTP_REQUIRED"
        assert (await DealCalls.prove_purchase(flagged, listing_id)).status == 200
        assert (await DealCalls.buy(flagged, listing_id)).status == 200

    async def test_no_code_exists_before_an_attempt_to_buy(self, flagged: UserClient, listing_id: str) -> None:
        assert (await DealCalls.prove_purchase(flagged, listing_id)).refused() == (410, "OTP_EXPIRED")

    async def test_code_for_a_sold_listing_is_refused(
        self, *, flagged: UserClient, new_fan: MakeFan, listing_id: str
    ) -> None:
        await DealCalls.buy(flagged, listing_id)
        await DealCalls.buy(await new_fan(balance="500.00"), listing_id)
        assert (await DealCalls.prove_purchase(flagged, listing_id)).refused() == (409, "LISTING_INVALID_STATE")

    async def test_fan_is_asked_from_the_flag_until_it_is_removed(
        self, *, flagged: UserClient, admin: UserClient, listing_id: str
    ) -> None:
        assert (await DealCalls.buy(flagged, listing_id)).code == "OTP_REQUIRED"
        await flag(admin, flagged, is_flagged=False)
        assert (await DealCalls.buy(flagged, listing_id)).data["status"] == "PENDING_TRANSFER"

    async def test_same_key_buys_after_a_top_up(self, new_fan: MakeFan, listing_id: str) -> None:
        poor = await new_fan(balance="100.00")
        assert (await DealCalls.buy(poor, listing_id, key="buy")).refused() == (402, "INSUFFICIENT_CREDITS")
        await poor.top_up("10.00")
        assert (await DealCalls.buy(poor, listing_id, key="buy")).data["status"] == "PENDING_TRANSFER"


class TestTransfer:
    async def test_buyers_own_confirmation_is_the_verification(
        self, fan: UserClient, flagged: UserClient, ticket: Ticket
    ) -> None:
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=flagged)
        transfer_id = offered.data["transfer_id"]
        assert (await DealCalls.confirm(fan, transfer_id)).data["waiting_for"] == ["buyer"]
        assert (await DealCalls.confirm(flagged, transfer_id)).data["status"] == "COMPLETED"
        assert await flagged.balance() == "390.00"

    async def test_seller_confirms_last(self, fan: UserClient, flagged: UserClient, ticket: Ticket) -> None:
        offered = await DealCalls.offer(flagged, ticket.seat_id, seller=fan, buyer=flagged)
        transfer_id = offered.data["transfer_id"]
        await DealCalls.confirm(flagged, transfer_id)
        assert (await DealCalls.confirm(fan, transfer_id)).data["status"] == "COMPLETED"

    async def test_buyer_flagged_during_the_transfer_has_confirmed_already(
        self, *, fan: UserClient, new_fan: MakeFan, admin: UserClient, ticket: Ticket
    ) -> None:
        buyer = await new_fan(balance="500.00")
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)
        await DealCalls.confirm(buyer, offered.data["transfer_id"])
        await flag(admin, buyer)
        assert (await DealCalls.confirm(fan, offered.data["transfer_id"])).data["status"] == "COMPLETED"
