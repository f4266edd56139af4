"""Database constraints of transfers and listings."""

import itertools
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import CHECK_VIOLATION, UNIQUE_VIOLATION, Database, sqlstate_of
from orders.listings.status import ListingMove, ListingStatus
from orders.shared.transitions import Move
from orders.transfers.status import TransferMove, TransferStatus

ANONYMOUS = "gen_random_uuid()"


@dataclass(frozen=True)
class Rows:
    """A table, and the additional columns of a row in each status."""

    table: str
    key: str
    statuses: Iterable[str]
    moves: type[Move]
    columns: dict[str, str]

    def also(self, status: str) -> dict[str, str]:
        """Return the columns that belong to the status, as SQL."""
        if self.table == "transfers":
            is_completed = status in {"COMPLETED", "DISPUTED", "REVERSING", "REVERSED"}
            return {
                "completed_at": "now()" if is_completed else "NULL",
                "ended_at": "now()" if status in {"FAILED", "CANCELLED", "REVERSED"} else "NULL",
                "disputed_at": "now()" if is_completed else "NULL",
            }
        is_sold = status in {"PENDING_TRANSFER", "COMPLETED"}
        return {
            "buyer_user_id": ANONYMOUS if is_sold else "NULL",
            "sale_id": ANONYMOUS if is_sold else "NULL",
            "expires_at": "now()" if is_sold else "NULL",
            "completed_at": "now()" if status == "COMPLETED" else "NULL",
            "ended_at": "now()" if status == "CANCELLED" else "NULL",
        }

    def insert(self, status: str) -> str:
        columns = {**self.columns, **self.also(status), "status": f"'{status}'"}
        return (
            f"INSERT INTO {self.table} ({self.key}, seat_id, {', '.join(columns)})"  # noqa: S608 - names from the tests
            f" VALUES (:key, :seat_id, {', '.join(columns.values())})"
        )

    def move(self, to_status: str) -> str:
        changes = {**self.also(to_status), "status": f"'{to_status}'"}
        assignments = ", ".join(f"{column} = {value}" for column, value in changes.items())
        return f"UPDATE {self.table} SET {assignments} WHERE {self.key} = :key"  # noqa: S608 - names from the tests

    def way_to(self, status: str, *, first: str) -> list[str]:
        """Return the statuses from the first, exclusive, to this one."""
        paths = {first: list[str]()}
        while status not in paths:
            for move in self.moves:
                if move.to_status is not None and move.from_status in paths:
                    paths.setdefault(move.to_status, [*paths[move.from_status], move.to_status])
        return paths[status]


SEAT = {
    "order_id": f"'{uuid.UUID(int=3)}'",
    "event_id": ANONYMOUS,
    "category": "'C'",
    "row_number": "'A'",
    "seat_number": "1",
}
BOTH = {**SEAT, "seller_user_id": f"'{uuid.UUID(int=1)}'", "moved_by_request_id": ANONYMOUS}
TRANSFERS = Rows(
    "transfers",
    "transfer_id",
    TransferStatus,
    TransferMove,
    {
        **BOTH,
        "buyer_user_id": f"'{uuid.UUID(int=2)}'",
        "initiated_by_user_id": f"'{uuid.UUID(int=1)}'",
        "credits_amount": "1",
        "expires_at": "now()",
    },
)
LISTINGS = Rows("listings", "listing_id", ListingStatus, ListingMove, {**BOTH, "face_value": "1", "asking_price": "1"})
FIRST = {TRANSFERS.table: "PENDING_OTP", LISTINGS.table: "OPENING"}
KINDS = (TRANSFERS, LISTINGS)

each_kind = pytest.mark.parametrize("rows", KINDS, ids=lambda rows: rows.table)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.transaction() as connection:
        yield connection
        await connection.rollback()


