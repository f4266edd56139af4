"""Events that are edited and postponed: who is told, and who may refund (T7)."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.time_zones import DEFAULT_TIME_ZONE
from devstack.database import connected
from devstack.stack import Stack
from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.feed import next_message, open_feed
from tests.e2e.scanner import ScannerClient, Ticket, buy
from tests.e2e.test_notifications import Inbox
from tests.e2e.user_client import ApiResponse, Concert, UserClient
from tests.support.waiting import eventually

ANNOUNCED = """
    SELECT count(*) FROM (SELECT CAST(convert_from(body, 'UTF8') AS jsonb) AS message FROM outbox) AS announced
    WHERE message ->> 'type' = $1 AND message ->> 'subject' = $2
"""
VENUE_TIME = ZoneInfo(DEFAULT_TIME_ZONE)
SOON = timedelta(hours=20)  # behind the refund deadline of 24 hours


def at(**shift: float) -> str:
    return (datetime.now(UTC) + timedelta(**shift)).replace(microsecond=0).isoformat()


async def edit(user: UserClient, concert: Concert, **changes: Any) -> ApiResponse:
    return await user.patch(f"/admin/events/{concert.event_id}", changes)


async def refund(user: UserClient, order_id: str, *seat_ids: str) -> ApiResponse:
    return await user.post(f"/orders/{order_id}/refund", {"seat_ids": list(seat_ids)} if seat_ids else {})


async def order_of(fan: UserClient, seat_id: str) -> str:
    return next(str(own["order_id"]) for own in (await fan.get("/tickets")).data if own["seat_id"] == seat_id)


@pytest.fixture
async def soon(new_concert: MakeConcert) -> Concert:
    """An event whose refund deadline has passed."""
    return await new_concert(event_date=(datetime.now(UTC) + SOON).isoformat())


class TestEdit:
    async def test_fans_see_what_was_edited(self, admin: UserClient, anonymous: UserClient, concert: Concert) -> None:
        text = {"name": "Jazz in the Park", "description": "Under the trees."}
        edited = await edit(admin, concert, **text, refund_deadline_hours=48)
        assert (edited.status, edited.data["version"]) == (200, 2)

        async def is_shown() -> bool:
            detail = (await anonymous.get(f"/events/{concert.event_id}")).data
            return {name: detail[name] for name in text} == text

        await eventually(is_shown)

    async def test_audit_trail_has_all_that_changed(self, admin: UserClient, concert: Concert) -> None:
        first = (await edit(admin, concert, name="First")).data
        second = (await edit(admin, concert, name="Second", event_date=at(days=40), refund_deadline_hours=24)).data

        entry = (await admin.get("/admin/audit", object=concert.event_id, action="event.edit")).data[0]

        changed = {"name", "event_date", "ends_at", "doors_open_at", "refundable_until", "version"}
        assert entry["before"] == {name: first[name] for name in changed}
        assert entry["after"] == {name: second[name] for name in changed}

    async def test_second_edit_of_a_version_is_refused(self, admin: UserClient, concert: Concert) -> None:
        assert (await edit(admin, concert, name="One", version=1)).status == 200
        refused = await edit(admin, concert, name="Two", version=1)
        assert refused.refused() == (409, "EVENT_INVALID_STATE")
        assert refused.body["details"] == {"version": 2}

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"version": 1},
            {"name": None},
            {"name": ""},
            {"event_date": None},
            {"event_date": "2020-01-01T00:00:00Z"},
            {"event_date": "9001-01-01T00:00:00Z"},
            {"ends_at": "2020-01-01T00:00:00Z"},
            {"refund_deadline_hours": -1},
            {"hall_id": "HALL-B"},
        ],
        ids=str,
    )
    async def test_invalid_edit_changes_nothing(
        self, admin: UserClient, concert: Concert, changes: dict[str, Any]
    ) -> None:
        assert (await edit(admin, concert, **changes)).refused() == (400, "VALIDATION_ERROR")
        assert (await edit(admin, concert, name="Unchanged", version=1)).status == 200

    async def test_occupied_hall_is_refused(
        self, admin: UserClient, new_concert: MakeConcert, anonymous: UserClient
    ) -> None:
        first = await new_concert()
        venue_id = (await anonymous.get(f"/events/{first.event_id}")).data["venue"]["venue_id"]
        second = await new_concert(venue=None, venue_id=venue_id, event_date=at(days=40))
        assert (await edit(admin, second, event_date=at(days=30))).refused() == (409, "EVENT_CONFLICT")

    async def test_cancelled_and_unknown_events_are_refused(self, admin: UserClient, concert: Concert) -> None:
        assert (await admin.post(f"/admin/events/{concert.event_id}/cancel")).status in {200, 202}
        assert (await edit(admin, concert, name="New")).refused() == (409, "EVENT_INVALID_STATE")
        unknown = Concert(str(uuid.uuid4()), {})
        assert (await edit(admin, unknown, name="New")).refused() == (404, "EVENT_NOT_FOUND")

    async def test_doors_follow_the_new_date(
        self, *, admin: UserClient, fan: UserClient, concert: Concert, ticket: Ticket, scanner: ScannerClient
    ) -> None:
        """The doors of this event are open already; then it is postponed by ten days."""
        await edit(admin, concert, event_date=at(days=40))

        async def is_too_early() -> bool:
            fresh = (await fan.get(f"/tickets/{ticket.seat_id}/qr")).data["qr_payload"]
            return await scanner.result_of(fresh) == "WRONG_EVENT"

        await eventually(is_too_early)


class TestPostponement:
    async def test_every_present_holder_is_told_once(
        self, *, platform: Stack, admin: UserClient, fan: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        seats = concert.seats["CAT2"][:3]
        order_id = (await fan.reserve(concert.event_id, *seats)).data["order_id"]
        assert (await fan.pay(order_id)).status == 200
        friend, former = await new_fan(), await new_fan()
        await DealCalls.complete(seats[0], seller=fan, buyer=friend)
        await buy(former, concert, concert.seats["CAT2"][3])
        await DealCalls.complete(concert.seats["CAT2"][3], seller=former, buyer=friend)
        before = (await admin.get(f"/events/{concert.event_id}")).data["event_date"]
        new_date = at(days=45)
        async with open_feed(platform, friend) as feed:
            await next_message(feed, "subscribed")
            edited = await edit(admin, concert, event_date=new_date, name="Jazz, later")
            message = await next_message(feed, "ticket.rescheduled")
        assert message["data"]["previous_event_date"] == before
        assert message["data"]["refundable_until"] == edited.data["refundable_until"]
        for holder in (fan, friend):
            inbox = Inbox(platform, holder)
            email = await inbox.email_about("New date: Jazz, later")
            assert f"{datetime.fromisoformat(new_date).astimezone(VENUE_TIME):%d %B %Y}" in email["text"]
            told = [each for each in await inbox.emails() if each["subject"].startswith("New date")]
            assert len(told) == 1
        assert not any(each["subject"].startswith("New date") for each in await Inbox(platform, former).emails())

    async def test_only_a_new_date_is_announced(
        self, *, platform: Stack, admin: UserClient, fan: UserClient, concert: Concert, ticket: Ticket
    ) -> None:
        assert ticket.seat_id
        same = (await admin.get(f"/events/{concert.event_id}")).data["event_date"]
        edited = await edit(admin, concert, event_date=same, description="Same date")
        assert edited.data["refundable_until"] is None
        await edit(admin, concert, event_date=at(days=50), name="Once")
        await Inbox(platform, fan).email_about("New date: Once")
        about = [each for each in await Inbox(platform, fan).emails() if each["subject"].startswith("New date")]
        assert len(about) == 1
        async with connected(platform.urls.databases["orchestrator"]) as connection:
            announced = await connection.fetchval(ANNOUNCED, "event.rescheduled", concert.event_id)
        assert announced == 1

    async def test_window_is_two_weeks_but_ends_with_the_new_date(
        self, admin: UserClient, new_concert: MakeConcert
    ) -> None:
        far, near = await new_concert(), await new_concert()
        until = (await edit(admin, far, event_date=at(days=60))).data["refundable_until"]
        days = (datetime.fromisoformat(until) - datetime.now(UTC)) / timedelta(days=1)
        assert 13.9 < days <= 14
        new_date = at(days=3)
        until = (await edit(admin, near, event_date=new_date)).data["refundable_until"]
        assert datetime.fromisoformat(until) == datetime.fromisoformat(new_date)

    async def test_repeated_request_moves_the_date_once(self, admin: UserClient, concert: Concert) -> None:
        body = {"event_date": at(days=50)}
        answers = await asyncio.gather(*(edit(admin, concert, **body) for _ in range(5)))
        moved = [answer.data for answer in answers if answer.status == 200]
        assert moved
        assert len({event["refundable_until"] for event in moved}) == 1


class TestAdmissions:
    """Of an event whose doors are open when its date moves."""

    @pytest.fixture
    async def admitted(self, scanner: ScannerClient, ticket: Ticket, payload: str) -> Ticket:
        assert await scanner.result_of(payload) == "SUCCESS"
        return ticket

    async def test_ticket_is_valid_again_until_the_new_doors_open(
        self,
        *,
        platform: Stack,
        admin: UserClient,
        fan: UserClient,
        concert: Concert,
        scanner: ScannerClient,
        admitted: Ticket,
    ) -> None:
        await edit(admin, concert, event_date=at(days=40), name="Later")
        await Inbox(platform, fan).email_about("New date: Later")
        assert (await fan.get("/tickets")).data[0]["status"] == "SOLD"
        assert (await fan.get(f"/tickets/{admitted.seat_id}/qr")).status == 200
        undone, admission = await scanner.scans_of(concert.event_id)
        assert (undone["result"], undone["staff_user_id"]) == ("UNDONE", admin.user_id)
        assert undone["reason"] == "The event has a new date."
        assert (admission["result"], admission["seat_id"]) == ("SUCCESS", undone["seat_id"])
        assert (await refund(fan, await order_of(fan, admitted.seat_id))).data["status"] == "REFUNDED"

    async def test_admission_stands_if_the_new_doors_are_open(
        self, *, platform: Stack, admin: UserClient, fan: UserClient, concert: Concert, admitted: Ticket
    ) -> None:
        assert admitted.seat_id
        await edit(admin, concert, event_date=at(days=40), doors_open_at=at(hours=-1), name="Soon")
        await Inbox(platform, fan).email_about("New date: Soon")
        assert (await fan.get("/tickets")).data[0]["status"] == "CHECKED_IN"

    async def test_admission_of_another_event_stands(
        self, *, platform: Stack, admin: UserClient, fan: UserClient, new_concert: MakeConcert, admitted: Ticket
    ) -> None:
        other = await new_concert()
        moved = await buy(fan, other, other.seats["CAT2"][0])
        await edit(admin, other, event_date=at(days=40), name="Other")
        await Inbox(platform, fan).email_about("New date: Other")
        statuses = {ticket["seat_id"]: ticket["status"] for ticket in (await fan.get("/tickets")).data}
        assert statuses == {admitted.seat_id: "CHECKED_IN", moved.seat_id: "SOLD"}


class TestRefundWindow:
    async def test_buyer_may_refund_while_the_window_is_open(
        self, admin: UserClient, fan: UserClient, soon: Concert
    ) -> None:
        seats = soon.seats["CAT2"][:2]
        order_id = (await fan.reserve(soon.event_id, *seats)).data["order_id"]
        assert (await fan.pay(order_id)).status == 200
        assert (await refund(fan, order_id, seats[0])).refused() == (409, "ORDER_INVALID_STATE")
        await edit(admin, soon, event_date=at(hours=23))
        assert (await refund(fan, order_id, seats[0])).data["status"] == "CONFIRMED"
        assert (await refund(fan, order_id)).data["status"] == "REFUNDED"
        assert await fan.balance() == "1000.00"

    async def test_present_owner_may_refund_their_own_tickets(
        self, *, admin: UserClient, fan: UserClient, new_fan: MakeFan, soon: Concert
    ) -> None:
        """The owner gets the ticket's price, and the buyer of the order nothing."""
        seats, friend = soon.seats["CAT2"][:2], await new_fan(balance="500.00")
        order_id = (await fan.reserve(soon.event_id, *seats)).data["order_id"]
        assert (await fan.pay(order_id)).status == 200
        await DealCalls.complete(seats[0], seller=fan, buyer=friend, credits_="120.00")
        assert await order_of(friend, seats[0]) == order_id
        assert (await refund(friend, order_id, seats[0])).refused() == (403, "FORBIDDEN")
        edited = await edit(admin, soon, event_date=at(hours=23))
        assert (await friend.get("/tickets")).data[0]["event"]["refundable_until"] == edited.data["refundable_until"]
        assert (await refund(friend, order_id)).refused() == (403, "FORBIDDEN")
        assert (await refund(friend, order_id, *seats)).refused() == (403, "FORBIDDEN")
        assert (await refund(friend, order_id, seats[1])).refused() == (403, "FORBIDDEN")
        assert (await refund(fan, order_id, seats[0])).refused() == (403, "NOT_SEAT_OWNER")
        done = await refund(friend, order_id, seats[0])
        assert done.data["credits_returned"] == "100.00"
        assert (await friend.balance(), await fan.balance()) == ("480.00", "920.00")

    async def test_closed_window_is_closed(
        self, *, platform: Stack, admin: UserClient, fan: UserClient, soon: Concert
    ) -> None:
        seat = soon.seats["CAT2"][0]
        ticket = await buy(fan, soon, seat)
        await edit(admin, soon, event_date=at(hours=23))
        async with connected(platform.urls.databases["events"]) as connection:
            close = "UPDATE events SET refundable_until = now() WHERE event_id = CAST($1 AS uuid)"
            await connection.execute(close, soon.event_id)
        refused = await refund(fan, await order_of(fan, ticket.seat_id))
        assert refused.refused() == (409, "ORDER_INVALID_STATE")
