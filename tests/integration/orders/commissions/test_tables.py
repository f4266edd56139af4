"""The tables of commissions refuse what no statement does."""

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
    "AWAITING_PAYMENT": ("AWAITING_PAYMENT",),
    "CANCELLED": ("AWAITING_PAYMENT", "CANCELLED"),
    "PROCESSING": ("PROCESSING",),
    "QUALITY_CHECK": ("PROCESSING", "QUALITY_CHECK"),
    "FAILED": ("PROCESSING", "FAILED"),
    "REFUNDED": ("PROCESSING", "REFUNDED"),
    "ADMIN_REVIEW": ("PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW"),
    "PUBLISHING": ("PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW", "PUBLISHING"),
    "COMPLETED": ("PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW", "PUBLISHING", "COMPLETED"),
}
"""The moves that lead to a status."""
MOVES: Final = {
    "OPENING": {"AWAITING_PAYMENT", "PROCESSING"},
    "AWAITING_PAYMENT": {"PROCESSING", "CANCELLED"},
    "PROCESSING": {"QUALITY_CHECK", "FAILED", "REFUNDED"},
    "FAILED": {"PROCESSING", "REFUNDED"},
    "QUALITY_CHECK": {"PROCESSING", "ADMIN_REVIEW", "REFUNDED"},
    "ADMIN_REVIEW": {"QUALITY_CHECK", "PUBLISHING", "REFUNDED"},
    "PUBLISHING": {"ADMIN_REVIEW", "COMPLETED", "REFUNDED"},
}
INSERT: Final = """
    INSERT INTO commissions (
        order_id, customer_user_id, type, price, pay_with, event_id, status, status_at, opened_by_request_id)
    VALUES (:key, gen_random_uuid(), 'ARTICLE', 40, 'credits', gen_random_uuid(), 'OPENING', now(), gen_random_uuid())
"""
MOVE: Final = """
    UPDATE commissions SET status = CAST(:status AS text), checkout_session_id = order_id::text,
        paid_at = CASE WHEN CAST(:status AS text) NOT IN ('OPENING', 'AWAITING_PAYMENT', 'CANCELLED') THEN now() END,
        failed_at = now(), failure_code = 'X', slug = CASE CAST(:status AS text) WHEN 'COMPLETED' THEN 'x' END,
        ended_at = CASE WHEN CAST(:status AS text) IN ('COMPLETED', 'REFUNDED', 'CANCELLED') THEN now() END
    WHERE order_id = :key
"""


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.transaction() as connection:
        yield connection
        await connection.rollback()


@pytest.mark.parametrize("from_status", PATHS)
async def test_guard_allows_the_moves_of_the_status_machine(connection: AsyncConnection, from_status: str) -> None:
    key = await _order_at(connection, from_status)

    accepted = {
        status
        for status in PATHS
        if status != from_status and await _is_accepted(connection, MOVE, {"key": key, "status": status}, keep=False)
    }

    assert accepted == MOVES.get(from_status, set())


@pytest.mark.parametrize("status", PATHS)
async def test_only_an_opening_order_is_deleted(connection: AsyncConnection, status: str) -> None:
    key = await _order_at(connection, status)

    deleted = await _is_accepted(connection, "DELETE FROM commissions WHERE order_id = :key", {"key": key})

    assert deleted == (status == "OPENING")


@pytest.mark.parametrize(
    "change",
    [
        "price = -1",
        "type = 'BACKLINK'",
        "article_id = gen_random_uuid()",
        "event_id = NULL",
        "anchor_text = 'tea'",
        "pay_with = 'crypto'",
        "paid_at = NULL",
        "ended_at = now()",
        "slug = 'x'",
        "status = 'FAILED', failure_code = NULL",
    ],
)
async def test_inconsistent_values_are_refused(connection: AsyncConnection, change: str) -> None:
    key = await _order_at(connection, "PROCESSING")
    statement = f"UPDATE commissions SET {change} WHERE order_id = :key"  # noqa: S608 - the cases above

    assert not await _is_accepted(connection, statement, {"key": key})


async def _order_at(connection: AsyncConnection, status: str) -> uuid.UUID:
    key = uuid.uuid4()
    await connection.execute(text(INSERT), {"key": key})
    for step in PATHS[status]:
        await connection.execute(text(MOVE), {"key": key, "status": step})
    return key


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
