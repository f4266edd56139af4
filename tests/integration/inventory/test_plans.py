# ruff: noqa: SLF001 - the test reads the statements themselves
"""A hot statement reads no more in a larger hall. PostgreSQL's plans count pages, not time."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from decimal import Decimal

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import TextClause

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from common.settings import DatabaseSettings
from inventory.repository import check_in as entrance
from inventory.repository import expiry, halls, holds, search, seats
from inventory.repository.halls import HallRepository
from inventory.repository.holds import HoldRepository
from inventory.repository.requests import Change
from inventory.schemas import ConfirmHold, HoldLimits, LayoutCategory, LayoutRow, ReserveSeats
from tests.support.plans import Explainer
from tests.support.servers import DatabaseFactory

SEATS_PER_ROW = 50
HOLDS = 200
LIMITS = HoldLimits(seats_per_event=10, seats_per_user=20, lapses=3, lapse_window_seconds=900.0, cooldown_seconds=300.0)
# Scattered over the middle of the hall in the same way in any hall: the number of pages read must not depend on which
# seats are taken.
IN_THE_MIDDLE = """
    SELECT seat_id FROM seats WHERE hall_position BETWEEN $1 / 2 - 2500 AND $1 / 2 + 2500
    ORDER BY hashint4(hall_position - $1 / 2) LIMIT $2
"""
# Nor on where PostgreSQL placed the new row versions, which differs with every autovacuum.
LAY_OUT = "CLUSTER seats USING ix_seats_hall_position"


@asynccontextmanager
async def hall_of(database_url: DatabaseFactory, rows: int) -> AsyncIterator[Explainer]:
    url = database_url("inventory")
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="plans")
    event_id = uuid.uuid4()
    layout = LayoutCategory(
        category="CAT1",
        price=Decimal("10.00"),
        rows=[LayoutRow(row_number=str(number), seats=SEATS_PER_ROW) for number in range(rows)],
    )
    await HallRepository(database).provision(ParticipantRequest.of(uuid.uuid4(), "x"), event_id, [layout])
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    free = await connection.fetch(IN_THE_MIDDLE, rows * SEATS_PER_ROW, 4 * HOLDS + 2)
    seat_ids = [row["seat_id"] for row in free]
    hold = (await hold_some(database, event_id, seat_ids[2 : 2 * HOLDS + 2]))[-1]
    order = (await sell_some(database, event_id, seat_ids[2 * HOLDS + 2 :]))[-1]
    await connection.execute(
        "INSERT INTO closed_events SELECT gen_random_uuid() FROM generate_series(1, $1)", 10 * rows
    )
    await connection.execute(LAY_OUT)
    await connection.execute("VACUUM ANALYZE")
    parameters = {
        "request_id": uuid.uuid4(),
        "fingerprint": "x",
        "request_lock_id": 1,
        "event_id": event_id,
        "event_ids": [event_id],
        "seat_ids": sorted(seat_ids[:2]),
        "seat_id": order.seat_ids[0],
        "order_id": order.hold_id,
        "buyer_user_id": order.user_id,
        "owner_user_id": order.user_id,
        "expected_order_id": order.hold_id,
        "expected_owner_user_id": order.user_id,
        "new_owner_user_id": uuid.uuid4(),
        "price_paid": Decimal("10.00"),
        "expected_status": "SOLD",
        "heeds_end_of_sale": True,
        "ticket_user_id": order.user_id,
        "is_forced": False,
        "staff_user_id": uuid.uuid4(),
        "hall_presented": "HALL-A",
        "hall_expected": "HALL-A",
        "scanned_at": "2030-01-01T20:00:00Z",
        "scan_id": uuid.uuid4(),
        "ends_at": "2100-01-01T20:00:00Z",
        "reason": "a mistake",
        "quantity": 2,
        "category": "CAT1",
        "hold_id": hold.hold_id,
        "user_id": hold.user_id,
        "hold_ttl_milliseconds": 60_000,
        "after": rows * SEATS_PER_ROW // 2,
        "limit": 100,
        "offset": 0,
        "rows": 4,
        "batch": 100,
        "is_cancelled": True,
        **asdict(LIMITS),
    }
    yield Explainer(connection, parameters)
    await connection.close()
    await database.close()


async def hold_some(database: Database, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]) -> list[ReserveSeats]:
    """Hold them two by two."""
    commands = [
        ReserveSeats(
            request_id=uuid.uuid4(),
            hold_id=uuid.uuid4(),
            event_id=event_id,
            seat_ids=sorted(seat_ids[first : first + 2]),
            user_id=uuid.uuid4(),
            hold_ttl_milliseconds=600_000,
        )
        for first in range(0, len(seat_ids), 2)
    ]
    for command in commands:
        assert isinstance(await HoldRepository(database).reserve(command, LIMITS), Change)
    return commands


async def sell_some(database: Database, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]) -> list[ReserveSeats]:
    """Sell them two by two; return the holds that they were sold from."""
    commands = await hold_some(database, event_id, seat_ids)
    for hold in commands:
        sale = ConfirmHold(request_id=uuid.uuid4(), hold_id=hold.hold_id, user_id=hold.user_id)
        assert await HoldRepository(database).confirm(sale)
    return commands


@pytest.fixture(scope="module")
async def small(database_url: DatabaseFactory) -> AsyncIterator[Explainer]:
    async with hall_of(database_url, 5_000 // SEATS_PER_ROW) as hall:
        yield hall


@pytest.fixture(scope="module")
async def large(database_url: DatabaseFactory) -> AsyncIterator[Explainer]:
    async with hall_of(database_url, 50_000 // SEATS_PER_ROW) as hall:
        yield hall


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(holds._RESERVE_NAMED, id="reserve"),
        pytest.param(holds._RESERVE_BEST, id="reserve best available"),
        pytest.param(search._SEARCH, id="search for adjacent seats"),
        pytest.param(holds._CONFIRM, id="confirm"),
        pytest.param(holds._RELEASE, id="release"),
        pytest.param(expiry._END_HOLD, id="end one hold"),
        pytest.param(expiry._END_DUE, id="sweep"),
        pytest.param(halls._AVAILABILITY, id="availability"),
        pytest.param(seats._PAGE, id="page of seats"),
        pytest.param(seats._GET, id="one seat"),
        pytest.param(seats._OWNED, id="owned seats"),
        pytest.param(seats._LIST, id="list for resale"),
        pytest.param(seats._CHANGE_OWNER, id="change owner"),
        pytest.param(seats._ATTENDEES, id="attendees"),
        pytest.param(seats._COUNT_SOLD, id="number of attendees"),
        pytest.param(seats._RECLAIM, id="reclaim"),
        pytest.param(entrance._CHECK_IN, id="check-in"),
        pytest.param(entrance._UNDO, id="undo of a check-in"),
        pytest.param(entrance._CHECKED_IN, id="number of checked-in seats"),
    ],
)
async def test_statements_read_no_more_in_a_hall_ten_times_as_large(
    small: Explainer, large: Explainer, statement: TextClause
) -> None:
    in_small, in_large = await small.explain(statement), await large.explain(statement)

    # An index of ten times the entries is at most one level deeper: one more page per lookup.
    assert in_large.pages <= 1.35 * in_small.pages + 4, (in_small, in_large)
    assert not {"Seq Scan seats", "Seq Scan closed_events"} & in_large.scans
