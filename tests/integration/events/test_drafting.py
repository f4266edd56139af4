"""Drafting an event: once per request id, with an existing or a new venue."""

import asyncio
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.events.catalogue import LAYOUT, CatalogueCaller, a_venue, drafting
from tests.support.callers import Caller, new_id

LATER = "2027-03-21T12:00:00Z"


class TestDraft:
    async def test_returns_the_draft(self, catalogue: CatalogueCaller) -> None:
        body = drafting()

        answer = await catalogue.draft(body)

        assert answer.status_code == 200
        event = answer.json()["data"]
        venue_id = event["venue"].pop("venue_id")
        assert event == {
            "event_id": body["event_id"],
            "name": "Lights over the Bay",
            "status": "DRAFT",
            "venue": a_venue(address=body["venue"]["address"]),
            "hall_id": "HALL-A",
            "event_date": "2027-03-20T12:00:00Z",
            "ends_at": "2027-03-20T16:00:00Z",
            "doors_open_at": "2027-03-20T10:00:00Z",
            "has_doors_time": True,
            "total_seats": 20,
            "pricing_tiers": {"CAT1": "350.00", "STANDING": "99.50"},
            "layout": LAYOUT,
            "resale_cap_percent": 120,
            "refund_deadline_hours": 24,
            "description": "",
            "sale_starts_at": None,
            "refundable_until": None,
            "organiser_user_id": None,
            "version": 1,
        }
        found = await catalogue.event(body["event_id"])
        assert found == {**event, "venue": {**a_venue(address=body["venue"]["address"]), "venue_id": venue_id}}

    async def test_numeric_amounts_any_utc_offset_and_no_layout_are_accepted(self, catalogue: CatalogueCaller) -> None:
        body = drafting(pricing_tiers={"CAT1": 350, "CAT2": 0.1}, event_date="2027-03-20T20:00:00+08:00")
        del body["layout"]

        event = (await catalogue.draft(body)).json()["data"]

        assert event["pricing_tiers"] == {"CAT1": "350.00", "CAT2": "0.10"}
        assert event["event_date"] == "2027-03-20T12:00:00Z"
        assert event["layout"] == []

    @pytest.mark.parametrize(("cap_percent", "deadline_hours"), [(0, 0), (1000, 8760), (150, 48)])
    async def test_resale_cap_and_refund_deadline_are_stored(
        self, catalogue: CatalogueCaller, cap_percent: int, deadline_hours: int
    ) -> None:
        body = drafting(resale_cap_percent=cap_percent, refund_deadline_hours=deadline_hours)

        event = (await catalogue.draft(body)).json()["data"]

        assert event["resale_cap_percent"] == cap_percent
        assert event["refund_deadline_hours"] == deadline_hours
        assert await catalogue.event(body["event_id"]) == event

    async def test_end_and_opening_of_the_doors_are_stored(self, catalogue: CatalogueCaller) -> None:
        body = drafting(ends_at="2027-03-21T00:30:00+08:00", doors_open_at="2027-03-20T12:00:00Z")

        event = (await catalogue.draft(body)).json()["data"]

        assert (event["ends_at"], event["doors_open_at"]) == ("2027-03-20T16:30:00Z", "2027-03-20T12:00:00Z")
        assert await catalogue.event(body["event_id"]) == event

    async def test_opening_of_the_doors_of_an_old_event_is_an_assumption(
        self, catalogue: CatalogueCaller, database: Database
    ) -> None:
        body = await catalogue.drafted()
        old = text("UPDATE events SET doors_open_at = NULL WHERE event_id = :event_id")
        await database.execute(old, {"event_id": body["event_id"]})

        event = await catalogue.event(body["event_id"])

        assert (event["doors_open_at"], event["has_doors_time"]) == ("2027-03-20T10:00:00Z", False)

    async def test_repetition_gets_the_first_response_even_after_publication(self, catalogue: CatalogueCaller) -> None:
        body = drafting()
        first = await catalogue.draft(body)
        await catalogue.publish(body["event_id"])

        repeated = await catalogue.draft(body)

        assert repeated.json() == first.json()

    async def test_fifty_concurrent_repetitions_draft_one_event_and_one_venue(
        self, catalogue: CatalogueCaller, database: Database
    ) -> None:
        name = f"Hall {new_id()}"
        body = drafting(venue=a_venue(name=name))

        answers = await asyncio.gather(*(catalogue.draft(body) for _ in range(50)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        assert await _venues_named(database, name) == 1

    async def test_exactly_one_of_fifty_requests_for_one_event_id_wins(
        self, catalogue: CatalogueCaller, database: Database
    ) -> None:
        event_id, name = new_id(), f"Hall {new_id()}"

        answers = await asyncio.gather(
            *(catalogue.draft(drafting(event_id=event_id, venue=a_venue(name=name))) for _ in range(50))
        )

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
        assert {answer.json().get("error_code") for answer in answers} == {None, "EVENT_INVALID_STATE"}
        assert await _venues_named(database, name) == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"name": "Another"},
            {"event_id": new_id()},
            {"event_date": "2028-01-01T00:00:00Z"},
            {"pricing_tiers": {"CAT1": "1.00"}},
            {"venue": a_venue(name="Another")},
            {"layout": []},
            {"resale_cap_percent": 100},
            {"refund_deadline_hours": 1},
        ],
        ids=lambda other: next(iter(other)),
    )
    async def test_the_same_id_with_other_arguments_is_refused(
        self, catalogue: CatalogueCaller, other: dict[str, Any]
    ) -> None:
        body = await catalogue.drafted()

        answer = await catalogue.draft({**body, **other})

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"event_id": "12"}, "INVALID_UUID"),
            ({"venue": None, "venue_id": "12"}, "INVALID_UUID"),
            ({"venue": None}, "VALIDATION_ERROR"),
            ({"venue_id": new_id()}, "VALIDATION_ERROR"),
            ({"venue": a_venue(total_halls=0)}, "VALIDATION_ERROR"),
            ({"venue": a_venue(name=" ")}, "VALIDATION_ERROR"),
            ({"venue": {"name": "Nowhere", "total_halls": 1}}, "VALIDATION_ERROR"),
            ({"name": "   "}, "VALIDATION_ERROR"),
            ({"name": "x" * 201}, "VALIDATION_ERROR"),
            ({"name": "Nul\x00"}, "VALIDATION_ERROR"),
            ({"hall_id": ""}, "VALIDATION_ERROR"),
            ({"event_date": "2027-03-20"}, "VALIDATION_ERROR"),
            ({"event_date": "2027-03-20T12:00:00"}, "VALIDATION_ERROR"),
            ({"event_date": "9999-12-31T23:59:59-14:00"}, "VALIDATION_ERROR"),
            ({"event_date": "9999-12-31T23:59:59Z"}, "VALIDATION_ERROR"),
            ({"event_date": "1969-12-31T23:59:59Z"}, "VALIDATION_ERROR"),
            ({"ends_at": "2027-03-20T12:00:00Z"}, "VALIDATION_ERROR"),
            ({"doors_open_at": "2027-03-20T12:00:01Z"}, "VALIDATION_ERROR"),
            ({"total_seats": 0}, "VALIDATION_ERROR"),
            ({"total_seats": 1_000_001}, "VALIDATION_ERROR"),
            ({"total_seats": 2.5}, "VALIDATION_ERROR"),
            ({"pricing_tiers": {}}, "VALIDATION_ERROR"),
            ({"pricing_tiers": {"": "1.00"}}, "VALIDATION_ERROR"),
            ({"pricing_tiers": {"CAT1": "-1.00"}}, "VALIDATION_ERROR"),
            ({"pricing_tiers": {"CAT1": "1.001"}}, "VALIDATION_ERROR"),
            ({"resale_cap_percent": -1}, "VALIDATION_ERROR"),
            ({"resale_cap_percent": 1001}, "VALIDATION_ERROR"),
            ({"resale_cap_percent": "120"}, "VALIDATION_ERROR"),
            ({"refund_deadline_hours": -1}, "VALIDATION_ERROR"),
            ({"refund_deadline_hours": 8761}, "VALIDATION_ERROR"),
            ({"refund_deadline_hours": 1.5}, "VALIDATION_ERROR"),
            ({"layout": ["CAT1"]}, "VALIDATION_ERROR"),
            ({"layout": [{"category": "Nul\x00"}]}, "VALIDATION_ERROR"),
            ({"layout": [{"rows": [{"Nul\x00": 1}]}]}, "VALIDATION_ERROR"),
        ],
        ids=str,
    )
    async def test_invalid_request_is_refused(
        self, catalogue: CatalogueCaller, wrong: dict[str, Any], code: str
    ) -> None:
        answer = await catalogue.draft(drafting(**wrong))

        assert answer.status_code == 400
        assert answer.json()["error_code"] == code

    @pytest.mark.parametrize("field", ["name", "layout"])
    async def test_lone_surrogate_is_refused(self, catalogue: CatalogueCaller, field: str) -> None:
        half = b'"\\ud83d"' if field == "name" else b'[{"category": "\\ud83d"}]'
        body = {key: value for key, value in drafting().items() if key != field}
        content = orjson.dumps(body)[:-1] + b', "' + field.encode() + b'": ' + half + b"}"

        answer = await catalogue.orchestrator.request(
            "POST", "/internal/events", content=content, headers={"content-type": "application/json"}
        )

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"


