"""Database constraints of seats_db, and that it matches the models."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from common.db.engine import Database
from inventory.models import metadata
from tests.integration.inventory.inventory_caller import InventoryCaller, refused
from tests.support.servers import DatabaseFactory

HOLDER = {"hold_id": "gen_random_uuid()", "held_by_user_id": "gen_random_uuid()"}
HELD = {**HOLDER, "held_until": "now()", "hold_size": "1"}
OWNED = {"owner_user_id": "gen_random_uuid()", "price_paid": "1", "purchased_at": "now()"}
SOLD = {"hold_id": "gen_random_uuid()", **OWNED}
ADMITTED = {**SOLD, "admitted_at": "now()"}


async def insert_seat(database: Database, status: str, values: dict[str, str], **columns: str) -> None:
    row = {
        "seat_id": "gen_random_uuid()",
        "event_id": "gen_random_uuid()",
        "category": "'CAT1'",
        "row_number": "'A'",
        "row_rank": "1",
        "seat_number": "1",
        "hall_position": "1",
        "price": "1",
        "status": f"'{status}'",
        **values,
        **columns,
    }
    await database.execute(text(f"INSERT INTO seats ({', '.join(row)}) VALUES ({', '.join(row.values())})"))  # noqa: S608


class TestSeats:
    @pytest.mark.parametrize(
        ("status", "values"),
        [
            ("AVAILABLE", {}),
            ("BLOCKED", {}),
            ("HELD", HELD),
            ("SOLD", SOLD),
            ("LISTED", SOLD),
            ("CHECKED_IN", ADMITTED),
        ],
    )
    async def test_valid_states_are_accepted(self, database: Database, status: str, values: dict[str, str]) -> None:
        await insert_seat(database, status, values)

    @pytest.mark.parametrize(
        ("status", "values"),
        [
            ("AVAILABLE", HELD),
            ("AVAILABLE", OWNED),
            ("AVAILABLE", {"hold_id": "gen_random_uuid()"}),
            ("BLOCKED", HELD),
            ("BLOCKED", SOLD),
            ("HELD", {}),
            *(("HELD", {column: value for column, value in HELD.items() if column != left}) for left in HELD),
            ("HELD", {**HELD, **OWNED}),
            ("SOLD", {}),
            *(("SOLD", {column: value for column, value in SOLD.items() if column != left}) for left in SOLD),
            ("SOLD", {**SOLD, **HELD}),
            ("LISTED", HELD),
            ("CHECKED_IN", OWNED | {"admitted_at": "now()"}),
            ("GONE", {}),
        ],
    )
    async def test_invalid_states_are_refused(self, database: Database, status: str, values: dict[str, str]) -> None:
        with pytest.raises(IntegrityError, match="ck_seats_state"):
            await insert_seat(database, status, values)

    @pytest.mark.parametrize(("status", "values"), [("CHECKED_IN", SOLD), ("SOLD", ADMITTED), ("LISTED", ADMITTED)])
    async def test_checked_in_seats_need_an_admission_time(
        self, database: Database, status: str, values: dict[str, str]
    ) -> None:
        with pytest.raises(IntegrityError, match="ck_seats_admitted_at"):
            await insert_seat(database, status, values)

    @pytest.mark.parametrize("column", [{"price": "-1"}, {"seat_number": "0"}])
    async def test_seat_numbers_are_bounded(self, database: Database, column: dict[str, str]) -> None:
        with pytest.raises(IntegrityError):
            await insert_seat(database, "AVAILABLE", {}, **column)


async def test_oversell_is_prevented_and_counted(inventory_caller: InventoryCaller, database: Database) -> None:
    """A seat with an owner is made available directly in the database."""
    hall = await inventory_caller.provision()
    seat_id = hall.seat_ids[0]
    async with database.transaction() as connection:
        definition = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_seats_state'")
        constraint = await connection.scalar(definition)
        await connection.execute(text("ALTER TABLE seats DROP CONSTRAINT ck_seats_state"))
        await connection.execute(
            text("UPDATE seats SET owner_user_id = gen_random_uuid() WHERE seat_id = CAST(:seat_id AS uuid)"),
            {"seat_id": seat_id},
        )
        await connection.execute(text(f"ALTER TABLE seats ADD CONSTRAINT ck_seats_state {constraint} NOT VALID"))
    before = REGISTRY.get_sample_value("oversell_prevented_total") or 0.0

    refusal = await refused(inventory_caller.reserve(hall.event_id, seat_id))

    assert refusal.kind == "internal"
    assert REGISTRY.get_sample_value("oversell_prevented_total") == before + 1
    assert await inventory_caller.status(seat_id) == "AVAILABLE"


async def test_migrations_match_the_models(database_url: DatabaseFactory) -> None:
    modelled = database_url.empty()
    engine = create_async_engine(modelled)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()

    assert await shape_of(modelled) == await shape_of(database_url("inventory"))


async def shape_of(url: str) -> set[tuple[str, str]]:
    """Return columns, indexes, constraints and storage parameters, as PostgreSQL reports them."""
    statement = text(
        """
        SELECT 'column', format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        UNION ALL SELECT 'index', indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        UNION ALL SELECT 'constraint', conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('alembic_version'), 0)
        UNION ALL SELECT 'options', relname || array_to_string(reloptions, ',') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
        """
    )
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        rows = {(kind, shape) for kind, shape in await connection.execute(statement)}
    await engine.dispose()
    assert rows
    return rows
