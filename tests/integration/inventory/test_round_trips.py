"""The number of statements per call, so that it does not grow."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from common.db.engine import Database, Row
from common.errors import Gone, ServiceError
from inventory.app import Inventory
from inventory.conversions import read_scan
from inventory.repository.check_in import CheckInRepository
from inventory.repository.expiry import ExpiryRepository
from inventory.repository.holds import HoldRepository
from inventory.repository.search import SearchRepository
from inventory.repository.seats import SeatRepository
from inventory.schemas import (
    BestAvailable,
    ChangeOwner,
    ConfirmHold,
    ReclaimSeats,
    ReleaseHold,
    Resale,
    ReserveSeats,
    ScanResult,
    SeatStatus,
    UndoCheckIn,
)
from inventory.service.check_in import CheckInService
from inventory.service.holds import HoldService
from inventory.service.tickets import TicketService
from inventory.settings import Settings
from tests.integration.inventory.inventory_caller import Hall, InventoryCaller, new_id, rows, scan_of


class CountingDatabase(Database):
    """Counts statements, `fetch_one` through `fetch_all`; a transaction counts as one."""

    sent = 0

    async def fetch_all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        self.sent += 1
        return await super().fetch_all(statement, parameters)

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        self.sent += 1
        return await super().execute(statement, parameters)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        self.sent += 1
        async with super().transaction() as connection:
            yield connection


class CountingInventory:
    """The inventory's services on a counting database."""

    def __init__(self, settings: Settings) -> None:
        self.database = CountingDatabase(settings, application_name="counting")
        changes = Inventory(settings).changes  # collects metrics, and is not started
        self.holds = HoldService(
            HoldRepository(self.database),
            SearchRepository(self.database),
            ExpiryRepository(self.database),
            changes,
            settings.hold_limits,
        )
        self.tickets = TicketService(SeatRepository(self.database), changes)
        self.entrance = CheckInService(CheckInRepository(self.database), changes)

    def taken(self) -> int:
        sent, self.database.sent = self.database.sent, 0
        return sent


@pytest.fixture
async def counting_inventory(settings: Settings) -> AsyncIterator[CountingInventory]:
    counting_inventory = CountingInventory(settings)
    yield counting_inventory
    await counting_inventory.database.close()


def reserve(hall: Hall, *seat_ids: str) -> ReserveSeats:
    return ReserveSeats(
        request_id=uuid.uuid4(),
        hold_id=uuid.uuid4(),
        event_id=uuid.UUID(hall.event_id),
        seat_ids=sorted(uuid.UUID(seat_id) for seat_id in seat_ids),
        user_id=uuid.uuid4(),
        hold_ttl_milliseconds=60_000,
    )


async def test_a_purchase_sends_two_statements(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    hall = await inventory_caller.provision()
    command = reserve(hall, *hall.seat_ids[:4])

    hold = await counting_inventory.holds.reserve(command)
    assert counting_inventory.taken() == 1
    await counting_inventory.holds.confirm(
        ConfirmHold(request_id=uuid.uuid4(), hold_id=hold.hold_id, user_id=hold.user_id)
    )
    assert counting_inventory.taken() == 1


async def test_refused_reservation_sends_two_statements(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    hall = await inventory_caller.provision()
    await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])

    with pytest.raises(ServiceError):
        await counting_inventory.holds.reserve(reserve(hall, *hall.seat_ids[:2]))

    assert counting_inventory.taken() == 2


