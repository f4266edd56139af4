"""Finding events: by id, by several ids, by name and date, page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.events.catalogue import CatalogueCaller, a_venue
from tests.support.callers import Caller, new_id


@pytest.fixture
async def empty_catalogue(database: Database) -> None:
    """An empty catalogue."""
    await database.execute(text("TRUNCATE events, venues CASCADE"))


async def names(catalogue: CatalogueCaller, **query: Any) -> list[str]:
    answer = await catalogue.search(**query)
    assert answer.status_code == 200, answer.text
    return [event["name"] for event in answer.json()["data"]]


def _times(event_date: datetime, ends_at: datetime) -> dict[str, str]:
    return {"event_date": event_date.isoformat(), "ends_at": ends_at.isoformat()}


class TestFind:
    @pytest.mark.parametrize("status", ["DRAFT", "PUBLISHED", "CANCELLED"])
    async def test_finds_events_of_any_status(self, catalogue: CatalogueCaller, status: str) -> None:
        make = {"DRAFT": catalogue.drafted, "PUBLISHED": catalogue.published, "CANCELLED": catalogue.cancelled}
        body = await make[status]()

        answer = await catalogue.find(body["event_id"])

        assert answer.status_code == 200
        assert answer.json()["data"]["status"] == status

    async def test_an_unknown_event(self, catalogue: CatalogueCaller) -> None:
        answer = await catalogue.find(new_id())

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "EVENT_NOT_FOUND"

    @pytest.mark.parametrize("event_id", ["42", "e1e1e1e1", "%00"])
    async def test_a_malformed_id(self, catalogue: CatalogueCaller, event_id: str) -> None:
        answer = await catalogue.find(event_id)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"


class TestLookUp:
    async def test_existing_events_are_returned_once_in_request_order(self, catalogue: CatalogueCaller) -> None:
        first, second = (await catalogue.published())["event_id"], (await catalogue.drafted())["event_id"]

        answer = await catalogue.look_up(second, new_id(), first, second)

        assert answer.status_code == 200
        assert [event["event_id"] for event in answer.json()["data"]] == [second, first]
        assert answer.json()["data"][1] == await catalogue.event(first)

    async def test_empty_request_returns_nothing(self, catalogue: CatalogueCaller) -> None:
        assert (await catalogue.look_up()).json()["data"] == []

    async def test_hundred_ids_at_most(self, catalogue: CatalogueCaller) -> None:
        many = [new_id() for _ in range(101)]

        assert (await catalogue.look_up(*many[:100])).json()["data"] == []
        assert (await catalogue.look_up(*many)).json()["error_code"] == "VALIDATION_ERROR"

    async def test_a_malformed_id(self, catalogue: CatalogueCaller) -> None:
        assert (await catalogue.look_up("42")).json()["error_code"] == "INVALID_UUID"


@pytest.mark.usefixtures("empty_catalogue")
class TestSearch:
    async def test_shows_published_events_only(self, catalogue: CatalogueCaller) -> None:
        await catalogue.drafted(name="Draft")
        await catalogue.cancelled(name="Cancelled")
        published = await catalogue.published(name="Published")

        answer = await catalogue.search()

        assert answer.json()["data"] == [await catalogue.event(published["event_id"])]
        assert answer.json()["pagination"] == {"page": 1, "per_page": 20, "total": 1, "total_pages": 1}

    async def test_past_events_are_listed_on_request_only(self, catalogue: CatalogueCaller) -> None:
        """An event under way is not past."""
        now = datetime.now(UTC)
        await catalogue.published(name="over", **_times(now - timedelta(days=3), now - timedelta(days=2)))
        await catalogue.published(name="under way", **_times(now - timedelta(days=1), now + timedelta(days=1)))
        await catalogue.published(name="coming", **_times(now + timedelta(days=2), now + timedelta(days=3)))

        assert await names(catalogue) == ["under way", "coming"]
        assert await names(catalogue, past=True) == ["over", "under way", "coming"]
        assert await names(catalogue, past=True, to=now.isoformat()) == ["over", "under way"]

    async def test_status_and_organiser(self, catalogue: CatalogueCaller) -> None:
        organiser, other = new_id(), new_id()
        await catalogue.drafted(name="draft", organiser_user_id=organiser, event_date="2027-03-01T00:00:00Z")
        await catalogue.cancelled(name="cancelled", organiser_user_id=organiser, event_date="2027-03-02T00:00:00Z")
        await catalogue.published(name="published", organiser_user_id=organiser, event_date="2027-03-03T00:00:00Z")
        await catalogue.published(name="another's", organiser_user_id=other, event_date="2027-03-04T00:00:00Z")

        all_statuses = ["DRAFT", "PUBLISHED", "CANCELLED"]
        assert await names(catalogue, organiser_user_id=organiser) == ["published"]
        own = await names(catalogue, organiser_user_id=organiser, status=all_statuses)
        assert own == ["draft", "cancelled", "published"]
        assert await names(catalogue, status="CANCELLED") == ["cancelled"]

    async def test_empty_catalogue_returns_no_events(self, catalogue: CatalogueCaller) -> None:
        answer = await catalogue.search()

        assert answer.json()["data"] == []
        assert answer.json()["pagination"] == {"page": 1, "per_page": 20, "total": 0, "total_pages": 0}

    async def test_events_are_sorted_by_date_then_id(self, catalogue: CatalogueCaller) -> None:
        late = (await catalogue.published(event_date="2027-05-01T00:00:00Z"))["event_id"]
        same_day = [(await catalogue.published(event_date="2027-04-01T00:00:00Z"))["event_id"] for _ in range(4)]
        early = (await catalogue.published(event_date="2027-03-01T00:00:00Z"))["event_id"]

        pages = [(await catalogue.search(page=page, per_page=1)).json()["data"] for page in range(1, 7)]

        assert [page[0]["event_id"] for page in pages] == [early, *sorted(same_day), late]

    @pytest.mark.parametrize(
        ("page", "expected"), [(1, ["1", "2"]), (2, ["3", "4"]), (3, ["5"]), (4, []), (1_000_000, [])]
    )
    async def test_pages(self, catalogue: CatalogueCaller, page: int, expected: list[str]) -> None:
        for day in range(1, 6):
            await catalogue.published(name=str(day), event_date=f"2027-03-0{day}T00:00:00Z")

        answer = await catalogue.search(page=page, per_page=2)

        assert [event["name"] for event in answer.json()["data"]] == expected
        assert answer.json()["pagination"] == {"page": page, "per_page": 2, "total": 5, "total_pages": 3}

    @pytest.mark.parametrize(
        ("q", "expected"),
        [
            ("jazz", ["Jazz & Blues", "Late jazz"]),
            ("JAZZ", ["Jazz & Blues", "Late jazz"]),
            ("  late ", ["Late jazz"]),
            ("é", ["Soirée"]),
            ("É", ["Soirée"]),
            ("rock", []),
            ("%", ["100% Pop"]),
            ("_", ["under_score"]),
            ("\\", ["back\\slash"]),
            ("/", ["AC/DC"]),
            ("0%_", []),
            ("%%", []),
            ("'; DROP TABLE events; --", []),
            ("", ["100% Pop", "AC/DC", "Jazz & Blues", "Late jazz", "Soirée", "back\\slash", "under_score"]),
            ("   ", ["100% Pop", "AC/DC", "Jazz & Blues", "Late jazz", "Soirée", "back\\slash", "under_score"]),
        ],
    )
    async def test_name_search_matches_a_literal_substring(
        self, catalogue: CatalogueCaller, q: str, expected: list[str]
    ) -> None:
        for name in ("Jazz & Blues", "Late jazz", "Soirée", "100% Pop", "under_score", "back\\slash", "AC/DC"):
            await catalogue.published(name=name)

        answer = await catalogue.search(q=q)

        assert sorted(event["name"] for event in answer.json()["data"]) == expected
        assert answer.json()["pagination"]["total"] == len(expected)

    async def test_name_is_found_however_it_was_typed(self, catalogue: CatalogueCaller) -> None:
        """An earlier release stored names as they were typed."""
        await catalogue.published(name="Cafe\u0301 Jazz")

        assert await names(catalogue, q="caf\u00e9") == ["Cafe\u0301 Jazz"]
        assert await names(catalogue, q="cafe\u0301 j") == ["Cafe\u0301 Jazz"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"from": "2027-03-02T00:00:00Z"}, ["2", "3"]),
            ({"from": "2027-03-02T00:00:01Z"}, ["3"]),
            ({"to": "2027-03-02T00:00:00Z"}, ["1"]),
            ({"to": "2027-03-02T00:00:01Z"}, ["1", "2"]),
            ({"from": "2027-03-02T08:00:00+08:00", "to": "2027-03-01T19:00:01-05:00"}, ["2"]),
            ({"from": "2027-03-02T00:00:00Z", "to": "2027-03-02T00:00:00Z"}, []),
            ({"from": "2027-03-03T00:00:00Z", "to": "2027-03-01T00:00:00Z"}, []),
            ({"from": "2027-03-02T00:00:00Z", "q": "3"}, ["3"]),
        ],
        ids=str,
    )
    async def test_range_includes_its_beginning_and_excludes_its_end(
        self, catalogue: CatalogueCaller, query: dict[str, str], expected: list[str]
    ) -> None:
        for day in (1, 2, 3):
            await catalogue.published(name=str(day), event_date=f"2027-03-0{day}T00:00:00Z")

        assert await names(catalogue, **query) == expected

    @pytest.mark.parametrize(
        "query",
        [
            {"page": 0},
            {"per_page": 0},
            {"per_page": 101},
            {"page": "x"},
            {"from": "tomorrow"},
            {"from": "2027-03-01"},
            {"from": "1800000000"},
            {"to": "2027-03-01T00:00:00"},
            {"to": "0001-01-01T00:00:00+14:00"},
            {"q": "x" * 201},
            {"q": "\x00"},
        ],
        ids=str,
    )
    async def test_invalid_query_is_refused(self, catalogue: CatalogueCaller, query: dict[str, Any]) -> None:
        answer = await catalogue.search(**query)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"


@pytest.mark.usefixtures("empty_catalogue")
class TestVenues:
    async def test_venues_are_sorted_by_name_without_a_token(
        self, catalogue: CatalogueCaller, anonymous: Caller
    ) -> None:
        venues = [a_venue(name=name, venue_id=new_id()) for name in ("Victoria Hall", "Esplanade", "Arts House")]
        for venue in venues:
            await catalogue.published(venue=venue)

        answer = await anonymous.get("/api/venues")

        assert answer.status_code == 200
        assert answer.json()["data"] == venues[::-1]
        assert answer.json()["pagination"] == {"page": 1, "per_page": 20, "total": 3, "total_pages": 1}

    @pytest.mark.parametrize(("page", "expected"), [(1, ["A", "B"]), (2, ["C"]), (3, [])])
    async def test_pages(self, catalogue: CatalogueCaller, anonymous: Caller, page: int, expected: list[str]) -> None:
        for name in ("A", "B", "C"):
            await catalogue.published(venue=a_venue(name=name))

        answer = await anonymous.get("/api/venues", page=page, per_page=2)

        assert [venue["name"] for venue in answer.json()["data"]] == expected
        assert answer.json()["pagination"] == {"page": page, "per_page": 2, "total": 3, "total_pages": 2}

    @pytest.mark.parametrize("query", [{"page": 0}, {"per_page": 101}, {"page": "x"}], ids=str)
    async def test_invalid_page_is_refused(self, anonymous: Caller, query: dict[str, Any]) -> None:
        answer = await anonymous.get("/api/venues", **query)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"
