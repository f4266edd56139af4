"""Movements lock balances in one order, by (kind, owner), so that no two deadlock.

Another transaction holds the first row. A movement that waits for it must hold no lock yet: the other row is free.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.user_client import LedgerCaller
from tests.support.waiting import eventually

LOCK = "SELECT 1 FROM balances WHERE account_kind = :kind AND account_owner = :owner FOR UPDATE"
WAITING = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE '%WITH prior%'"
)

Account = tuple[str, uuid.UUID]
Movement = Callable[[], Awaitable[httpx.Response]]


async def assert_holds_no_lock_while_waiting(
    database: Database, movement: Movement, *, first: Account, second: Account
) -> None:
    async with database.transaction() as holder:
        await holder.execute(text(LOCK), {"kind": first[0], "owner": str(first[1])})
        moving = asyncio.ensure_future(movement())
        await eventually(lambda: database.fetch_all(WAITING))
        free = await database.fetch_all(text(f"{LOCK} NOWAIT"), {"kind": second[0], "owner": str(second[1])})
    assert len(free) == 1
    assert (await moving).status_code == 200


@pytest.mark.parametrize("direction", ["low to high", "high to low"])
async def test_a_transfer(ledger: LedgerCaller, database: Database, direction: str) -> None:
    low, high = sorted([await ledger.open_wallet("10.00") for _ in range(2)], key=str)
    pair = (low, high) if direction == "low to high" else (high, low)
    await assert_holds_no_lock_while_waiting(
        database, lambda: ledger.transfer(*pair, "1.00"), first=("wallet", low), second=("wallet", high)
    )


@pytest.mark.parametrize("direction", ["low to high", "high to low"])
async def test_undo_of_a_transfer(ledger: LedgerCaller, database: Database, direction: str) -> None:
    low, high = sorted([await ledger.open_wallet("10.00") for _ in range(2)], key=str)
    pair, done = (low, high) if direction == "low to high" else (high, low), uuid.uuid4()
    await ledger.transfer(*pair, "1.00", request_id=done)
    await assert_holds_no_lock_while_waiting(
        database,
        lambda: ledger.transfer(pair[1], pair[0], "1.00", undoes_request_id=done),
        first=("wallet", low),
        second=("wallet", high),
    )


async def test_escrow_hold(ledger: LedgerCaller, database: Database) -> None:
    buyer = await ledger.open_wallet("10.00")
    await assert_holds_no_lock_while_waiting(
        database, lambda: ledger.hold(buyer, "1.00"), first=("escrow", buyer), second=("wallet", buyer)
    )


@pytest.mark.parametrize("end", ["release", "void", "undo"])
async def test_escrow_release_and_void(ledger: LedgerCaller, database: Database, end: str) -> None:
    buyer, hold = await ledger.open_wallet("10.00"), uuid.uuid4()
    seller = await ledger.open_wallet() if end == "release" else buyer
    escrow_id = (await ledger.hold(buyer, "1.00", request_id=hold)).json()["data"]["escrow_id"]
    calls: dict[str, Movement] = {
        "release": lambda: ledger.release(escrow_id, seller),
        "void": lambda: ledger.void(escrow_id=escrow_id),
        "undo": lambda: ledger.void(undoes_request_id=hold),
    }
    await assert_holds_no_lock_while_waiting(database, calls[end], first=("escrow", buyer), second=("wallet", seller))


async def test_undo_that_waits_for_a_void_finds_it_resolved(ledger: LedgerCaller, database: Database) -> None:
    buyer, hold = await ledger.open_wallet("10.00"), uuid.uuid4()
    escrow_id = (await ledger.hold(buyer, "1.00", request_id=hold)).json()["data"]["escrow_id"]

    async def waiting() -> int:
        return len(await database.fetch_all(WAITING))

    async with database.transaction() as holder:
        await holder.execute(
            text("SELECT 1 FROM escrows WHERE escrow_id = :id FOR UPDATE"), {"id": uuid.UUID(escrow_id)}
        )
        voiding = asyncio.ensure_future(ledger.void(escrow_id=escrow_id))
        await eventually(lambda: _is(waiting, 1))
        undoing = asyncio.ensure_future(ledger.void(undoes_request_id=hold))
        await eventually(lambda: _is(waiting, 2))

    assert (await voiding).status_code == 200
    undone = await undoing
    assert (undone.status_code, undone.json()["data"]["transaction_id"]) == (200, None)
    assert await ledger.wallet_of(buyer) == Decimal(10)


async def _is(look: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await look() == wanted
