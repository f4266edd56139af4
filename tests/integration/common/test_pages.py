"""One page of a list: its rows, and a total that is bounded and does not depend on the page."""

import base64
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Select, literal_column, select, text

from common.db.engine import Database
from common.db.pages import find_newest, has_value
from common.pages import MAX_COUNTED, Cursor, Total
from common.settings import DatabaseSettings
from orders.ticket_orders.models import orders
from tests.support.servers import DatabaseFactory

ROWS = 25
_INSERT = text(
    """
    INSERT INTO orders (order_id, user_id, event_id, status, total, held_until, created_at)
    SELECT gen_random_uuid(), gen_random_uuid(), :event_id, 'PENDING', 1, now(), CAST(:first_at AS timestamptz)
        - (number / 2) * interval '1 s'
    FROM generate_series(0, :rows - 1) AS number
    """
)


@pytest.fixture(scope="module")
async def database(database_url: DatabaseFactory) -> AsyncIterator[Database]:
    opened = Database(DatabaseSettings(database_url=SecretStr(database_url("orders"))), application_name="tests")
    yield opened
    await opened.close()


@pytest.fixture
async def event_id(database: Database) -> uuid.UUID:
    """An event with orders, two of each instant."""
    return await insert(database, rows=ROWS)


async def insert(database: Database, *, rows: int, event_id: uuid.UUID | None = None) -> uuid.UUID:
    found = event_id or uuid.uuid4()
    await database.execute(_INSERT, {"event_id": found, "rows": rows, "first_at": datetime.now(UTC)})
    return found


async def page(
    database: Database, event_id: uuid.UUID, *, limit: int = 10, offset: int = 0, after: Cursor | None = None
) -> tuple[list[Cursor], Total]:
    rows = select(orders.c.created_at, orders.c.order_id).where(
        orders.c.event_id == event_id, has_value(orders.c.status, "PENDING")
    )
    found, total = await find_newest(
        database, rows, at=orders.c.created_at, key=orders.c.order_id, limit=limit, offset=offset, after=after
    )
    return [Cursor(row["created_at"], row["order_id"]) for row in found], total


@pytest.mark.parametrize(("offset", "items"), [(0, 10), (20, 5), (30, 0), (99_999_900, 0)])
async def test_every_page_tells_the_total(database: Database, event_id: uuid.UUID, offset: int, items: int) -> None:
    found, total = await page(database, event_id, offset=offset)
    assert (len(found), total) == (items, Total(ROWS))


async def test_pages_by_number_contain_every_row_once(database: Database, event_id: uuid.UUID) -> None:
    pages = [(await page(database, event_id, offset=offset))[0] for offset in (0, 10, 20)]
    assert len({place for found in pages for place in found}) == ROWS


@pytest.mark.parametrize("offset", [0, 10])
async def test_full_page_tells_the_place_of_its_last_row(database: Database, event_id: uuid.UUID, offset: int) -> None:
    found, total = await page(database, event_id, offset=offset)
    following, rest = await page(database, event_id, limit=100, after=total.next)
    assert total.next == found[-1]
    assert (len(following), rest.next) == (ROWS - offset - 10, None)


async def test_rows_added_meanwhile_do_not_shift_the_pages_after_an_item(
    database: Database, event_id: uuid.UUID
) -> None:
    before, _ = await page(database, event_id, limit=100)
    seen: list[Cursor] = []
    while True:
        found, total = await page(database, event_id, limit=3, after=seen[-1] if seen else None)
        if not found:
            break
        assert total.number >= ROWS
        seen += found
        await insert(database, rows=1, event_id=event_id)
    assert seen == before


async def test_long_list_is_not_counted_to_its_end(database: Database) -> None:
    long = await insert(database, rows=MAX_COUNTED + 50)
    _, total = await page(database, long)
    assert total == Total(MAX_COUNTED, is_exact=False)
    beyond, _ = await page(database, long, limit=100, offset=50 * MAX_COUNTED)
    assert len(beyond) == 50  # behind the last counted row, as on the page before


async def test_skipped_rows_are_not_computed(database: Database, event_id: uuid.UUID) -> None:
    """A row may be a document of several tables. The deepest page skips ten thousand."""
    await database.execute(text("CREATE SEQUENCE IF NOT EXISTS computed"))
    rows: Select[Any] = select(literal_column("nextval('computed')").label("number")).select_from(orders)
    of_event = rows.where(orders.c.event_id == event_id)
    at, key = orders.c.created_at, orders.c.order_id
    found, _ = await find_newest(database, of_event, at=at, key=key, limit=5, offset=15)
    assert max(row["number"] for row in found) == 5


def test_cursor_is_read_as_it_was_written() -> None:
    place = Cursor(datetime.now(UTC) - timedelta(microseconds=1), uuid.uuid4())
    assert Cursor.parse(str(place)) == place


@pytest.mark.parametrize(("at", "items"), [("0001-01-01T00:00:00+00:00", 0), ("9999-12-31T13:59:59-10:00", 10)])
async def test_cursor_may_be_at_the_end_of_the_calendar(
    database: Database, event_id: uuid.UUID, at: str, items: int
) -> None:
    text_of_cursor = base64.urlsafe_b64encode(f"{at} {uuid.uuid4()}".encode()).decode()
    found, total = await page(database, event_id, after=Cursor.parse(text_of_cursor))
    assert (len(found), total) == (items, Total(ROWS))


def test_only_names_become_part_of_a_statement() -> None:
    with pytest.raises(ValueError, match="x"):
        has_value(orders.c.status, "x' OR true")
