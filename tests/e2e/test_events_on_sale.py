"""An admin puts events on sale and fans browse them (T1, T15)."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from devstack.stack import Stack
from tests.e2e.conftest import MakeConcert
from tests.e2e.scanner import ScannerClient, buy, end_event
from tests.e2e.user_client import Concert, UserClient
from tests.support.waiting import eventually


async def test_event_is_listed_with_seat_counts(anonymous: UserClient, new_concert: MakeConcert) -> None:
    name = f"Night {uuid.uuid4().hex}"
    concert = await new_concert(name=name)
    listed = (await anonymous.get("/events", q=name[:20])).data
    assert [event["event_id"] for event in listed] == [concert.event_id]
    event = listed[0]
    assert (event["total_seats"], event["available_seats"]) == (24, 24)
    assert event["pricing_tiers"] == {"CAT1": "350.00", "CAT2": "100.00"}
    assert event["venue"]["name"] == "Esplanade"
    detail = (await anonymous.get(f"/events/{concert.event_id}", include_seats="false")).data
    assert detail.get("seats") is None
    assert "address" in detail["venue"]
    availability = (await anonymous.get(f"/events/{concert.event_id}/availability")).data["categories"]
    assert availability[0] == {"category": "CAT1", "total": 12, "available": 12, "held": 0, "sold": 0}


async def test_event_shows_its_end_and_when_its_doors_open(anonymous: UserClient, new_concert: MakeConcert) -> None:
    concert = await new_concert(
        event_date="2031-05-01T19:00:00+08:00", doors_open_at=None, ends_at="2031-05-01T15:30:00Z"
    )
    times = ("event_date", "doors_open_at", "ends_at")
    expected = ["2031-05-01T11:00:00Z", "2031-05-01T09:00:00Z", "2031-05-01T15:30:00Z"]
    detail = (await anonymous.get(f"/events/{concert.event_id}")).data
    assert [detail[time] for time in times] == expected
    day = {"from": "2031-05-01T00:00:00Z", "to": "2031-05-02T00:00:00Z"}
    listed = (await anonymous.get("/events", **day)).data
    assert [[event[time] for time in times] for event in listed] == [expected]


async def test_times_are_told_in_the_zone_of_the_venue(
    *, admin: UserClient, anonymous: UserClient, new_concert: MakeConcert, scanner: ScannerClient, fan: UserClient
) -> None:
    venue = {"name": "Beacon", "address": uuid.uuid4().hex, "time_zone": "America/New_York"}
    opens = datetime.now(UTC) + timedelta(hours=3)
    concert = await new_concert(venue=venue, doors_open_at=opens.isoformat())
    listed = (await anonymous.get(f"/events/{concert.event_id}", include_seats="false")).data
    assert listed["venue"]["time_zone"] == "America/New_York"
    assert datetime.fromisoformat(listed["doors_open_at"]) == opens
    ticket = await buy(fan, concert, concert.seats["CAT2"][0])
    decided = await scanner.scan(scanner.code_for(ticket))
    local = opens.astimezone(ZoneInfo("America/New_York"))
    assert decided.data["message"].endswith(f"open at {local:%Y-%m-%d %H:%M %Z}")

    refused = await admin.post("/admin/events", {"name": "Jazz", "venue": venue | {"time_zone": "Asia/Singapur"}})
    assert refused.refused() == (400, "VALIDATION_ERROR")
    assert "body.venue.time_zone" in refused.body["details"]["fields"]


async def test_dates_filter(anonymous: UserClient, new_concert: MakeConcert) -> None:
    name = f"Night {uuid.uuid4().hex}"
    date = datetime.now(UTC) + timedelta(days=200)
    await new_concert(name=name, event_date=date.isoformat())
    day = timedelta(days=1)
    assert (await anonymous.get("/events", q=name, **{"from": (date - day).isoformat()})).data
    assert not (await anonymous.get("/events", q=name, **{"from": (date + day).isoformat()})).data
    assert not (await anonymous.get("/events", q=name, to=(date - day).isoformat())).data


async def test_range_begins_with_its_first_moment_and_ends_before_its_last(
    anonymous: UserClient, new_concert: MakeConcert
) -> None:
    name, moment = f"Night {uuid.uuid4().hex}", "2031-06-01T12:00:00Z"
    await new_concert(name=name, event_date=moment)
    assert (await anonymous.get("/events", q=name, **{"from": moment})).data
    assert not (await anonymous.get("/events", q=name, to=moment)).data
    assert (await anonymous.get("/events", q=name, to="2031-06-01T12:00:00.000001Z")).data


class TestPast:
    async def test_past_event_is_listed_on_request_only(
        self, *, platform: Stack, anonymous: UserClient, fan: UserClient, new_concert: MakeConcert
    ) -> None:
        name = f"Night {uuid.uuid4().hex}"
        concert = await new_concert(name=name)
        await end_event(platform, concert.event_id)

        assert (await anonymous.get("/events", q=name)).data == []
        listed = await anonymous.get("/events", q=name, past=True)
        assert [event["event_id"] for event in listed.data] == [concert.event_id]
        seats = (await anonymous.get(f"/events/{concert.event_id}")).data["seats"]
        assert len(seats) == 24

        async def is_refused() -> bool:  # the orchestrator keeps an event's facts for five seconds
            refused = await fan.reserve(concert.event_id, concert.seats["CAT1"][0])
            return refused.refused() == (410, "EVENT_ENDED")

        await eventually(is_refused)

    async def test_event_under_way_is_listed(self, anonymous: UserClient, new_concert: MakeConcert) -> None:
        name, now = f"Night {uuid.uuid4().hex}", datetime.now(UTC)
        await new_concert(name=name, event_date=(now - timedelta(hours=1)).isoformat())
        assert len((await anonymous.get("/events", q=name)).data) == 1


async def test_seats_are_reserved_from_the_start_of_the_sale_on(
    *, admin: UserClient, fan: UserClient, anonymous: UserClient, new_concert: MakeConcert
) -> None:
    start = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0).isoformat()
    concert = await new_concert(sale_starts_at=start, description="Doors open early.")
    detail = (await anonymous.get(f"/events/{concert.event_id}")).data
    assert (datetime.fromisoformat(detail["sale_starts_at"]), detail["description"]) == (
        datetime.fromisoformat(start),
        "Doors open early.",
    )
    refused = await fan.reserve(concert.event_id, concert.seats["CAT1"][0])
    assert refused.refused() == (409, "EVENT_INVALID_STATE")
    assert (await admin.patch(f"/admin/events/{concert.event_id}", {"sale_starts_at": None})).status == 200

    async def is_held() -> bool:
        return (await fan.reserve(concert.event_id, concert.seats["CAT1"][0])).status == 200

    await eventually(is_held)


async def test_seats_are_split_evenly_without_a_layout(admin: UserClient, new_concert: MakeConcert) -> None:
    concert = await new_concert(layout=None, total_seats=45, pricing_tiers={"CAT1": "10.00", "CAT2": 5})
    assert {category: len(seats) for category, seats in concert.seats.items()} == {"CAT1": 23, "CAT2": 22}
    detail = (await admin.get(f"/events/{concert.event_id}")).data
    assert {seat["price"] for seat in detail["seats"]} == {"10.00", "5.00"}


async def test_repeated_key_creates_one_event(admin: UserClient) -> None:
    event = {
        "name": f"Night {uuid.uuid4().hex}",
        "venue": {"name": "Esplanade", "address": uuid.uuid4().hex},
        "hall_id": "HALL-A",
        "event_date": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        "total_seats": 10,
        "pricing_tiers": {"CAT1": "10.00"},
    }
    key = uuid.uuid4().hex
    first, again = await admin.post("/admin/events", event, key=key), await admin.post("/admin/events", event, key=key)
    assert first.data == again.data
    assert first.data["seats_created"] == 10
    other = await admin.post("/admin/events", event | {"total_seats": 11}, key=key)
    assert other.refused() == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await admin.get("/events", q=event["name"])).body["pagination"]["total"] == 1


async def test_unknown_venue_creates_no_event(admin: UserClient) -> None:
    event = {
        "name": f"Night {uuid.uuid4().hex}",
        "venue_id": str(uuid.uuid4()),
        "hall_id": "HALL-A",
        "event_date": "2030-01-01T12:00:00Z",
        "total_seats": 10,
        "pricing_tiers": {"CAT1": "10.00"},
    }
    refused = await admin.post("/admin/events", event)
    assert refused.status == 404
    assert (await admin.get("/events", q=event["name"])).body["pagination"]["total"] == 0


async def test_hall_of_a_hundred_thousand_seats(admin: UserClient, anonymous: UserClient) -> None:
    rows = [{"row_number": f"R{number}", "seats": 500} for number in range(200)]
    event = {
        "name": "Stadium",
        "venue": {"name": "National Stadium"},
        "hall_id": "ARENA",
        "event_date": "2030-01-01T12:00:00Z",
        "layout": [{"category": "CAT1", "price": "50.00", "rows": rows}],
    }
    created = await admin.post("/admin/events", event)
    assert created.status in {201, 202}, created.body
    event_id = created.data.get("event_id") or created.data["saga_id"]

    async def is_on_sale() -> bool:
        return (await anonymous.get(f"/events/{event_id}/availability")).status != 404

    await eventually(is_on_sale)
    counts = (await anonymous.get(f"/events/{event_id}/availability")).data["categories"]
    assert counts == [{"category": "CAT1", "total": 100_000, "available": 100_000, "held": 0, "sold": 0}]


async def test_admin_lists_sagas_by_state(admin: UserClient, fan: UserClient, concert: Concert) -> None:
    order_id = (await fan.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
    sagas = (await admin.get("/admin/sagas", state="WAITING")).data
    saga = next(saga for saga in sagas if saga["saga_id"] == order_id)
    assert (saga["kind"], saga["step"], saga["requested_by"]) == ("purchase", "pay", fan.user_id)
