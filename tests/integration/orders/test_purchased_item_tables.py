"""The tables of purchased items refuse what no statement does."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import CHECK_VIOLATION, Database, sqlstate_of
from orders.purchased_items.status import MOVES, ItemStatus
from tests.support.waiting import eventually

ALL_PAIRS = [pair for pair in itertools.product(ItemStatus, ItemStatus) if pair[0] != pair[1]]
# The moves that lead to a status.
PATHS: dict[ItemStatus, tuple[ItemStatus, ...]] = {
    ItemStatus.OPENING: (),
    ItemStatus.PENDING: (ItemStatus.PENDING,),
    **{
        status: (ItemStatus.PENDING, status)
        for status in ItemStatus
        if status not in {ItemStatus.OPENING, ItemStatus.PENDING}
    },
}
INSERT = """
    INSERT INTO purchased_items (
        purchased_item_id, type, buyer_user_id, performer_id, offer_id, name, price, execution_mode, time_zone,
        opened_on, status, settlement_status, opened_by_request_id, ended_at)
    VALUES (:key, 'menu_item', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a song', 1, 'QUEUED', 'UTC',
        current_date, CAST(:status AS text), 'pending', gen_random_uuid(),
        CASE WHEN CAST(:status AS text) IN ('OPENING', 'PENDING', 'IN_PROGRESS') THEN NULL ELSE now() END)
"""
MOVE = """
    UPDATE purchased_items SET status = CAST(:status AS text), is_due = true, started_at = now(),
        ended_at = CASE WHEN CAST(:status AS text) IN ('OPENING', 'PENDING', 'IN_PROGRESS') THEN NULL ELSE now() END
    WHERE purchased_item_id = :key
"""


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.transaction() as connection:
        yield connection
        await connection.rollback()


@pytest.mark.parametrize(("from_status", "to_status"), ALL_PAIRS)
async def test_guard_allows_the_same_transitions_as_the_code(
    connection: AsyncConnection, from_status: ItemStatus, to_status: ItemStatus
) -> None:
    key = await _item_at(connection, from_status)

    moved = await _is_accepted(connection, MOVE, {"key": key, "status": to_status})

    assert moved == ((from_status, to_status) in MOVES)


@pytest.mark.parametrize("status", [status for status in ItemStatus if status != ItemStatus.IN_PROGRESS])
async def test_first_status_is_opening(connection: AsyncConnection, status: ItemStatus) -> None:
    accepted = await _is_accepted(connection, INSERT, {"key": uuid.uuid4(), "status": status})

    assert accepted == (status == ItemStatus.OPENING)


@pytest.mark.parametrize("status", ItemStatus)
async def test_only_an_opening_item_is_deleted(connection: AsyncConnection, status: ItemStatus) -> None:
    key = await _item_at(connection, status)

    deleted = await _is_accepted(connection, "DELETE FROM purchased_items WHERE purchased_item_id = :key", {"key": key})

    assert deleted == (status == ItemStatus.OPENING)


@pytest.mark.parametrize(
    "change",
    [
        "price = -1",
        "estimated_minutes = -1",
        "type = 'song'",
        "settlement_status = 'lost'",
        "settlement_status = 'settled'",
        "ended_at = now()",
        "buyer_user_id = performer_id",
    ],
)
async def test_inconsistent_values_are_refused(connection: AsyncConnection, change: str) -> None:
    key = await _item_at(connection, ItemStatus.PENDING)
    statement = f"UPDATE purchased_items SET {change} WHERE purchased_item_id = :key"  # noqa: S608 - the cases above

    assert not await _is_accepted(connection, statement, {"key": key})


class TestDailyLimit:
    REACHED = text(
        "SELECT reached_daily_limit(:offer_id, current_date, gen_random_uuid(), CAST(:most AS integer), NULL) AS reached"
    )
    OPEN = text(INSERT.replace("gen_random_uuid(), 'a song'", ":offer_id, 'a song'"))
    WAITING = text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = :pid")

    async def test_openings_of_a_limited_item_run_one_after_the_other(
        self, connection: AsyncConnection, database: Database
    ) -> None:
        offer_id, limited = uuid.uuid4(), {"most": 1}
        async with database.transaction() as second:
            pid = (await second.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            free = (await connection.execute(self.REACHED, {"offer_id": offer_id, **limited})).scalar_one()
            asked = asyncio.create_task(second.execute(self.REACHED, {"offer_id": offer_id, **limited}))
            await eventually(lambda: self._is_over(asked, database.fetch_one(self.WAITING, {"pid": pid})))
            opened = {"key": uuid.uuid4(), "status": ItemStatus.OPENING, "offer_id": offer_id}
            await connection.execute(self.OPEN, opened)
            await connection.commit()

            assert (free, (await asked).scalar_one()) == (None, "item")

    @staticmethod
    async def _is_over(asked: asyncio.Task[Any], waiting: Awaitable[object]) -> bool:
        return bool(await waiting) or asked.done()

    async def test_an_item_without_a_limit_takes_no_lock(self, connection: AsyncConnection, database: Database) -> None:
        offer_id = uuid.uuid4()
        await connection.execute(self.REACHED, {"offer_id": offer_id, "most": 1})

        unlimited = await database.fetch_one(self.REACHED, {"offer_id": offer_id, "most": None})

        assert unlimited == {"reached": None}


async def _item_at(connection: AsyncConnection, status: ItemStatus) -> uuid.UUID:
    key = uuid.uuid4()
    await connection.execute(text(INSERT), {"key": key, "status": ItemStatus.OPENING})
    for step in PATHS[status]:
        await connection.execute(text(MOVE), {"key": key, "status": step})
    return key


async def _is_accepted(connection: AsyncConnection, statement: str, parameters: dict[str, Any]) -> bool:
    try:
        async with connection.begin_nested():
            await connection.execute(text(statement), parameters)
    except IntegrityError as error:
        assert sqlstate_of(error) == CHECK_VIOLATION  # noqa: PT017 - any other violation is a fault of the test
        return False
    return True
