"""orders_db: its constraints, and the number of statements per call."""

import itertools
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import CHECK_VIOLATION, Database, sqlstate_of
from orders.app import create_app
from orders.settings import Settings
from orders.tables import metadata
from orders.ticket_orders.status import REACHED_FROM, OrderStatus
from tests.integration.orders.deal_caller import Action, DealCaller, ListingCaller, TransferCaller
from tests.integration.orders.item_caller import ItemCaller
from tests.integration.orders.orders_caller import OrdersCaller, opening
from tests.support.callers import new_id
from tests.support.statements import counted_statements, schema_differences
from tests.support.user_tokens import UserTokenMint

ALL_PAIRS = list(itertools.product(OrderStatus, OrderStatus))


@pytest.fixture(scope="module")
async def app(settings: Settings, mint: UserTokenMint) -> AsyncIterator[FastAPI]:
    """The app without its background tasks, whose statements would be counted, too."""
    app = create_app(settings, user_tokens=mint.verifier())
    yield app
    async with app.router.lifespan_context(app):
        pass  # its end closes what the app has opened


async def test_migrations_match_the_models(database: Database) -> None:
    assert await schema_differences(database, metadata) == []


class TestStatusGuard:
    @pytest.fixture
    async def connection(self, database: Database) -> AsyncIterator[AsyncConnection]:
        async with database.transaction() as connection:
            yield connection
            await connection.rollback()

    @pytest.mark.parametrize(("from_status", "to_status"), ALL_PAIRS)
    async def test_guard_allows_the_same_transitions_as_the_code(
        self, connection: AsyncConnection, from_status: OrderStatus, to_status: OrderStatus
    ) -> None:
        order_id = await _order_of(connection, from_status)
        is_legal = REACHED_FROM.get(to_status) == from_status

        moved = await _is_accepted(connection, _set_status(to_status), {"order_id": order_id})

        assert moved == is_legal

    @pytest.mark.parametrize("status", OrderStatus)
    async def test_first_status_is_pending(self, connection: AsyncConnection, status: OrderStatus) -> None:
        accepted = await _is_accepted(connection, _insert(status), {"order_id": uuid.uuid4()})

        assert accepted == (status == OrderStatus.PENDING)

    async def test_an_unknown_status(self, connection: AsyncConnection) -> None:
        order_id = await _order_of(connection, OrderStatus.PENDING)

        assert not await _is_accepted(connection, _set_status("SHIPPED"), {"order_id": order_id})

    @pytest.mark.parametrize(
        "change",
        ["total = -1", "confirmed_at = now()", "ended_at = now()", "status = 'CONFIRMED'", "status = 'FAILED'"],
    )
    async def test_inconsistent_amounts_and_times_are_refused(self, connection: AsyncConnection, change: str) -> None:
        order_id = await _order_of(connection, OrderStatus.PENDING)
        statement = f"UPDATE orders SET {change} WHERE order_id = :order_id"  # noqa: S608 - the cases above

        assert not await _is_accepted(connection, statement, {"order_id": order_id})


