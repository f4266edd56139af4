"""Editing a published event: its facts, its times, and the hall at the new time (T7)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import DateTime, bindparam, text

from common.db.engine import Database
from tests.integration.events.catalogue import CatalogueCaller, a_venue
from tests.support.callers import new_id
from tests.support.waiting import eventually

FROM_12_TO_16 = {"event_date": "2027-03-20T12:00:00Z", "ends_at": "2027-03-20T16:00:00Z"}
WAITING = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1")
MOVE = text(
    """
    UPDATE events SET event_date = '2027-07-01T13:00:00Z', ends_at = '2027-07-01T15:00:00Z', version = version + 1
    WHERE event_id = CAST(:event_id AS uuid)
    """
)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error_code", "")


async def found(catalogue: CatalogueCaller, event_id: str) -> dict[str, Any]:
    event: dict[str, Any] = await catalogue.event(event_id)
    return event


@pytest.fixture
async def event_id(catalogue: CatalogueCaller) -> str:
    """An event in HALL-A of a venue of its own, from 12 to 16 o'clock."""
    return str((await catalogue.published(doors_open_at="2027-03-20T11:00:00Z", **FROM_12_TO_16))["event_id"])


class TestFacts:
    async def test_given_fields_change_and_others_stay(self, catalogue: CatalogueCaller, event_id: str) -> None:
        before = await found(catalogue, event_id)
        changes: dict[str, Any] = {
            "name": "  Darkness over the Bay ",
            "description": "Bring a torch.",
            "sale_starts_at": "2026-01-01T08:00:00+08:00",
            "refund_deadline_hours": 48,
            "organiser_user_id": new_id(),
        }

        edited = (await catalogue.edit(event_id, **changes)).json()["data"]

        assert edited.pop("previous_event_date") == before["event_date"]
        previous = edited.pop("previous")
        assert previous == {name: before[name] for name in previous}
        assert previous.keys() >= changes.keys()
        expected = before | changes | {"name": "Darkness over the Bay", "version": 2}
        assert edited == expected | {"sale_starts_at": "2026-01-01T00:00:00Z"}
        assert await found(catalogue, event_id) == edited

    async def test_null_removes_the_start_of_sale_and_the_organiser(
        self, catalogue: CatalogueCaller, event_id: str
    ) -> None:
        await catalogue.edit(event_id, sale_starts_at="2026-01-01T00:00:00Z", organiser_user_id=new_id())

        await catalogue.edit(event_id, sale_starts_at=None, organiser_user_id=None)

        event = await found(catalogue, event_id)
        assert (event["sale_starts_at"], event["organiser_user_id"]) == (None, None)

    async def test_drafts_facts_are_stored(self, catalogue: CatalogueCaller) -> None:
        facts = {
            "description": "Bring a torch.",
            "sale_starts_at": "2026-01-01T00:00:00Z",
            "organiser_user_id": new_id(),
        }
        body = await catalogue.drafted(**facts)

        event = await found(catalogue, body["event_id"])

        assert {name: event[name] for name in facts} == facts


