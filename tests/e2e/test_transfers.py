"""Transfers of a ticket between fans (T8), and disputes (T9)."""

import uuid

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan
from tests.e2e.deal_calls import WRONG_OTP, DealCalls, expire_wait, sandbox_fault
from tests.e2e.scanner import ScannerClient, Ticket, buy
from tests.e2e.user_client import SANDBOX_OTP, Concert, UserClient
from tests.support.waiting import eventually


@pytest.fixture
async def buyer(new_fan: MakeFan) -> UserClient:
    return await new_fan(balance="500.00")


@pytest.fixture
async def pending(fan: UserClient, buyer: UserClient, ticket: Ticket) -> str:
    return str((await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)).data["transfer_id"])


async def owner_of(ticket: Ticket, *user_clients: UserClient) -> UserClient:
    [owner] = [p for p in user_clients if ticket.seat_id in {t["seat_id"] for t in (await p.get("/tickets")).data}]
    return owner


class TestInitiate:
    async def test_seller_initiates(self, fan: UserClient, buyer: UserClient, ticket: Ticket) -> None:
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)
        assert offered.status == 201
        assert (offered.data["status"], offered.data["seat_id"]) == ("PENDING_OTP", ticket.seat_id)
        assert offered.data["waiting_for"] == ["seller", "buyer"]

    async def test_buyer_initiates(self, fan: UserClient, buyer: UserClient, ticket: Ticket) -> None:
        offered = await DealCalls.offer(buyer, ticket.seat_id, seller=fan, buyer=buyer)
        assert offered.status == 201
        transfer_id = offered.data["transfer_id"]
        await DealCalls.confirm(buyer, transfer_id)
        assert (await DealCalls.confirm(fan, transfer_id)).data["status"] == "COMPLETED"

    async def test_to_a_proven_email_address(self, fan: UserClient, buyer: UserClient, ticket: Ticket) -> None:
        body = {"seat_id": ticket.seat_id, "buyer_email": buyer.email.upper(), "credits_amount": 0}
        unproven = await fan.post("/transfer/initiate", body)
        assert unproven.refused() == (404, "USER_NOT_FOUND")
        assert "proven that email address" in unproven.body["message"]
        await buyer.prove_email()
        assert (await fan.post("/transfer/initiate", body)).status == 201

    async def test_repeated_key_opens_one_transfer(self, fan: UserClient, buyer: UserClient, ticket: Ticket) -> None:
        first, second = [
            await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer, key="offer") for _ in range(2)
        ]
        assert first.data == second.data
        other = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer, credits_="1", key="offer")
        assert other.refused() == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_second_pending_transfer_is_refused(
        self, fan: UserClient, buyer: UserClient, ticket: Ticket, pending: str
    ) -> None:
        again = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)
        assert again.refused() == (409, "TRANSFER_IN_PROGRESS")
        assert pending

    async def test_transfer_to_self_is_refused(self, fan: UserClient, ticket: Ticket) -> None:
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=fan)
        assert offered.refused() == (400, "SELF_TRANSFER")

    async def test_another_fans_ticket_is_refused(
        self, fan: UserClient, buyer: UserClient, new_fan: MakeFan, ticket: Ticket
    ) -> None:
        stranger = await new_fan(balance="0")
        offered = await DealCalls.offer(stranger, ticket.seat_id, seller=stranger, buyer=buyer)
        assert offered.refused() == (403, "NOT_SEAT_OWNER")
        offered = await DealCalls.offer(stranger, ticket.seat_id, seller=fan, buyer=buyer)
        assert offered.refused() == (403, "FORBIDDEN")

    async def test_refused_request_reveals_nothing_about_the_ticket(
        self, *, fan: UserClient, buyer: UserClient, ticket: Ticket, payload: str, scanner: ScannerClient
    ) -> None:
        assert await scanner.result_of(payload) == "SUCCESS"
        offered_by_buyer = await DealCalls.offer(buyer, ticket.seat_id, seller=fan, buyer=buyer)
        assert offered_by_buyer.refused() == (403, "NOT_SEAT_OWNER")
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)
        assert offered.refused() == (409, "ORDER_INVALID_STATE")

    async def test_non_owner_cannot_probe_for_accounts(self, buyer: UserClient, ticket: Ticket) -> None:
        body = {"seat_id": ticket.seat_id, "buyer_email": "unknown@example.com", "credits_amount": "1"}
        assert (await buyer.post("/transfer/initiate", body)).refused() == (403, "NOT_SEAT_OWNER")

    async def test_unsold_seat(self, fan: UserClient, buyer: UserClient, concert: Concert) -> None:
        offered = await DealCalls.offer(fan, concert.seats["CAT1"][5], seller=fan, buyer=buyer)
        assert offered.refused() == (403, "NOT_SEAT_OWNER")

    async def test_unknown_seat_and_unknown_buyer(self, fan: UserClient, buyer: UserClient, ticket: Ticket) -> None:
        offered = await DealCalls.offer(fan, str(uuid.uuid4()), seller=fan, buyer=buyer)
        assert offered.refused() == (404, "SEAT_NOT_FOUND")
        body = {"seat_id": ticket.seat_id, "buyer_email": "unknown@example.com", "credits_amount": "1"}
        assert (await fan.post("/transfer/initiate", body)).refused() == (404, "USER_NOT_FOUND")

    async def test_buyer_with_too_few_credits_is_refused_at_once(
        self, fan: UserClient, new_fan: MakeFan, ticket: Ticket
    ) -> None:
        buyer = await new_fan(balance="50.00")
        offered = await DealCalls.offer(buyer, ticket.seat_id, seller=fan, buyer=buyer, credits_="50.01")
        assert offered.refused() == (402, "INSUFFICIENT_CREDITS")

    async def test_amount_above_the_cap_is_refused(self, fan: UserClient, buyer: UserClient, ticket: Ticket) -> None:
        for caller in (fan, buyer):
            offered = await DealCalls.offer(caller, ticket.seat_id, seller=fan, buyer=buyer, credits_="120.01")
            assert offered.refused() == (400, "PRICE_ABOVE_CAP")
            assert offered.body["details"] == {"highest_price": "120.00"}
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer, credits_="120.00")
        assert offered.status == 201

    async def test_unavailable_otp_provider_creates_no_transfer(
        self, platform: Stack, fan: UserClient, buyer: UserClient, ticket: Ticket
    ) -> None:
        await sandbox_fault(platform, "/SendOTP", status=503)
        try:
            offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer, key="same")
        finally:
            await sandbox_fault(platform, None)
        assert offered.refused() == (503, "SERVICE_UNAVAILABLE")
        assert (await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer, key="same")).status == 201


