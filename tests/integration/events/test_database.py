"""events_db: its constraints, and the number of statements per call."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import events.catalogue.models
import events.menus.models
import events.performers.models
import events.venues.models  # noqa: F401 - fills the metadata
from common.db.engine import CHECK_VIOLATION, Database, sqlstate_of
from events.database import metadata
from tests.integration.events.catalogue import CatalogueCaller
from tests.support.callers import Caller
from tests.support.statements import counted_statements, schema_differences


async def test_migrations_match_the_models(database: Database) -> None:
    assert await schema_differences(database, metadata) == []


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("events", "status = 'SOLD_OUT'"),
        ("events", "status = 'PUBLISHED'"),
        ("events", "status = 'CANCELLED'"),
        ("events", "cancelled_at = now()"),
        ("events", "total_seats = 0"),
        ("events", "ends_at = event_date"),
        ("events", "doors_open_at = event_date + interval '1 second'"),
        ("events", "resale_cap_percent = -1"),
        ("events", "resale_cap_percent = 1001"),
        ("events", "refund_deadline_hours = -1"),
        ("events", "refund_deadline_hours = 8761"),
        ("pricing_tiers", "price = -1"),
        ("venues", "total_halls = 0"),
    ],
)
async def test_database_refuses_invalid_values(
    catalogue: CatalogueCaller, database: Database, *, table: str, change: str
) -> None:
    await catalogue.drafted()

    with pytest.raises(IntegrityError) as refused:
        await database.execute(text(f"UPDATE {table} SET {change}"))  # noqa: S608 - the cases above

    assert sqlstate_of(refused.value) == CHECK_VIOLATION


class TestStatementsPerCall:
    """The number of statements does not depend on the page size."""

    @pytest.fixture
    async def three_events(self, catalogue: CatalogueCaller) -> list[str]:
        return [(await catalogue.published())["event_id"] for _ in range(3)]

    async def test_search(self, catalogue: CatalogueCaller, three_events: list[str]) -> None:
        with counted_statements() as statements:
            found = await catalogue.search()

        assert len(found.json()["data"]) >= len(three_events)
        assert int(statements) == 2

    async def test_look_up(self, catalogue: CatalogueCaller, three_events: list[str]) -> None:
        with counted_statements() as statements:
            found = await catalogue.look_up(*three_events)

        assert len(found.json()["data"]) == 3
        assert int(statements) == 1

    async def test_venues(self, anonymous: Caller, three_events: list[str]) -> None:
        with counted_statements() as statements:
            found = await anonymous.get("/api/venues")

        assert len(found.json()["data"]) >= len(three_events)
        assert int(statements) == 2