class TestTimes:
    async def test_doors_and_end_move_with_the_date(self, catalogue: CatalogueCaller, event_id: str) -> None:
        window = "2027-03-25T00:00:00Z"

        edited = await catalogue.edit(event_id, event_date="2027-04-01T20:00:00+08:00", refundable_until=window)

        event = edited.json()["data"]
        times = [event[name] for name in ("doors_open_at", "event_date", "ends_at")]
        assert times == ["2027-04-01T11:00:00Z", "2027-04-01T12:00:00Z", "2027-04-01T16:00:00Z"]
        assert event["previous_event_date"] == "2027-03-20T12:00:00Z"
        assert event["refundable_until"] == window

    async def test_refund_window_opens_only_if_the_date_moves(self, catalogue: CatalogueCaller, event_id: str) -> None:
        window = "2027-03-25T00:00:00Z"
        same_date = {"event_date": "2027-03-20T12:00:00Z", "ends_at": "2027-03-20T17:00:00Z"}

        edited = await catalogue.edit(event_id, **same_date, refundable_until=window)

        assert edited.json()["data"]["refundable_until"] is None
        assert edited.json()["data"]["ends_at"] == "2027-03-20T17:00:00Z"

    @pytest.mark.parametrize(
        "times",
        [
            {"event_date": "2020-01-01T00:00:00Z"},
            {"ends_at": "2027-03-20T12:00:00Z"},
            {"ends_at": "2027-03-20T11:00:00Z"},
            {"doors_open_at": "2027-03-20T12:00:01Z"},
            {"event_date": "2027-04-01T12:00:00Z", "ends_at": "2027-03-20T16:00:00Z"},
            {"event_date": "2027-03-10T12:00:00Z", "doors_open_at": "2027-03-20T11:00:00Z"},
        ],
        ids=str,
    )
    async def test_times_out_of_order_are_refused_permanently(
        self, catalogue: CatalogueCaller, event_id: str, times: dict[str, str]
    ) -> None:
        before, request_id = await found(catalogue, event_id), new_id()

        answers = [await catalogue.edit(event_id, request_id=request_id, **times) for _ in range(2)]

        assert [refusal(answer) for answer in answers] == [(400, "VALIDATION_ERROR")] * 2
        assert all(answer.headers["x-refusal-remembered"] for answer in answers)
        assert await found(catalogue, event_id) == before

    async def test_facts_of_a_past_event_change_without_its_date(self, catalogue: CatalogueCaller) -> None:
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        past = (await catalogue.published(event_date=yesterday))["event_id"]

        assert (await catalogue.edit(past, name="Over", event_date=yesterday)).status_code == 200

    async def test_times_stay_within_the_calendar(self, catalogue: CatalogueCaller) -> None:
        long_ago, far = "1970-01-01T00:00:00Z", "8999-12-31T00:00:00Z"
        body = await catalogue.published(event_date="2027-01-01T00:00:00Z", doors_open_at=long_ago, ends_at=far)

        late = (await catalogue.edit(body["event_id"], event_date="8000-01-01T00:00:00Z")).json()["data"]
        early = (await catalogue.edit(body["event_id"], event_date="2028-01-01T00:00:00Z")).json()["data"]

        assert (late["ends_at"], early["doors_open_at"]) == ("9000-01-01T00:00:00Z", "1971-01-01T00:00:00Z")

    @pytest.mark.parametrize(
        "changes", [{"name": "New"}, {"event_date": "2027-03-27T12:00:00Z"}], ids=["without a move", "with a move"]
    )
    async def test_doors_that_were_not_stored_stay_unknown(
        self, *, catalogue: CatalogueCaller, database: Database, event_id: str, changes: dict[str, str]
    ) -> None:
        """An earlier release stored no doors."""
        forget = text("UPDATE events SET doors_open_at = NULL WHERE event_id = CAST(:event_id AS uuid)")
        await database.execute(forget, {"event_id": event_id})

        event = (await catalogue.edit(event_id, **changes)).json()["data"]

        begins = datetime.fromisoformat(event["event_date"])
        assert (event["version"], event["has_doors_time"]) == (2, False)
        assert datetime.fromisoformat(event["doors_open_at"]) == begins - timedelta(hours=2)

    @pytest.mark.parametrize("year", [1, 9999])
    async def test_event_beyond_the_calendar_can_be_mended(
        self, *, catalogue: CatalogueCaller, database: Database, event_id: str, year: int
    ) -> None:
        """An earlier release accepted any year."""
        stored = text(
            """
            UPDATE events SET event_date = :at, ends_at = :at + interval '4 hours', doors_open_at = :at
            WHERE event_id = CAST(:event_id AS uuid)
            """
        ).bindparams(bindparam("at", type_=DateTime(timezone=True)))
        await database.execute(stored, {"event_id": event_id, "at": datetime(year, 6, 1, tzinfo=UTC)})
        shown = (await found(catalogue, event_id))["event_date"]

        renamed = await catalogue.edit(event_id, name="New")
        moved = await catalogue.edit(event_id, event_date="2027-06-01T12:00:00Z")

        assert (renamed.status_code, renamed.json()["data"]["previous_event_date"]) == (200, shown)
        assert renamed.json()["data"]["event_date"] == shown
        assert (moved.status_code, moved.json()["data"]["previous_event_date"]) == (200, shown)
        assert moved.json()["data"]["ends_at"] == "2027-06-01T16:00:00Z"


