"""Events of the previous release: their upgrade, and both releases on one database."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.db.engine import EXCLUSION_VIOLATION, Database, sqlstate_of
from common.errors import ServiceError
from common.fields import EARLIEST, LATEST
from events.catalogue.repository import EventRepository
from events.catalogue.schemas import DraftEvent, Event, EventSearch
from events.venues.repository import VenueRepository
from tests.integration.events.catalogue import CatalogueCaller, a_venue, drafting
from tests.support.callers import new_id
from tests.support.migrating_database import MigratingDatabase
from tests.support.servers import DatabaseFactory

BEFORE_TIMES: Final = "0002"

OLD_INSERT: Final = text(
    """
    WITH venue AS (
        INSERT INTO venues (venue_id, name, address, total_halls) VALUES (:venue_id, 'Esplanade', '', 1)
        ON CONFLICT DO NOTHING),
    tier AS (INSERT INTO pricing_tiers (event_id, category, price) VALUES (:event_id, 'CAT1', 350))
    INSERT INTO events (event_id, venue_id, name, status, hall_id, event_date, total_seats, layout, published_at)
    VALUES (:event_id, :venue_id, 'Jazz', 'PUBLISHED', :hall_id, CAST(:event_date AS text)::timestamptz, 10, '[]', now())
    """
)


class Catalogue(MigratingDatabase):
    """A database of events that is migrated step by step."""

    async def insert(self, **changes: str) -> str:
        """Insert an event as the previous release does, and return its id."""
        values = {"event_id": new_id(), "venue_id": new_id(), "hall_id": "HALL-A"}
        values |= {"event_date": "2027-03-20T12:00:00Z", **changes}
        await self.execute(OLD_INSERT, values)
        return values["event_id"]

    async def row(self, event_id: str) -> dict[str, Any]:
        row = await self.fetch_one(text("SELECT * FROM events WHERE event_id = :id"), {"id": event_id})
        assert row is not None
        return dict(row)


@pytest.fixture
async def old_catalogue(database_url: DatabaseFactory) -> AsyncIterator[Catalogue]:
    catalogue = Catalogue("events", database_url.empty())
    await catalogue.upgrade(BEFORE_TIMES)
    yield catalogue
    await catalogue.close()


async def test_old_events_end_after_four_hours(old_catalogue: Catalogue) -> None:
    before = await old_catalogue.insert()

    await old_catalogue.upgrade()

    meanwhile = await old_catalogue.insert(event_date="2027-03-20T20:00:00+08:00")
    for event_id in (before, meanwhile):
        row = await old_catalogue.row(event_id)
        assert (row["ends_at"] - row["event_date"]).total_seconds() == 4 * 60 * 60
        assert row["doors_open_at"] is None


@pytest.mark.parametrize("event_date", ["9999-12-31T23:59:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"])
async def test_old_events_at_the_ends_of_the_calendar_are_read(old_catalogue: Catalogue, event_date: str) -> None:
    before = await old_catalogue.insert(event_date=event_date)

    await old_catalogue.upgrade()

    meanwhile = await old_catalogue.insert(event_date=event_date)
    found, total = await EventRepository(old_catalogue).page(EventSearch(includes_past=True), limit=10, offset=0)
    assert total.number == 2
    for event in found:
        assert str(event.event_id) in {before, meanwhile}
        stored = Event(**event.model_dump(exclude={"ends_at", "doors_open_at"}))  # as a stored answer is read
        for read in (event, stored):
            assert EARLIEST <= read.doors_open_at <= read.event_date <= read.ends_at <= LATEST


async def test_old_events_that_share_a_hall_are_kept(old_catalogue: Catalogue) -> None:
    """They may overlap each other, and no other event may overlap one of them."""
    venue_id = new_id()
    sharing = [await old_catalogue.insert(venue_id=venue_id) for _ in range(2)]
    alone = await old_catalogue.insert(venue_id=venue_id, hall_id="HALL-B")

    await old_catalogue.upgrade()

    assert [(await old_catalogue.row(event_id))["shares_hall"] for event_id in (*sharing, alone)] == [True, True, False]
    with pytest.raises(IntegrityError) as refused:
        await old_catalogue.insert(venue_id=venue_id, hall_id="HALL-B")
    assert sqlstate_of(refused.value) == EXCLUSION_VIOLATION
    events = EventRepository(old_catalogue)
    for hall_id in ("HALL-A", "HALL-B"):
        draft = DraftEvent.model_validate(drafting(venue=None, venue_id=venue_id, hall_id=hall_id))
        with pytest.raises(ServiceError, match="EVENT_CONFLICT"):
            await events.draft(draft)


async def test_old_venues_have_the_halls_of_their_events(old_catalogue: Catalogue) -> None:
    venue_id = new_id()
    for hall_id in ("HALL-B", "HALL-A"):
        await old_catalogue.insert(venue_id=venue_id, hall_id=hall_id)

    await old_catalogue.upgrade()

    [venue], _ = await VenueRepository(old_catalogue).page(limit=10, offset=0)
    assert venue.halls == ["HALL-A", "HALL-B"]
    draft = drafting(venue=None, venue_id=venue_id, event_date="2027-04-01T12:00:00Z")
    event = await EventRepository(old_catalogue).draft(DraftEvent.model_validate(draft | {"hall_id": "HALL-B"}))
    assert event.hall_id == "HALL-B"
    with pytest.raises(ServiceError, match="no such hall"):
        await EventRepository(old_catalogue).draft(
            DraftEvent.model_validate(draft | {"request_id": new_id(), "event_id": new_id(), "hall_id": "Hall-A"})
        )


async def test_old_venues_accept_further_halls(old_catalogue: Catalogue) -> None:
    """The previous release did not check their number, which was 1 when omitted."""
    before, meanwhile = new_id(), new_id()
    await old_catalogue.insert(venue_id=before)
    await old_catalogue.upgrade()
    await old_catalogue.insert(venue_id=meanwhile)
    events = EventRepository(old_catalogue)

    for venue_id in (before, meanwhile):
        for count, hall_id in enumerate(("HALL-B", "HALL-C"), start=1):
            draft = drafting(venue=None, venue_id=venue_id, hall_id=hall_id)
            event = await events.draft(DraftEvent.model_validate(draft))
            assert event.hall_id in event.venue.halls
            assert event.venue.total_halls >= max(count, len(event.venue.halls))


async def test_answer_stored_by_the_previous_release_is_replayed(
    catalogue: CatalogueCaller, database: Database
) -> None:
    body = drafting(venue=a_venue())
    first = (await catalogue.draft(body)).json()["data"]
    older = text(
        """
        UPDATE requests SET result = result #- '{done,ends_at}' #- '{done,doors_open_at}' #- '{done,has_doors_time}'
            #- '{done,venue,halls}'
        WHERE request_id = :request_id
        """
    )
    await database.execute(older, {"request_id": body["request_id"]})

    repeated = (await catalogue.draft(body)).json()["data"]

    assert repeated == {**first, "has_doors_time": False, "venue": {**first["venue"], "halls": []}}


async def test_request_of_the_previous_release_is_the_same_with_times(catalogue: CatalogueCaller) -> None:
    body = drafting()
    first = await catalogue.draft(body)

    repeated = await catalogue.draft(body | {"ends_at": "2027-03-20T23:00:00Z"})

    assert repeated.json() == first.json()
