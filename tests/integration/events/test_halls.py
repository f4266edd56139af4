"""A hall has one event at a time, and an event takes place in a hall of its venue (T15)."""

import asyncio
import unicodedata
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.events.catalogue import CatalogueCaller, a_venue, drafting
from tests.support.callers import Caller, new_id
from tests.support.waiting import eventually

CONCURRENT_EVENT = text(
    """
    INSERT INTO events (event_id, venue_id, name, status, hall_id, event_date, total_seats, layout)
    VALUES (gen_random_uuid(), CAST(:venue_id AS uuid), 'Jazz', 'DRAFT', 'HALL-A', '2027-07-01T13:00:00Z', 1, '[]')
    """
)
WAITING = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1")
# As DRAFT does it.
LOCKED_VENUE = text("UPDATE venues SET halls = halls WHERE venue_id = CAST(:venue_id AS uuid)")
EVENT_IN_HALL_B = text(
    """
    INSERT INTO events (event_id, venue_id, name, status, hall_id, event_date, total_seats, layout)
    VALUES (gen_random_uuid(), CAST(:venue_id AS uuid), 'Jazz', 'DRAFT', 'HALL-B', '2027-07-01T13:00:00Z', 1, '[]')
    """
)
FOUND_VENUE = text("SELECT find_venue(:name, :address)")
NEW_VENUE = text(
    """
    INSERT INTO venues (venue_id, name, address, total_halls, halls)
    VALUES (CAST(:venue_id AS uuid), :name, :address, 2, '{HALL-A}')
    """
)
FROM_12_TO_16 = {"event_date": "2027-03-20T12:00:00Z", "ends_at": "2027-03-20T16:00:00Z"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error_code", "")


async def halls_of(anonymous: Caller, venue_id: str) -> list[str]:
    venues = (await anonymous.get("/api/venues", per_page=100)).json()["data"]
    return next(venue["halls"] for venue in venues if venue["venue_id"] == venue_id)


@pytest.fixture
async def venue_id(catalogue: CatalogueCaller) -> str:
    """A venue with an event in HALL-A from 12 to 16 o'clock."""
    venue_id = new_id()
    await catalogue.published(venue=a_venue(venue_id=venue_id), **FROM_12_TO_16)
    return venue_id


def in_venue(venue_id: str, **changes: Any) -> dict[str, Any]:
    return drafting(venue=None, venue_id=venue_id, **changes)


class TestOneEventAtATime:
    @pytest.mark.parametrize(
        "times",
        [
            {"event_date": "2027-03-20T15:59:59Z"},
            {"event_date": "2027-03-20T08:00:01Z"},
            {"event_date": "2027-03-20T13:00:00Z", "ends_at": "2027-03-20T14:00:00Z"},
            {"event_date": "2027-03-19T00:00:00Z", "ends_at": "2027-03-22T00:00:00Z"},
            {"event_date": "2027-03-20T20:00:00+08:00"},
        ],
        ids=["ends later", "begins earlier", "within", "around", "the same"],
    )
    async def test_overlapping_event_is_refused_permanently(
        self, catalogue: CatalogueCaller, venue_id: str, times: dict[str, str]
    ) -> None:
        body = in_venue(venue_id, **times)

        refused = await catalogue.draft(body)

        assert refusal(refused) == (409, "EVENT_CONFLICT")
        assert refused.json()["details"]["name"] == "Lights over the Bay"
        assert (await catalogue.draft(body)).json()["error_code"] == "EVENT_CONFLICT"
        assert (await catalogue.find(body["event_id"])).status_code == 404

    @pytest.mark.parametrize(
        "other",
        [
            {"event_date": "2027-03-20T16:00:00Z"},
            {"event_date": "2027-03-20T08:00:00Z"},
            {"event_date": "2027-03-20T12:00:00Z", "hall_id": "HALL-B"},
        ],
        ids=["after it", "before it", "in another hall"],
    )
    async def test_other_time_or_hall_is_accepted(
        self, catalogue: CatalogueCaller, venue_id: str, other: dict[str, str]
    ) -> None:
        assert (await catalogue.draft(in_venue(venue_id, **other))).status_code == 200

    @pytest.mark.usefixtures("venue_id")
    async def test_hall_of_the_same_name_in_another_venue_is_accepted(self, catalogue: CatalogueCaller) -> None:
        assert (await catalogue.draft(drafting(**FROM_12_TO_16))).status_code == 200

    async def test_cancelled_event_leaves_its_hall(self, catalogue: CatalogueCaller) -> None:
        venue_id = new_id()
        await catalogue.cancelled(venue=a_venue(venue_id=venue_id), **FROM_12_TO_16)

        assert (await catalogue.draft(in_venue(venue_id, **FROM_12_TO_16))).status_code == 200

    async def test_discarded_draft_leaves_its_hall(self, catalogue: CatalogueCaller, venue_id: str) -> None:
        body = await catalogue.drafted(venue=None, venue_id=venue_id, event_date="2027-03-21T12:00:00Z")
        await catalogue.discard(body["event_id"], undoes=body["request_id"])

        assert (await catalogue.draft(in_venue(venue_id, event_date="2027-03-21T12:00:00Z"))).status_code == 200

    async def test_one_of_many_concurrent_drafts_gets_the_hall(self, catalogue: CatalogueCaller, venue_id: str) -> None:
        bodies = [
            in_venue(venue_id, event_date=f"2027-05-01T12:{minute:02}:00Z", ends_at="2027-05-01T15:00:00Z")
            for minute in range(20)
        ]

        answers = await asyncio.gather(*(catalogue.draft(body) for body in bodies))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        assert {answer.json().get("error_code") for answer in answers} == {None, "EVENT_CONFLICT"}

    async def test_draft_waits_for_a_concurrent_event_of_the_hall(
        self, catalogue: CatalogueCaller, database: Database, venue_id: str
    ) -> None:
        """Its own statement cannot see that event."""
        body = in_venue(venue_id, event_date="2027-07-01T12:00:00Z")
        async with database.transaction() as connection:
            await connection.execute(CONCURRENT_EVENT, {"venue_id": venue_id})
            drafting_it = asyncio.create_task(catalogue.draft(body))

            async def is_waiting() -> bool:
                waiting = await database.fetch_one(WAITING)
                return drafting_it.done() or waiting is not None

            await eventually(is_waiting)

        assert refusal(await drafting_it) == (409, "EVENT_CONFLICT")

    async def test_database_refuses_what_a_statement_overlooks(
        self, catalogue: CatalogueCaller, database: Database, venue_id: str
    ) -> None:
        body = await catalogue.drafted(venue=None, venue_id=venue_id, event_date="2027-06-01T12:00:00Z")
        move = text(
            "UPDATE events SET event_date = '2027-03-20T13:00:00Z', doors_open_at = NULL WHERE event_id = :event_id"
        )

        with pytest.raises(Exception, match="ex_events_hall"):
            await database.execute(move, {"event_id": body["event_id"]})


class TestHallsOfTheVenue:
    async def test_new_hall_is_added_until_the_venue_has_all(self, catalogue: CatalogueCaller, venue_id: str) -> None:
        """The venue has two halls and names HALL-A."""
        added = await catalogue.draft(in_venue(venue_id, hall_id="Studio"))
        refused = await catalogue.draft(in_venue(venue_id, hall_id="HALL-C"))

        assert added.json()["data"]["venue"]["halls"] == ["HALL-A", "Studio"]
        assert refusal(refused) == (404, "NOT_FOUND")
        assert refused.json()["details"] == {"halls": ["HALL-A", "Studio"]}

    async def test_name_that_differs_in_case_is_no_new_hall(self, catalogue: CatalogueCaller, venue_id: str) -> None:
        assert refusal(await catalogue.draft(in_venue(venue_id, hall_id="Hall-A"))) == (404, "NOT_FOUND")

    async def test_hall_that_an_earlier_release_stored_in_another_form_is_the_same(
        self, catalogue: CatalogueCaller, anonymous: Caller
    ) -> None:
        venue_id, before = new_id(), unicodedata.normalize("NFD", "Salle \u00c9toile")
        venue = a_venue(venue_id=venue_id, halls=[before], total_halls=1)
        await catalogue.published(venue=venue, hall_id=before, **FROM_12_TO_16)
        again = in_venue(venue_id, hall_id="Salle \u00c9toile")

        refused = await catalogue.draft(again | FROM_12_TO_16)
        later = await catalogue.draft(again | {"request_id": new_id(), "event_date": "2027-03-21T12:00:00Z"})

        assert refusal(refused) == (409, "EVENT_CONFLICT")
        assert later.json()["data"]["hall_id"] == before
        assert await halls_of(anonymous, venue_id) == [before]

    async def test_concurrent_drafts_add_no_more_halls_than_the_venue_has(
        self, catalogue: CatalogueCaller, venue_id: str
    ) -> None:
        answers = await asyncio.gather(
            *(catalogue.draft(in_venue(venue_id, hall_id=f"HALL-{number}")) for number in range(10))
        )

        assert sorted(answer.status_code for answer in answers) == [200] + [404] * 9

    async def test_new_venue_with_all_halls_named_has_no_other(self, catalogue: CatalogueCaller) -> None:
        venue = a_venue(halls=["HALL-A", "HALL-B"])

        assert refusal(await catalogue.draft(drafting(venue=venue, hall_id="HALL-C"))) == (400, "VALIDATION_ERROR")

    async def test_venue_of_an_equal_name_and_address_is_the_same(self, catalogue: CatalogueCaller) -> None:
        name, address = f"Caf\u00e9 {new_id()}", "1 Quay Street"
        first = await catalogue.drafted(venue=a_venue(name=name, address=address), **FROM_12_TO_16)
        same = a_venue(name=unicodedata.normalize("NFD", name).upper(), address="1 QUAY street")
        found = (await catalogue.find(first["event_id"])).json()["data"]["venue"]

        refused = await catalogue.draft(drafting(venue=same, **FROM_12_TO_16))
        later = await catalogue.draft(drafting(venue=same, event_date="2027-03-21T12:00:00Z"))
        elsewhere = await catalogue.draft(drafting(venue={**same, "address": "2 Quay Street"}, **FROM_12_TO_16))

        assert refusal(refused) == (409, "EVENT_CONFLICT")
        assert later.json()["data"]["venue"] == found
        assert elsewhere.json()["data"]["venue"]["venue_id"] != found["venue_id"]

    async def test_draft_uses_a_venue_that_was_not_committed_when_it_began(
        self, catalogue: CatalogueCaller, database: Database
    ) -> None:
        venue = a_venue(name=f"Pavilion {new_id()}")
        place = {"venue_id": new_id(), "name": venue["name"], "address": venue["address"]}
        async with database.transaction() as connection:
            await connection.execute(FOUND_VENUE, place)
            drafting_it = asyncio.create_task(catalogue.draft(drafting(venue=venue)))

            async def is_waiting() -> bool:
                return drafting_it.done() or await database.fetch_one(WAITING) is not None

            await eventually(is_waiting)
            await connection.execute(NEW_VENUE, place)

        assert (await drafting_it).json()["data"]["venue"]["venue_id"] == place["venue_id"]

    async def test_discarded_draft_removes_the_name_that_it_added(
        self, catalogue: CatalogueCaller, anonymous: Caller, venue_id: str
    ) -> None:
        mistyped = await catalogue.drafted(venue=None, venue_id=venue_id, hall_id="HALL-BB")
        await catalogue.discard(mistyped["event_id"], undoes=mistyped["request_id"])

        assert await halls_of(anonymous, venue_id) == ["HALL-A"]
        assert (await catalogue.draft(in_venue(venue_id, hall_id="HALL-B"))).status_code == 200

    async def test_cancelled_event_removes_the_name_that_it_added(
        self, catalogue: CatalogueCaller, anonymous: Caller, venue_id: str
    ) -> None:
        await catalogue.cancelled(venue=None, venue_id=venue_id, hall_id="HALL-BB")

        assert await halls_of(anonymous, venue_id) == ["HALL-A"]

    async def test_name_that_another_event_uses_stays(
        self, catalogue: CatalogueCaller, anonymous: Caller, venue_id: str
    ) -> None:
        added = await catalogue.published(venue=None, venue_id=venue_id, hall_id="HALL-B")
        other = await catalogue.drafted(**in_venue(venue_id, hall_id="HALL-B", event_date="2027-03-21T12:00:00Z"))

        await catalogue.cancel(added["event_id"])
        assert await halls_of(anonymous, venue_id) == ["HALL-A", "HALL-B"]
        await catalogue.discard(other["event_id"], undoes=other["request_id"])
        assert await halls_of(anonymous, venue_id) == ["HALL-A"]

    async def test_name_that_the_venue_was_given_stays(self, catalogue: CatalogueCaller, anonymous: Caller) -> None:
        venue_id = new_id()
        await catalogue.cancelled(venue=a_venue(venue_id=venue_id, halls=["HALL-A"]))

        assert await halls_of(anonymous, venue_id) == ["HALL-A"]

    async def test_last_events_that_end_at_once_remove_the_name(
        self, catalogue: CatalogueCaller, anonymous: Caller, venue_id: str
    ) -> None:
        dates = [f"2027-04-{day:02}T12:00:00Z" for day in range(1, 11)]
        events = [
            await catalogue.published(venue=None, venue_id=venue_id, hall_id="HALL-B", event_date=date)
            for date in dates
        ]

        await asyncio.gather(*(catalogue.cancel(event["event_id"]) for event in events))

        assert await halls_of(anonymous, venue_id) == ["HALL-A"]

    async def test_name_stays_for_a_draft_that_is_not_committed(
        self, catalogue: CatalogueCaller, anonymous: Caller, database: Database, venue_id: str
    ) -> None:
        added = await catalogue.published(venue=None, venue_id=venue_id, hall_id="HALL-B")
        async with database.transaction() as connection:
            await connection.execute(LOCKED_VENUE, {"venue_id": venue_id})
            cancelling = asyncio.create_task(catalogue.cancel(added["event_id"]))

            async def is_waiting() -> bool:
                return cancelling.done() or await database.fetch_one(WAITING) is not None

            await eventually(is_waiting)
            await connection.execute(EVENT_IN_HALL_B, {"venue_id": venue_id})

        assert (await cancelling).status_code == 200
        assert await halls_of(anonymous, venue_id) == ["HALL-A", "HALL-B"]

    async def test_venues_are_listed_with_their_halls(self, anonymous: Caller, venue_id: str) -> None:
        assert await halls_of(anonymous, venue_id) == ["HALL-A"]