class TestVenue:
    async def test_a_known_venue_is_used(self, catalogue: CatalogueCaller, anonymous: Caller) -> None:
        first = (await catalogue.draft(drafting(venue=a_venue(name="Known")))).json()["data"]

        second = (
            await catalogue.draft(drafting(venue=None, venue_id=first["venue"]["venue_id"], event_date=LATER))
        ).json()["data"]

        assert second["venue"] == first["venue"]
        venues = (await anonymous.get("/api/venues", per_page=100)).json()["data"]
        assert [venue["name"] for venue in venues].count("Known") == 1

    async def test_unknown_venue_is_refused_permanently(self, catalogue: CatalogueCaller) -> None:
        venue_id = new_id()
        body = drafting(venue=None, venue_id=venue_id)
        early = await catalogue.draft(body)
        await catalogue.drafted(venue=a_venue(venue_id=venue_id))

        late = await catalogue.draft(body)

        assert early.status_code == late.status_code == 404
        assert early.json()["error_code"] == late.json()["error_code"] == "NOT_FOUND"
        assert (await catalogue.find(body["event_id"])).status_code == 404

    async def test_new_venue_may_have_a_given_id(self, catalogue: CatalogueCaller) -> None:
        venue_id = new_id()

        event = (await catalogue.draft(drafting(venue=a_venue(venue_id=venue_id)))).json()["data"]

        assert event["venue"] == {**a_venue(), "venue_id": venue_id}

    async def test_time_zone_of_a_new_venue(self, catalogue: CatalogueCaller, anonymous: Caller) -> None:
        berlin = await catalogue.drafted(venue=a_venue(name="Tempodrom", time_zone="Europe/Berlin"))
        body = drafting(venue=a_venue(name="Victoria"))
        del body["venue"]["time_zone"]  # as the previous release sends it
        first = await catalogue.draft(body)

        shown = (await catalogue.event(berlin["event_id"]))["venue"]
        venues = {venue["name"]: venue for venue in (await anonymous.get("/api/venues", per_page=100)).json()["data"]}

        assert shown["time_zone"] == venues["Tempodrom"]["time_zone"] == "Europe/Berlin"
        assert first.json()["data"]["venue"]["time_zone"] == "Asia/Singapore"
        again = body | {"venue": body["venue"] | {"time_zone": "Asia/Singapore"}}
        assert (await catalogue.draft(again)).json()["data"] == first.json()["data"]

    async def test_venue_without_an_address_is_accepted(self, catalogue: CatalogueCaller) -> None:
        event = (await catalogue.draft(drafting(venue=a_venue(address="")))).json()["data"]

        assert event["venue"]["address"] == ""

    async def test_existing_venue_is_not_changed(self, catalogue: CatalogueCaller) -> None:
        venue_id = new_id()
        await catalogue.drafted(venue=a_venue(venue_id=venue_id))

        again = await catalogue.draft(drafting(venue=a_venue(venue_id=venue_id, name="Another"), event_date=LATER))

        assert again.json()["data"]["venue"] == {**a_venue(), "venue_id": venue_id}

    async def test_twenty_concurrent_drafts_create_one_venue(self, catalogue: CatalogueCaller) -> None:
        venue = a_venue(venue_id=new_id())

        bodies = [drafting(venue=venue, event_date=f"2027-05-{day:02}T12:00:00Z") for day in range(1, 21)]

        answers = await asyncio.gather(*(catalogue.draft(body) for body in bodies))

        assert {answer.status_code for answer in answers} == {200}


async def _venues_named(database: Database, name: str) -> int:
    counted = await database.fetch_one(text("SELECT count(*) AS venues FROM venues WHERE name = :name"), {"name": name})
    assert counted is not None
    return int(counted["venues"])