class TestHall:
    @pytest.fixture
    async def other_id(self, catalogue: CatalogueCaller, event_id: str) -> str:
        """An event in the same hall, a day later."""
        venue_id = (await found(catalogue, event_id))["venue"]["venue_id"]
        times = {"event_date": "2027-03-21T12:00:00Z", "ends_at": "2027-03-21T16:00:00Z"}
        return str((await catalogue.published(venue=None, venue_id=venue_id, **times))["event_id"])

    @pytest.mark.parametrize(
        "times",
        [
            {"event_date": "2027-03-21T15:59:59Z"},
            {"event_date": "2027-03-21T08:00:01Z"},
            {"ends_at": "2027-03-21T12:00:01Z"},
        ],
        ids=str,
    )
    async def test_occupied_hall_is_refused_permanently(
        self, *, catalogue: CatalogueCaller, event_id: str, other_id: str, times: dict[str, str]
    ) -> None:
        request_id = new_id()

        refused = await catalogue.edit(event_id, request_id=request_id, **times)

        assert refusal(refused) == (409, "EVENT_CONFLICT")
        assert refused.json()["details"]["event_id"] == other_id
        await catalogue.cancel(other_id)
        assert refusal(await catalogue.edit(event_id, request_id=request_id, **times)) == (409, "EVENT_CONFLICT")
        assert (await catalogue.edit(event_id, **times)).status_code == 200

    @pytest.mark.usefixtures("other_id")
    async def test_event_may_end_when_the_next_begins(self, catalogue: CatalogueCaller, event_id: str) -> None:
        assert (await catalogue.edit(event_id, event_date="2027-03-21T08:00:00Z")).status_code == 200

    async def test_event_may_overlap_its_own_former_time(self, catalogue: CatalogueCaller, event_id: str) -> None:
        assert (await catalogue.edit(event_id, event_date="2027-03-20T13:00:00Z")).status_code == 200

    async def test_edit_waits_for_a_concurrent_move_into_the_hall(
        self, *, catalogue: CatalogueCaller, database: Database, event_id: str, other_id: str
    ) -> None:
        """Its own statement cannot see that move."""
        async with database.transaction() as connection:
            await connection.execute(MOVE, {"event_id": other_id})
            editing = asyncio.create_task(catalogue.edit(event_id, event_date="2027-07-01T12:00:00Z"))

            async def is_waiting() -> bool:
                return editing.done() or await database.fetch_one(WAITING) is not None

            await eventually(is_waiting)

        assert refusal(await editing) == (409, "EVENT_CONFLICT")

    async def test_events_that_share_a_hall_keep_it_until_they_move(
        self, catalogue: CatalogueCaller, database: Database, other_id: str
    ) -> None:
        """An earlier release let two events have one hall."""
        share = text(
            """
            UPDATE events SET shares_hall = true, event_date = :at, ends_at = :end, doors_open_at = NULL
            WHERE event_id = :event_id
            """
        )
        at, end = datetime(2027, 3, 20, 13, tzinfo=UTC), datetime(2027, 3, 20, 15, tzinfo=UTC)
        await database.execute(share, {"event_id": other_id, "at": at, "end": end})

        assert (await catalogue.edit(other_id, name="Shared")).status_code == 200
        assert refusal(await catalogue.edit(other_id, ends_at="2027-03-20T15:30:00Z")) == (409, "EVENT_CONFLICT")
        assert (await catalogue.edit(other_id, event_date="2027-03-22T12:00:00Z")).status_code == 200
        shares = text("SELECT shares_hall FROM events WHERE event_id = :event_id")
        assert await database.fetch_one(shares, {"event_id": other_id}) == {"shares_hall": False}


class TestConcurrency:
    async def test_fifty_repetitions_edit_once(self, catalogue: CatalogueCaller, event_id: str) -> None:
        request_id = new_id()

        answers = await asyncio.gather(
            *(catalogue.edit(event_id, request_id=request_id, name="Once") for _ in range(50))
        )

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["data"]["version"] for answer in answers} == {2}

    async def test_one_of_many_edits_of_a_version_is_accepted(self, catalogue: CatalogueCaller, event_id: str) -> None:
        answers = await asyncio.gather(*(catalogue.edit(event_id, name=f"{n}", version=1) for n in range(10)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
        refused = next(answer for answer in answers if answer.status_code == 409)
        assert (refused.json()["error_code"], refused.json()["details"]) == ("EVENT_INVALID_STATE", {"version": 2})

    async def test_concurrent_edits_of_different_fields_are_all_kept(
        self, catalogue: CatalogueCaller, event_id: str
    ) -> None:
        changes: list[dict[str, Any]] = [{"name": "New"}, {"description": "Text"}, {"refund_deadline_hours": 1}]

        await asyncio.gather(*(catalogue.edit(event_id, **change) for change in changes))

        event = await found(catalogue, event_id)
        assert event["version"] == 4
        assert (event["name"], event["description"], event["refund_deadline_hours"]) == ("New", "Text", 1)

    async def test_request_id_of_another_edit_is_refused(self, catalogue: CatalogueCaller, event_id: str) -> None:
        request_id = new_id()
        await catalogue.edit(event_id, request_id=request_id, name="One")

        other = await catalogue.edit(event_id, request_id=request_id, name="Two")

        assert refusal(other) == (422, "IDEMPOTENCY_KEY_REUSED")


class TestStatus:
    async def test_cancelled_and_drafted_events_are_refused(self, catalogue: CatalogueCaller) -> None:
        for make, status in ((catalogue.drafted, "DRAFT"), (catalogue.cancelled, "CANCELLED")):
            event_id = (await make(venue=a_venue(address=new_id())))["event_id"]
            refused = await catalogue.edit(event_id, name="New")
            assert refusal(refused) == (409, "EVENT_INVALID_STATE")
            assert refused.json()["details"] == {"status": status}

    async def test_unknown_event_is_refused(self, catalogue: CatalogueCaller) -> None:
        assert refusal(await catalogue.edit(new_id(), name="New")) == (404, "EVENT_NOT_FOUND")
