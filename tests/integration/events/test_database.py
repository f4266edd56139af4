"""events_db: its constraints, and the number of statements per call."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import events.articles.models
import events.catalogue.models
import events.menus.models
import events.performers.models
import events.products.models
import events.venues.models  # noqa: F401 - fills the metadata
from common.db.engine import CHECK_VIOLATION, Database, sqlstate_of
from devstack.seed_products import seed_products
from events.app import create_app
from events.database import metadata
from events.settings import Settings
from tests.integration.events.catalogue import CatalogueCaller
from tests.integration.events.stage import TIP_MENUS, FactsCaller, OfferCaller
from tests.support.callers import Caller
from tests.support.statements import counted_statements, schema_differences
from tests.support.user_tokens import UserTokenMint


@pytest.fixture(scope="module")
async def app(settings: Settings, mint: UserTokenMint) -> AsyncIterator[FastAPI]:
    """The app without its background tasks, whose statements would be counted, too."""
    app = create_app(settings, user_tokens=mint.verifier())
    yield app
    async with app.router.lifespan_context(app):
        pass  # its end closes what the app has opened


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
        ("performers", "subscription_price = 0"),
        ("performers", "settlement = 'LATER'"),
        ("menus", "kind = 'OTHER'"),
        ("menus", "queue_mode = 'MAYBE'"),
        ("menus", "visibility = 'secret'"),
        ("menus", "kind = 'TIP', queue_mode = 'ON'"),
        ("menus", "kind = 'TIP', visibility = 'private'"),
        ("menu_items", "price = 0"),
        ("menu_items", "bonus_loyalty_points = -1"),
        ("menu_items", "bonus_loyalty_points = price * 10 + 1"),
        ("menu_items", "estimated_minutes = -1"),
        ("menu_items", "daily_limit = 0"),
        ("menu_items", "daily_limit_per_user = 0"),
        ("products", "price = 0"),
        ("products", "stock = -1"),
    ],
)
async def test_database_refuses_invalid_values(
    catalogue: CatalogueCaller, database: Database, performer: OfferCaller, *, table: str, change: str
) -> None:
    await catalogue.drafted()
    await performer.added(await performer.created())
    await seed_products(database)

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

    async def test_event_with_its_articles(self, catalogue: CatalogueCaller, three_events: list[str]) -> None:
        with counted_statements() as statements:
            found = await catalogue.find(three_events[0])

        assert found.json()["data"]["articles"] == []
        assert int(statements) == 1

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

    async def test_tip_grid(self, anonymous: Caller, performer: OfferCaller) -> None:
        for _ in range(3):
            await performer.added(await performer.created(TIP_MENUS), TIP_MENUS)
        with counted_statements() as statements:
            await anonymous.get(f"/api/tip-grid/{performer.performer_id}")
        assert int(statements) == 3

    async def test_item_of_a_purchase(self, facts: FactsCaller, performer: OfferCaller) -> None:
        item_id = await performer.added(await performer.created())
        with counted_statements() as statements:
            await facts.item(item_id)
        assert int(statements) == 1
