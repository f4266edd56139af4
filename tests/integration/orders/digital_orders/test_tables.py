"""The tables of digital orders refuse what no statement does."""

import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import CHECK_VIOLATION, Database, sqlstate_of

PATHS: Final[dict[str, tuple[str, ...]]] = {
    "OPENING": (),
    "CREATED": ("CREATED",),
    "CANCELLED": ("CREATED", "CANCELLED"),
    "PAID": ("PAID",),
    "FAILED": ("PAID", "FAILED"),
    "REFUNDED": ("PAID", "REFUNDED"),
    "WAITING": ("PAID", "WAITING"),
    "READY": ("PAID", "WAITING", "READY"),
    "FULFILLED": ("PAID", "WAITING", "READY", "FULFILLED"),
}
"""The moves that lead to a status."""
MOVES: Final = {
    "OPENING": {"CREATED", "PAID"},
    "CREATED": {"PAID", "CANCELLED"},
    "PAID": {"WAITING", "FAILED", "REFUNDED"},
    "WAITING": {"READY", "FAILED", "REFUNDED"},
    "FAILED": {"PAID", "REFUNDED"},
    "READY": {"FULFILLED", "REFUNDED"},
}
ITEM_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "PENDING": (),
    "RESERVED": ("RESERVED",),
    "READY": ("READY",),
    "DELIVERED": ("READY", "DELIVERED"),
    "FAILED": ("FAILED",),
}
ITEM_MOVES: Final = {
    "PENDING": {"RESERVED", "READY", "FAILED"},
    "RESERVED": {"READY", "FAILED"},
    "READY": {"DELIVERED"},
    "FAILED": {"READY"},
}
INSERT: Final = """
    INSERT INTO digital_orders (order_id, buyer_user_id, total, pay_with, status, status_at, opened_by_request_id)
    VALUES (:key, gen_random_uuid(), 10, 'credits', 'OPENING', now(), gen_random_uuid())
"""
INSERT_ITEM: Final = """
    INSERT INTO digital_order_items (item_id, order_id, position, product_id, name, supplier_product_id, price, status_at)
    VALUES (:key, :key, 1, gen_random_uuid(), 'Starfall', 'kng-1', 10, now())
"""
MOVE: Final = """
    UPDATE digital_orders SET status = CAST(:status AS text), failure_code = 'X',
        paid_at = CASE WHEN CAST(:status AS text) NOT IN ('OPENING', 'CREATED', 'CANCELLED') THEN now() END,
        ready_at = CASE WHEN CAST(:status AS text) IN ('READY', 'FULFILLED') THEN now() END,
        storage_ref = CASE WHEN CAST(:status AS text) IN ('READY', 'FULFILLED') THEN 'x' END,
        ended_at = CASE WHEN CAST(:status AS text) IN ('FULFILLED', 'REFUNDED', 'CANCELLED') THEN now() END
    WHERE order_id = :key
"""
MOVE_ITEM: Final = (
    "UPDATE digital_order_items SET status = :status, reservation_id = 'x' || item_id, reserved_at = now()"
    " WHERE item_id = :key"
)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.transaction() as connection:
        yield connection
        await connection.rollback()


@pytest.mark.parametrize("from_status", PATHS)
async def test_guard_allows_the_moves_of_an_order(connection: AsyncConnection, from_status: str) -> None:
    key = await _order_at(connection, from_status)

    assert await _accepted(connection, MOVE, key, PATHS.keys() - {from_status}) == MOVES.get(from_status, set())


@pytest.mark.parametrize("from_status", ITEM_PATHS)
async def test_guard_allows_the_moves_of_an_item(connection: AsyncConnection, from_status: str) -> None:
    key = await _item_at(connection, from_status)

    accepted = await _accepted(connection, MOVE_ITEM, key, ITEM_PATHS.keys() - {from_status})

    assert accepted == ITEM_MOVES.get(from_status, set())


@pytest.mark.parametrize("status", PATHS)
async def test_only_an_opening_order_is_deleted(connection: AsyncConnection, status: str) -> None:
    key = await _order_at(connection, status)

    deleted = await _is_accepted(connection, "DELETE FROM digital_orders WHERE order_id = :key", {"key": key})

    assert deleted == (status == "OPENING")


@pytest.mark.parametrize("status", ITEM_PATHS)
async def test_only_a_pending_item_is_deleted(connection: AsyncConnection, status: str) -> None:
    key = await _item_at(connection, status)

    deleted = await _is_accepted(connection, "DELETE FROM digital_order_items WHERE item_id = :key", {"key": key})

    assert deleted == (status == "PENDING")


@pytest.mark.parametrize(
    "change",
    [
        "total = -1",
        "pay_with = 'stripe'",
        "paid_at = NULL",
        "ready_at = NULL",
        "storage_ref = NULL",
        "keys_deleted_at = now()",
        "ended_at = now()",
    ],
)
async def test_inconsistent_values_are_refused(connection: AsyncConnection, change: str) -> None:
    key = await _order_at(connection, "READY")
    statement = f"UPDATE digital_orders SET {change} WHERE order_id = :key"  # noqa: S608 - the cases above

    assert not await _is_accepted(connection, statement, {"key": key})


async def _order_at(connection: AsyncConnection, status: str) -> uuid.UUID:
    key = uuid.uuid4()
    await connection.execute(text(INSERT), {"key": key})
    for step in PATHS[status]:
        await connection.execute(text(MOVE), {"key": key, "status": step})
    return key


async def _item_at(connection: AsyncConnection, status: str) -> uuid.UUID:
    key = await _order_at(connection, "OPENING")
    await connection.execute(text(INSERT_ITEM), {"key": key})
    for step in ITEM_PATHS[status]:
        await connection.execute(text(MOVE_ITEM), {"key": key, "status": step})
    return key


async def _accepted(connection: AsyncConnection, statement: str, key: uuid.UUID, statuses: set[str]) -> set[str]:
    return {
        status
        for status in statuses
        if await _is_accepted(connection, statement, {"key": key, "status": status}, keep=False)
    }


async def _is_accepted(
    connection: AsyncConnection, statement: str, parameters: dict[str, Any], *, keep: bool = True
) -> bool:
    try:
        async with connection.begin_nested() as savepoint:
            await connection.execute(text(statement), parameters)
            if not keep:
                await savepoint.rollback()
    except IntegrityError as error:
        assert sqlstate_of(error) == CHECK_VIOLATION  # noqa: PT017 - any other violation is a fault of the test
        return False
    return True