async def test_release_sends_one_statement(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    hall = await inventory_caller.provision()
    hold = await counting_inventory.holds.reserve(command := reserve(hall, hall.seat_ids[0]))
    counting_inventory.taken()

    release = ReleaseHold(request_id=uuid.uuid4(), hold_id=hold.hold_id, undoes_request_id=command.request_id)
    assert await counting_inventory.holds.release(release) == 1
    assert counting_inventory.taken() == 1


async def test_best_available_sends_a_search_and_a_statement(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    hall = await inventory_caller.provision()
    await counting_inventory.holds.reserve_best_available(best(hall, "CAT1", quantity=2))
    assert counting_inventory.taken() == 2


async def test_sold_out_category_sends_three_statements(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    """A search, a lookup of a stored response, and storing this response."""
    hall = await inventory_caller.provision(rows("CAT1", "1.00", A=2))
    await inventory_caller.sell(hall.event_id, *hall.seat_ids)

    with pytest.raises(ServiceError):
        await counting_inventory.holds.reserve_best_available(best(hall, "CAT1", quantity=1))
    assert counting_inventory.taken() == 3


async def test_best_available_beyond_a_limit_sends_three_statements(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    """A search, an attempt that shows the limit, and storing this response."""
    hall = await inventory_caller.provision(rows("CAT1", "1.00", A=20))
    command = best(hall, "CAT1", quantity=1)
    await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:10], user_id=str(command.user_id))

    with pytest.raises(ServiceError, match="PURCHASE_LIMIT_REACHED"):
        await counting_inventory.holds.reserve_best_available(command)
    assert counting_inventory.taken() == 3


async def test_a_closed_event_is_not_searched(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    """Not even with free seats: a search, a lookup of a stored response, and storing this response."""
    hall = await inventory_caller.provision()
    await inventory_caller.close_event(hall.event_id)

    with pytest.raises(Gone):
        await counting_inventory.holds.reserve_best_available(best(hall, "CAT1", quantity=2))
    assert counting_inventory.taken() == 3
    with pytest.raises(Gone):
        await counting_inventory.holds.reserve(reserve(hall, *hall.seat_ids[:2]))
    assert counting_inventory.taken() == 2


async def test_scan_sends_one_statement(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    hall, fan = await inventory_caller.provision(), new_id()
    await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=fan)
    scan = read_scan(scan_of(hall, hall.seat_ids[0], fan), is_complete=True)

    for result in (ScanResult.SUCCESS, ScanResult.DUPLICATE):
        assert (await counting_inventory.entrance.check_in(uuid.uuid4(), scan)).result is result
        assert counting_inventory.taken() == 1
    await counting_inventory.entrance.log(uuid.uuid4(), scan, ScanResult.WRONG_HALL)
    assert counting_inventory.taken() == 1
    await counting_inventory.entrance.undo(undo_of(hall))
    assert counting_inventory.taken() == 1


async def test_change_of_owner_sends_one_statement(
    inventory_caller: InventoryCaller, counting_inventory: CountingInventory
) -> None:
    hall, fan = await inventory_caller.provision(), uuid.uuid4()
    sale = await inventory_caller.sell(hall.event_id, hall.seat_ids[0], user_id=str(fan))
    seat_id = uuid.UUID(hall.seat_ids[0])

    await counting_inventory.tickets.list_for_resale(
        Resale(request_id=uuid.uuid4(), seat_id=seat_id, order_id=uuid.UUID(sale.hold_id), owner_user_id=fan)
    )
    assert counting_inventory.taken() == 1
    await counting_inventory.tickets.change_owner(
        ChangeOwner(
            request_id=uuid.uuid4(),
            seat_id=seat_id,
            expected_order_id=uuid.UUID(sale.hold_id),
            expected_owner_user_id=fan,
            new_owner_user_id=fan,
            price_paid=Decimal("20.00"),
            undoes_request_id=None,
            expected_status=SeatStatus.LISTED,
        )
    )
    assert counting_inventory.taken() == 1
    await counting_inventory.tickets.reclaim(
        ReclaimSeats(request_id=uuid.uuid4(), order_id=uuid.UUID(sale.hold_id), buyer_user_id=fan, is_forced=False)
    )
    assert counting_inventory.taken() == 1


async def test_refused_reclaim_sends_two_statements(counting_inventory: CountingInventory) -> None:
    command = ReclaimSeats(request_id=uuid.uuid4(), order_id=uuid.uuid4(), buyer_user_id=uuid.uuid4(), is_forced=False)
    with pytest.raises(ServiceError):
        await counting_inventory.tickets.reclaim(command)
    assert counting_inventory.taken() == 2


def undo_of(hall: Hall) -> UndoCheckIn:
    return UndoCheckIn(
        request_id=uuid.uuid4(),
        event_id=uuid.UUID(hall.event_id),
        seat_id=uuid.UUID(hall.seat_ids[0]),
        scan_id=None,
        staff_user_id=uuid.uuid4(),
        hall_presented="HALL-A",
        hall_expected="HALL-A",
        reason="a mistake",
        ends_at=datetime(2100, 1, 1, tzinfo=UTC),
    )


def best(hall: Hall, category: str, *, quantity: int) -> BestAvailable:
    return BestAvailable(
        request_id=uuid.uuid4(),
        hold_id=uuid.uuid4(),
        event_id=uuid.UUID(hall.event_id),
        category=category,
        quantity=quantity,
        user_id=uuid.uuid4(),
        hold_ttl_milliseconds=60_000,
    )