class TestStatementsPerCall:
    """Each hot path is one statement in autocommit: one round trip."""

    async def test_open(self, orders_caller: OrdersCaller) -> None:
        body = opening()

        with counted_statements() as statements:
            await orders_caller.open(body)

        assert int(statements) == 1

    async def test_confirm(self, orders_caller: OrdersCaller) -> None:
        body = await orders_caller.opened()

        with counted_statements() as statements:
            await orders_caller.confirm(body["order_id"])

        assert int(statements) == 1

    async def test_end(self, orders_caller: OrdersCaller) -> None:
        body = await orders_caller.opened()

        with counted_statements() as statements:
            await orders_caller.end(body["order_id"], undoes=body["request_id"])

        assert int(statements) == 1

    @pytest.mark.parametrize(
        ("kind", "action"),
        [(kind, action) for kind in (TransferCaller, ListingCaller) for action in kind.actions],
        indirect=["kind"],
        ids=str,
    )
    async def test_action(self, kind: DealCaller, action: Action) -> None:
        deal = await kind.at(action.from_status)

        with counted_statements() as statements:
            await kind.perform(deal.key, action.name)

        assert int(statements) == 1

    @pytest.mark.parametrize("kind", [TransferCaller, ListingCaller], indirect=True, ids=str)
    async def test_opening(self, kind: DealCaller) -> None:
        with counted_statements() as statements:
            await kind.open(kind.opening())

        assert int(statements) == 1

    @pytest.mark.parametrize(
        ("kind", "undo", "status"),
        [
            (TransferCaller, "end", "PENDING_OTP"),
            (TransferCaller, "abandon-reversal", "REVERSING"),
            (ListingCaller, "discard", "OPENING"),
            (ListingCaller, "abandon-withdrawal", "WITHDRAWING"),
            (ListingCaller, "release-claim", "PENDING_TRANSFER"),
        ],
        indirect=["kind"],
        ids=str,
    )
    async def test_undo_with_its_tombstone(self, kind: DealCaller, undo: str, status: str) -> None:
        deal = await kind.at(status)

        with counted_statements() as statements:
            await kind.apply(deal, undo)

        assert int(statements) == 2

    async def test_repetition(self, orders_caller: OrdersCaller) -> None:
        body, request_id = await orders_caller.opened(), new_id()
        await orders_caller.confirm(body["order_id"], request_id=request_id)

        with counted_statements() as statements:
            await orders_caller.confirm(body["order_id"], request_id=request_id)

        assert int(statements) == 1


async def _order_of(connection: AsyncConnection, status: OrderStatus) -> uuid.UUID:
    order_id = uuid.uuid4()
    await connection.execute(text(_insert(OrderStatus.PENDING)), {"order_id": order_id})
    for step in _path_to(status):
        await connection.execute(text(_set_status(step)), {"order_id": order_id})
    return order_id


def _path_to(status: OrderStatus) -> list[OrderStatus]:
    before = REACHED_FROM.get(status)
    return [] if before is None else [*_path_to(before), status]


def _insert(status: OrderStatus) -> str:
    confirmed_at, ended_at = _times_of(status)
    return f"""
        INSERT INTO orders (order_id, user_id, event_id, status, total, held_until, confirmed_at, ended_at)
        VALUES (:order_id, gen_random_uuid(), gen_random_uuid(), '{status}', 1, now(), {confirmed_at}, {ended_at})
    """  # noqa: S608 - a status constant


def _set_status(status: str) -> str:
    confirmed_at, ended_at = _times_of(status)
    return f"""
        UPDATE orders SET status = '{status}', confirmed_at = {confirmed_at}, ended_at = {ended_at}
        WHERE order_id = :order_id
    """  # noqa: S608 - a status constant


def _times_of(status: str) -> tuple[str, str]:
    confirmed_at = "now()" if status in {"CONFIRMED", "REFUNDED"} else "NULL"
    ended_at = "now()" if status in {"FAILED", "CANCELLED", "REFUNDED"} else "NULL"
    return confirmed_at, ended_at


async def _is_accepted(connection: AsyncConnection, statement: str, parameters: dict[str, Any]) -> bool:
    try:
        async with connection.begin_nested():
            await connection.execute(text(statement), parameters)
    except IntegrityError as error:
        assert sqlstate_of(error) == CHECK_VIOLATION  # noqa: PT017 - any other violation is a fault of the test
        return False
    return True


class TestStatementsPerMove:
    """The moves of a purchased item, whose messages leave with them."""

    async def test_each_is_one_statement(self, items: ItemCaller) -> None:
        item, counts = items.unopened(), []

        for name in ("open", "enqueue", "start", "complete"):
            with counted_statements() as statements:
                await (items.open(**item.body) if name == "open" else items.perform(item, name))
            counts.append(int(statements))

        assert counts == [1, 1, 1, 1]