class TestConfirm:
    async def test_parties_confirm_one_after_the_other(
        self, fan: UserClient, buyer: UserClient, ticket: Ticket, pending: str
    ) -> None:
        first = await DealCalls.confirm(fan, pending)
        assert (first.data["status"], first.data["waiting_for"]) == ("PENDING_OTP", ["buyer"])
        second = await DealCalls.confirm(buyer, pending)
        assert second.data == {
            "transfer_id": pending,
            "status": "COMPLETED",
            "new_owner_user_id": buyer.user_id,
            "credits_transferred": "110.00",
        }
        assert await owner_of(ticket, fan, buyer) is buyer
        assert (await fan.balance(), await buyer.balance()) == ("1010.00", "390.00")
        assert (await DealCalls.confirm(buyer, pending)).data == second.data

    async def test_both_codes_in_one_request(
        self, fan: UserClient, buyer: UserClient, ticket: Ticket, pending: str
    ) -> None:
        both = {"transfer_id": pending, "seller_otp": SANDBOX_OTP, "buyer_otp": SANDBOX_OTP}
        assert (await fan.post("/transfer/confirm", both)).data["status"] == "COMPLETED"
        assert await owner_of(ticket, fan, buyer) is buyer

    async def test_confirmation_through_verify_otp(self, fan: UserClient, buyer: UserClient, pending: str) -> None:
        proof = {"otp_code": SANDBOX_OTP, "context": "transfer", "reference_id": pending}
        assert (await fan.post("/verify-otp", proof)).data["waiting_for"] == ["buyer"]
        assert (await buyer.post("/verify-otp", proof)).data["status"] == "COMPLETED"

    async def test_third_wrong_code_fails_the_transfer(
        self, fan: UserClient, buyer: UserClient, ticket: Ticket, pending: str
    ) -> None:
        await DealCalls.confirm(fan, pending)
        wrong = [(await DealCalls.confirm(buyer, pending, WRONG_OTP)).refused() for _ in range(2)]
        assert wrong == [(401, "OTP_INVALID")] * 2
        assert (await fan.get(f"/transfers/{pending}")).data["status"] == "PENDING_OTP"
        assert (await DealCalls.confirm(buyer, pending, WRONG_OTP)).refused() == (429, "OTP_MAX_RETRIES")
        ended = (await fan.get(f"/transfers/{pending}")).data
        assert (ended["status"], ended["reason"]) == ("FAILED", "OTP_MAX_RETRIES")
        assert (await DealCalls.confirm(buyer, pending)).refused() == (409, "TRANSFER_INVALID_STATE")
        assert await owner_of(ticket, fan, buyer) is fan

    async def test_too_few_credits_keep_the_transfer_pending(
        self, fan: UserClient, new_fan: MakeFan, ticket: Ticket
    ) -> None:
        buyer = await new_fan(balance="100.00")
        offered = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)
        transfer_id = offered.data["transfer_id"]
        await DealCalls.confirm(fan, transfer_id)
        assert (await DealCalls.confirm(buyer, transfer_id, key="c")).refused() == (402, "INSUFFICIENT_CREDITS")
        assert (await buyer.balance(), await owner_of(ticket, fan, buyer)) == ("100.00", fan)
        await buyer.top_up("10.00")
        assert (await DealCalls.confirm(buyer, transfer_id, key="c")).data["status"] == "COMPLETED"
        assert (await fan.balance(), await buyer.balance()) == ("1010.00", "0.00")

    async def test_key_of_another_transfer_is_refused(
        self, *, fan: UserClient, buyer: UserClient, ticket: Ticket, concert: Concert
    ) -> None:
        await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer, credits_="1.00", key="confirm")
        other = await buy(fan, concert, concert.seats["CAT2"][1])
        offered = await DealCalls.offer(fan, other.seat_id, seller=fan, buyer=buyer)
        await DealCalls.confirm(fan, offered.data["transfer_id"])
        confirmed = await DealCalls.confirm(buyer, offered.data["transfer_id"], key="confirm")
        assert confirmed.refused() == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_repeated_offer_is_not_pending_after_cancellation(
        self, fan: UserClient, buyer: UserClient, ticket: Ticket
    ) -> None:
        first = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer, key="offer")
        await buyer.post("/transfer/cancel", {"transfer_id": first.data["transfer_id"]})
        again = await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer, key="offer")
        assert again.refused() == (409, "TRANSFER_INVALID_STATE")

    async def test_transfer_for_zero_credits(self, fan: UserClient, buyer: UserClient, ticket: Ticket) -> None:
        await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer, credits_="0")
        assert await owner_of(ticket, fan, buyer) is buyer

    async def test_other_users_are_refused(self, new_fan: MakeFan, pending: str) -> None:
        stranger = await new_fan(balance="0")
        assert (await DealCalls.confirm(stranger, pending)).refused() == (403, "FORBIDDEN")
        assert (await stranger.post("/transfer/cancel", {"transfer_id": pending})).refused() == (403, "FORBIDDEN")
        assert (await stranger.get(f"/transfers/{pending}")).refused() == (403, "FORBIDDEN")
        unknown = await DealCalls.confirm(stranger, str(uuid.uuid4()))
        assert unknown.refused() == (404, "TRANSFER_NOT_FOUND")

    async def test_invalid_combination_of_codes_is_refused(self, fan: UserClient, pending: str) -> None:
        for body in (
            {},
            {"seller_otp": SANDBOX_OTP},
            {"otp_code": SANDBOX_OTP, "seller_otp": SANDBOX_OTP, "buyer_otp": SANDBOX_OTP},
        ):
            refused = await fan.post("/transfer/confirm", {"transfer_id": pending} | body)
            assert refused.refused() == (400, "VALIDATION_ERROR")

    async def test_former_owners_code_is_not_admitted(
        self, *, fan: UserClient, buyer: UserClient, ticket: Ticket, payload: str, scanner: ScannerClient
    ) -> None:
        await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        assert await scanner.result_of(payload) == "NOT_OWNER"
        assert (await fan.get(f"/tickets/{ticket.seat_id}/qr")).refused() == (403, "NOT_SEAT_OWNER")
        fresh = (await buyer.get(f"/tickets/{ticket.seat_id}/qr")).data["qr_payload"]
        assert await scanner.result_of(fresh) == "SUCCESS"