class TestStatusGuard:
    @pytest.mark.parametrize(
        ("rows", "from_status", "to_status"),
        [(rows, *pair) for rows in KINDS for pair in itertools.product(rows.statuses, rows.statuses)],
        ids=str,
    )
    async def test_guard_allows_the_same_transitions_as_the_code(
        self, connection: AsyncConnection, rows: Rows, *, from_status: str, to_status: str
    ) -> None:
        key = await _row(connection, rows, from_status)
        is_legal = (from_status, to_status) in {(move.from_status, move.to_status) for move in rows.moves}

        assert await _is_accepted(connection, rows.move(to_status), {"key": key}) == is_legal

    @pytest.mark.parametrize(
        ("rows", "status"), [(rows, status) for rows in KINDS for status in rows.statuses], ids=str
    )
    async def test_guard_allows_the_same_first_status_as_the_code(
        self, connection: AsyncConnection, rows: Rows, status: str
    ) -> None:
        row = {"key": uuid.uuid4(), "seat_id": uuid.uuid4()}

        accepted = await _is_accepted(connection, rows.insert(status), row)

        assert accepted == (status == FIRST[rows.table])

    @each_kind
    async def test_an_unknown_status(self, connection: AsyncConnection, rows: Rows) -> None:
        key = await _row(connection, rows, FIRST[rows.table])

        assert not await _is_accepted(connection, rows.move("SHIPPED"), {"key": key})

    @pytest.mark.parametrize("status", list(ListingStatus))
    async def test_activated_listing_cannot_be_deleted(self, connection: AsyncConnection, status: str) -> None:
        key = await _row(connection, LISTINGS, status)

        removed = await _is_accepted(connection, "DELETE FROM listings WHERE listing_id = :key", {"key": key})

        assert removed == (status == "OPENING")


@pytest.mark.parametrize(
    ("rows", "status", "change"),
    [
        (TRANSFERS, "PENDING_OTP", "credits_amount = -1"),
        (TRANSFERS, "PENDING_OTP", "buyer_user_id = seller_user_id"),
        (TRANSFERS, "PENDING_OTP", "initiated_by_user_id = gen_random_uuid()"),
        (TRANSFERS, "PENDING_OTP", "completed_at = now()"),
        (TRANSFERS, "PENDING_OTP", "ended_at = now()"),
        (TRANSFERS, "DISPUTED", "disputed_at = NULL"),
        (LISTINGS, "OPENING", "face_value = -1"),
        (LISTINGS, "OPENING", "asking_price = -1"),
        (LISTINGS, "ACTIVE", "buyer_user_id = gen_random_uuid()"),
        (LISTINGS, "ACTIVE", "sale_id = gen_random_uuid()"),
        (LISTINGS, "ACTIVE", "expires_at = now()"),
        (LISTINGS, "ACTIVE", "completed_at = now()"),
        (LISTINGS, "ACTIVE", "ended_at = now()"),
        (LISTINGS, "PENDING_TRANSFER", "buyer_user_id = seller_user_id"),
        (LISTINGS, "COMPLETED", "sale_id = NULL"),
    ],
    ids=str,
)
async def test_inconsistent_values_are_refused(
    connection: AsyncConnection, rows: Rows, *, status: str, change: str
) -> None:
    key = await _row(connection, rows, status)

    accepted = await _is_accepted(
        connection,
        f"UPDATE {rows.table} SET {change} WHERE {rows.key} = :key",  # noqa: S608 - the cases above
        {"key": key},
    )

    assert not accepted


@each_kind
async def test_ticket_has_one_open_deal(connection: AsyncConnection, rows: Rows) -> None:
    seat_id = uuid.uuid4()
    await _row(connection, rows, FIRST[rows.table], seat_id=seat_id)

    with pytest.raises(IntegrityError) as refused:
        await _row(connection, rows, FIRST[rows.table], seat_id=seat_id)

    assert sqlstate_of(refused.value) == UNIQUE_VIOLATION


async def _row(connection: AsyncConnection, rows: Rows, status: str, *, seat_id: uuid.UUID | None = None) -> uuid.UUID:
    key, first = uuid.uuid4(), FIRST[rows.table]
    await connection.execute(text(rows.insert(first)), {"key": key, "seat_id": seat_id or uuid.uuid4()})
    for step in rows.way_to(status, first=first):
        await connection.execute(text(rows.move(step)), {"key": key})
    return key


async def _is_accepted(connection: AsyncConnection, statement: str, parameters: dict[str, Any]) -> bool:
    try:
        async with connection.begin_nested():
            await connection.execute(text(statement), parameters)
    except IntegrityError as error:
        assert sqlstate_of(error) == CHECK_VIOLATION  # noqa: PT017 - any other violation is a fault of the test
        return False
    return True
