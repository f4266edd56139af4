"""When a seat was created and last changed."""

from collections.abc import AsyncIterator
from typing import Final

import pytest
from sqlalchemy import text

from tests.integration.inventory.inventory_caller import InventoryCaller
from tests.support.migrating_database import MigratingDatabase
from tests.support.servers import DatabaseFactory

INSERT_SEAT: Final = text(
    """
    INSERT INTO seats (seat_id, event_id, category, row_number, row_rank, seat_number, hall_position, price)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'CAT1', 'A', 1, 1, 1, 350)
    """
)
TIMES: Final = text("SELECT created_at, updated_at FROM seats ORDER BY created_at NULLS FIRST")


@pytest.fixture
async def old_inventory(database_url: DatabaseFactory) -> AsyncIterator[MigratingDatabase]:
    inventory = MigratingDatabase("inventory", database_url.empty())
    await inventory.upgrade("0006")
    yield inventory
    await inventory.close()


async def test_attendees_have_the_times_of_their_seats(inventory_caller: InventoryCaller) -> None:
    hall = await inventory_caller.provision()
    await inventory_caller.sell(hall.event_id, hall.seat_ids[0])

    (sold,) = (await inventory_caller.attendees(hall.event_id)).seats

    assert sold.created_at < sold.purchased_at <= sold.updated_at


async def test_seats_of_the_previous_release_have_no_times_until_they_change(old_inventory: MigratingDatabase) -> None:
    await old_inventory.execute(INSERT_SEAT)
    await old_inventory.upgrade()
    await old_inventory.execute(INSERT_SEAT)  # by a process of that release
    before, meanwhile = await old_inventory.fetch_all(TIMES)
    assert before["created_at"] is before["updated_at"] is meanwhile["updated_at"] is None
    assert meanwhile["created_at"] is not None

    await old_inventory.execute(text("UPDATE seats SET version = version + 1"))

    before, meanwhile = await old_inventory.fetch_all(TIMES)
    assert before["created_at"] is None
    assert before["updated_at"] >= meanwhile["created_at"]