class TestEnd:
    async def test_unconfirmed_transfer_expires(
        self, *, platform: Stack, fan: UserClient, buyer: UserClient, ticket: Ticket, pending: str
    ) -> None:
        await DealCalls.confirm(fan, pending)
        await expire_wait(platform, pending)

        async def has_failed() -> bool:
            return bool((await fan.get(f"/transfers/{pending}")).data["status"] == "FAILED")

        await eventually(has_failed)
        assert (await DealCalls.offer(fan, ticket.seat_id, seller=fan, buyer=buyer)).status == 201

    @pytest.mark.parametrize("who", ["seller", "buyer"])
    async def test_either_party_cancels(self, fan: UserClient, buyer: UserClient, pending: str, who: str) -> None:
        party = fan if who == "seller" else buyer
        for _ in range(2):
            cancelled = await party.post("/transfer/cancel", {"transfer_id": pending})
            assert cancelled.data["status"] == "CANCELLED"
        assert (await DealCalls.confirm(fan, pending)).refused() == (409, "TRANSFER_INVALID_STATE")

    async def test_completed_transfer_cannot_be_cancelled(
        self, fan: UserClient, buyer: UserClient, ticket: Ticket
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        cancelled = await fan.post("/transfer/cancel", {"transfer_id": transfer_id})
        assert cancelled.refused() == (409, "TRANSFER_INVALID_STATE")


class TestDispute:
    async def test_reversal_succeeds_after_the_seller_spent_the_credits(
        self, *, fan: UserClient, buyer: UserClient, admin: UserClient, ticket: Ticket, concert: Concert
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        for seat in [*concert.seats["CAT1"][:2], *concert.seats["CAT2"][1:4]]:
            await buy(fan, concert, seat)
        assert await fan.balance() == "10.00"
        disputed = await buyer.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Never agreed"})
        assert disputed.data["status"] == "DISPUTED"
        reversed_ = await admin.post("/transfer/reverse", {"transfer_id": transfer_id})
        assert reversed_.data == {
            "transfer_id": transfer_id,
            "status": "REVERSED",
            "restored_owner_user_id": fan.user_id,
            "credits_returned": "110.00",
            "shortfall": "100.00",
        }
        assert (await fan.balance(), await buyer.balance()) == ("0.00", "500.00")
        assert await owner_of(ticket, fan, buyer) is fan
        owing = {r["user_id"]: r["amount"] for r in (await admin.get("/admin/receivables", per_page=100)).data}
        assert owing[fan.user_id] == "100.00"

    async def test_admin_withdraws_the_buyers_listing_before_a_reversal(
        self, *, fan: UserClient, buyer: UserClient, admin: UserClient, ticket: Ticket
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        listing_id = (await DealCalls.list_ticket(buyer, ticket.seat_id, "100.00")).data["listing_id"]
        assert (
            await fan.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Never agreed"})
        ).status == 200
        assert (await fan.post("/marketplace/cancel", {"listing_id": listing_id})).refused() == (403, "FORBIDDEN")
        withdrawn = await admin.post("/marketplace/cancel", {"listing_id": listing_id})
        assert withdrawn.data["status"] == "CANCELLED"
        assert (await admin.post("/transfer/reverse", {"transfer_id": transfer_id})).data["status"] == "REVERSED"
        assert await owner_of(ticket, fan, buyer) is fan

    async def test_only_parties_dispute_and_only_admins_decide(
        self, fan: UserClient, buyer: UserClient, new_fan: MakeFan, ticket: Ticket
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        complaint = {"transfer_id": transfer_id, "reason": "Mine"}
        stranger = await new_fan(balance="0")
        assert (await stranger.post("/transfer/dispute", complaint)).refused() == (403, "FORBIDDEN")
        assert (await fan.post("/transfer/dispute", complaint)).status == 200
        assert (await buyer.post("/transfer/dispute", complaint)).refused() == (409, "TRANSFER_INVALID_STATE")
        for path in ("reverse", "dismiss"):
            refused = await buyer.post(f"/transfer/{path}", {"transfer_id": transfer_id})
            assert refused.refused() == (403, "FORBIDDEN")

    async def test_disputed_ticket_cannot_change_hands(
        self, fan: UserClient, buyer: UserClient, admin: UserClient, ticket: Ticket
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        await fan.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Not paid enough"})
        passed_on = await DealCalls.offer(buyer, ticket.seat_id, seller=buyer, buyer=fan)
        assert passed_on.refused() == (409, "TRANSFER_IN_PROGRESS")
        assert (await DealCalls.list_ticket(buyer, ticket.seat_id, "100.00")).refused() == (409, "TRANSFER_IN_PROGRESS")
        dismissed = await admin.post("/transfer/dismiss", {"transfer_id": transfer_id})
        assert dismissed.data["status"] == "COMPLETED"
        again = await fan.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Still"})
        assert again.refused() == (409, "TRANSFER_INVALID_STATE")
        assert (await DealCalls.list_ticket(buyer, ticket.seat_id, "100.00")).status == 201

    async def test_earlier_transfer_cannot_be_disputed_after_a_later_one(
        self, *, fan: UserClient, buyer: UserClient, new_fan: MakeFan, ticket: Ticket
    ) -> None:
        first = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        friend = await new_fan(balance="500.00")
        await DealCalls.complete(ticket.seat_id, seller=buyer, buyer=friend)
        disputed = await fan.post("/transfer/dispute", {"transfer_id": first, "reason": "Regret"})
        assert disputed.refused() == (409, "TRANSFER_INVALID_STATE")
        assert (await DealCalls.list_ticket(friend, ticket.seat_id, "100.00")).status == 201

    async def test_dispute_stops_a_pending_transfer(
        self, *, fan: UserClient, buyer: UserClient, new_fan: MakeFan, admin: UserClient, ticket: Ticket
    ) -> None:
        first = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        friend = await new_fan(balance="500.00")
        second = (await DealCalls.offer(buyer, ticket.seat_id, seller=buyer, buyer=friend)).data["transfer_id"]
        await DealCalls.confirm(buyer, second)
        await fan.post("/transfer/dispute", {"transfer_id": first, "reason": "Never agreed"})
        assert (await DealCalls.confirm(friend, second)).refused() == (409, "TRANSFER_INVALID_STATE")
        reversed_ = await admin.post("/transfer/reverse", {"transfer_id": first})
        assert reversed_.data["restored_owner_user_id"] == fan.user_id

    async def test_transfer_of_a_resold_seat_cannot_be_disputed(
        self, *, fan: UserClient, buyer: UserClient, admin: UserClient, ticket: Ticket, concert: Concert
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer, credits_="0")
        [order] = (await fan.get("/orders")).data
        assert (await admin.post(f"/orders/{order['order_id']}/refund")).status == 200
        await buy(buyer, concert, ticket.seat_id)
        disputed = await fan.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Mine"})
        assert disputed.refused() == (409, "TRANSFER_INVALID_STATE")
        assert await owner_of(ticket, fan, buyer) is buyer

    async def test_undisputed_transfer_cannot_be_reversed(
        self, fan: UserClient, buyer: UserClient, admin: UserClient, ticket: Ticket
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        reversed_ = await admin.post("/transfer/reverse", {"transfer_id": transfer_id})
        assert reversed_.refused() == (409, "TRANSFER_INVALID_STATE")
        disputes = await admin.get("/admin/transfers", status="DISPUTED", per_page=100)
        assert transfer_id not in {transfer["transfer_id"] for transfer in disputes.data}

    async def test_used_ticket_cannot_be_reversed(
        self, *, fan: UserClient, buyer: UserClient, admin: UserClient, ticket: Ticket, scanner: ScannerClient
    ) -> None:
        transfer_id = await DealCalls.complete(ticket.seat_id, seller=fan, buyer=buyer)
        fresh = (await buyer.get(f"/tickets/{ticket.seat_id}/qr")).data["qr_payload"]
        assert await scanner.result_of(fresh) == "SUCCESS"
        await fan.post("/transfer/dispute", {"transfer_id": transfer_id, "reason": "Too late"})
        reversed_ = await admin.post("/transfer/reverse", {"transfer_id": transfer_id})
        assert reversed_.refused() == (409, "SEAT_UNAVAILABLE")
        assert (await fan.get(f"/transfers/{transfer_id}")).data["status"] == "DISPUTED"


async def test_only_own_transfers_are_listed(
    fan: UserClient, buyer: UserClient, new_fan: MakeFan, pending: str
) -> None:
    for party in (fan, buyer):
        listed = await party.get("/transfers")
        assert [transfer["transfer_id"] for transfer in listed.data] == [pending]
        assert listed.body["pagination"]["total"] == 1
    assert (await (await new_fan(balance="0")).get("/transfers")).data == []
