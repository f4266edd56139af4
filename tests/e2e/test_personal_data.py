"""A fan exports their data and deletes their account (W1)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.scanner import ScannerClient, Ticket, buy, end_event
from tests.e2e.user_client import SANDBOX_OTP, USER_PASSWORD, Concert, UserClient
from tests.support.waiting import eventually


async def export(fan: UserClient) -> dict[str, Any]:
    answer = await fan.get("/users/me/export")
    assert answer.status == 200, answer.body
    return dict(answer.data)


class TestExport:
    async def test_has_what_all_services_store_of_the_user_and_of_nobody_else(
        self, *, fan: UserClient, new_fan: MakeFan, concert: Concert, scanner: ScannerClient
    ) -> None:
        friend = await new_fan(balance="500.00")
        passed_on, kept, listed = [await buy(fan, concert, seat_id) for seat_id in concert.seats["CAT2"][:3]]
        transfer_id = await DealCalls.complete(passed_on.seat_id, seller=fan, buyer=friend)
        listing_id = (await DealCalls.list_ticket(fan, listed.seat_id)).data["listing_id"]
        await scanner.scan(scanner.code_for(kept))

        async def notified() -> list[str]:
            kinds = [entry["message"]["type"] for entry in (await export(fan))["notifications"]]
            assert kinds.count("order.confirmed") == 3
            return kinds

        await eventually(notified)
        data = await export(fan)

        assert datetime.fromisoformat(data["exported_at"]) <= datetime.now(UTC)
        assert (data["profile"]["user_id"], data["profile"]["email"]) == (fan.user_id, fan.email)
        assert len(data["sessions"]) == 1
        assert [entry["kind"] for entry in data["credits"]].count("deduct") == 3
        assert len(data["orders"]) == 3
        assert [(item["transfer_id"], item["role"]) for item in data["transfers"]] == [(transfer_id, "seller")]
        assert [item["listing_id"] for item in data["listings"]] == [listing_id]
        assert {item["seat_id"] for item in data["tickets"]} == {kept.seat_id, listed.seat_id}
        assert [(item["seat_id"], item["result"]) for item in data["scans"]] == [(kept.seat_id, "SUCCESS")]
        for other in (friend.user_id, friend.email, scanner.staff.user_id):
            assert other not in str(data)

    async def test_is_limited(self, new_fan: MakeFan) -> None:
        fan = await new_fan(balance="0")
        answers = [await fan.get("/users/me/export") for _ in range(6)]
        assert [answer.status for answer in answers] == [200] * 5 + [429]


class TestDeletion:
    async def test_open_things_are_named(self, fan: UserClient, concert: Concert, ticket: Ticket) -> None:
        await fan.reserve(concert.event_id, concert.seats["CAT1"][0])
        other = await buy(fan, concert, concert.seats["CAT2"][1])
        await DealCalls.list_ticket(fan, other.seat_id)

        refused = await fan.delete_account()
        forfeited = await fan.delete_account(forfeit=True)

        assert refused.refused() == (409, "ACCOUNT_IN_USE")
        assert refused.body["details"] == {"orders": 1, "sagas": 1, "listings": 1, "tickets": 2, "credits": "800.00"}
        assert forfeited.body["details"] == {"orders": 1, "sagas": 1, "listings": 1}
        assert (await fan.get(f"/users/{fan.user_id}")).status == 200
        assert ticket.seat_id in {item["seat_id"] for item in (await fan.get("/tickets")).data}

    async def test_wrong_password_is_refused(self, new_fan: MakeFan) -> None:
        fan = await new_fan(balance="0")
        assert (await fan.delete_account("not the password")).refused() == (403, "PASSWORD_INVALID")
        assert (await fan.get("/credits/balance")).status == 200

    async def test_person_goes_and_the_books_stay(
        self, *, fan: UserClient, ticket: Ticket, admin: UserClient, anonymous: UserClient
    ) -> None:
        deleted = await fan.delete_account(forfeit=True)
        assert deleted.data == {"status": "DELETED", "credits_forfeited": "900.00", "tickets_forfeited": 1}

        async def is_logged_out() -> bool:
            return (await fan.get("/credits/balance")).status == 401

        await eventually(is_logged_out)
        login = {"email": fan.email, "password": USER_PASSWORD}
        assert (await anonymous.post("/auth/login", login)).refused() == (401, "UNAUTHORIZED")

        attendees = (await admin.get(f"/admin/events/{ticket.event_id}/dashboard")).data["attendees"]
        assert [(one["user_id"], one["name"], one["email"]) for one in attendees] == [
            (fan.user_id, "deleted user", None)
        ]

        async def audited() -> dict[str, Any]:
            (entry,) = (await admin.get("/admin/audit", object=fan.user_id, action="user.delete")).data
            return dict(entry)

        entry = await eventually(audited)
        assert (entry["actor_user_id"], entry["before"]) == (fan.user_id, {"credits": "900.00", "tickets": 1})

    @pytest.mark.usefixtures("ticket")
    async def test_address_is_free_and_a_ticket_of_the_past_is_no_obstacle(
        self, *, platform: Stack, new_fan: MakeFan, concert: Concert, anonymous: UserClient
    ) -> None:
        fan = await new_fan(balance="100.00")
        await buy(fan, concert, concert.seats["CAT2"][5])
        await end_event(platform, concert.event_id)
        assert (await fan.delete_account()).data["tickets_forfeited"] == 0

        account = {"email": fan.email, "phone": "+6598765432", "password": USER_PASSWORD}
        again = (await anonymous.post("/auth/register", account)).data["user_id"]
        verified = await anonymous.post("/auth/verify-registration", {"user_id": again, "otp_code": SANDBOX_OTP})

        assert again != fan.user_id
        assert verified.data["user"]["credit_balance"] == "0.00"
