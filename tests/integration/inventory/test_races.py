"""Concurrent requests: exactly one wins, none waits for long, and no count is wrong."""

import asyncio
import uuid
from datetime import UTC, datetime

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from common.errors import OutcomeUnknown, ServiceError
from common.messaging.message import Message
from common.rpc.client import RpcCaller
from inventory.app import Inventory
from inventory.repository.expiry import ExpiryRepository
from tests.integration.inventory.inventory_caller import InventoryCaller, new_id, new_ids, outcomes, refused, rows
from tests.integration.inventory.tables import inserting_answer, locked_seat, waiting_for_locks, wrong_counts
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually


async def test_fifty_buyers_for_one_seat(inventory_caller: InventoryCaller, database: Database) -> None:
    hall = await inventory_caller.provision()
    for seat_id in hall.seat_ids:
        holds, refusals = await outcomes([inventory_caller.reserve(hall.event_id, seat_id) for _ in range(50)])

        assert len(holds) == 1
        assert {refusal.code for refusal in refusals} == {"SEAT_UNAVAILABLE"}
        assert (await inventory_caller.confirm(holds[0].hold_id, holds[0].user_id)).seat_ids == [seat_id]
    assert await wrong_counts(database, hall.event_id) == []


async def test_overlapping_seat_sets_do_not_deadlock(inventory_caller: InventoryCaller) -> None:
    hall = await inventory_caller.provision(rows("CAT1", "10.00", A=10))
    for attempt in range(30):
        seats = hall.seat_ids
        sets = [seats[:6], seats[4:], seats[2:8][::-1], seats[::2], seats[1::2][::-1], seats]
        async with asyncio.timeout(
            ANSWER_SECONDS
        ):  # the server detects a deadlock after a second; an endless wait never ends
            holds, refusals = await outcomes([inventory_caller.reserve(hall.event_id, *chosen) for chosen in sets])

        taken = [seat.seat_id for hold in holds for seat in hold.seats]
        assert len(taken) == len(set(taken)), f"attempt {attempt}"
        assert {refusal.code for refusal in refusals} == {"SEAT_UNAVAILABLE"}
        for hold in holds:
            await inventory_caller.release(hold.hold_id)


async def test_fifty_concurrent_repetitions_are_one_hold(inventory_caller: InventoryCaller) -> None:
    hall = await inventory_caller.provision(rows("CAT1", "10.00", A=10))
    for chosen in (hall.seat_ids[:2], hall.seat_ids[2:5], hall.seat_ids[5:]):
        ids = new_ids()

        holds, refusals = await outcomes([inventory_caller.reserve(hall.event_id, *chosen, **ids) for _ in range(50)])

        assert refusals == []
        assert all(hold == holds[0] for hold in holds)
        assert {seat.seat_id for seat in holds[0].seats} == set(chosen)


async def test_repetition_waits_for_the_first_request(inventory_caller: InventoryCaller, database: Database) -> None:
    """The first request has locked the seats and cannot finish; its repetition must wait for it, not refuse."""
    hall = await inventory_caller.provision(rows("CAT1", "10.00", A=20))
    for seat_id in hall.seat_ids:
        ids = new_ids()
        async with inserting_answer(database, ids["request_id"]):
            first = asyncio.create_task(inventory_caller.reserve(hall.event_id, seat_id, **ids))
            await eventually(lambda: waiting_for_locks(database, 1))
            second = asyncio.create_task(inventory_caller.reserve(hall.event_id, seat_id, **ids))
            await eventually(lambda: waiting_for_locks(database, 2))

        assert await first == await second
        assert await inventory_caller.status(seat_id) == "HELD"


async def test_thirty_concurrent_best_available_repetitions_are_one_hold(
    inventory_caller: InventoryCaller, database: Database
) -> None:
    hall = await inventory_caller.provision(rows("CAT1", "10.00", A=40, B=40))
    ids = new_ids()

    holds, refusals = await outcomes(
        [inventory_caller.reserve_best(hall.event_id, "CAT1", 3, **ids) for _ in range(30)]
    )

    assert refusals == []
    assert all(hold == holds[0] for hold in holds)
    assert (await inventory_caller.availability(hall.event_id))["CAT1"].held == 3
    assert await wrong_counts(database, hall.event_id) == []


async def test_twenty_concurrent_sale_repetitions_are_one_sale(
    inventory_caller: InventoryCaller, database: Database
) -> None:
    hall = await inventory_caller.provision()
    hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:3])
    request_id = new_id()

    sales, refusals = await outcomes(
        [inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=request_id) for _ in range(20)]
    )

    assert refusals == []
    assert all(sale == sales[0] for sale in sales)
    assert await wrong_counts(database, hall.event_id) == []


async def test_a_sale_and_a_release_never_both_happen(inventory_caller: InventoryCaller, database: Database) -> None:
    hall = await inventory_caller.provision(rows("CAT1", "10.00", A=30, B=30))
    for first, second in zip(hall.seat_ids[::2], hall.seat_ids[1::2], strict=True):
        hold = await inventory_caller.reserve(hall.event_id, first, second)
        sale, release = await asyncio.gather(
            inventory_caller.confirm(hold.hold_id, hold.user_id),
            inventory_caller.release(hold.hold_id),
            return_exceptions=True,
        )

        statuses = await inventory_caller.statuses(first, second)
        if isinstance(sale, ServiceError):
            assert (sale.code, release, statuses) == ("HOLD_EXPIRED", 2, ["AVAILABLE"] * 2)
        else:
            assert (release, statuses) == (0, ["SOLD"] * 2)
    assert await wrong_counts(database, hall.event_id) == []


async def test_sale_at_the_expiry_time_is_all_or_nothing(
    inventory_caller: InventoryCaller, database: Database, inventory: Inventory
) -> None:
    """Sale, sweeper and the next buyer meet at `held_until`, repeatedly."""
    hall = await inventory_caller.provision(rows("CAT1", "10.00", A=200))
    expiry = ExpiryRepository(inventory.database)
    sold = expired = 0
    ttl_milliseconds = 8  # roughly the time that a sale takes to arrive; the loop adapts it to this machine
    for number in range(0, 200, 2):
        pair = hall.seat_ids[number : number + 2]
        hold = await inventory_caller.reserve(hall.event_id, *pair, ttl_milliseconds=ttl_milliseconds)
        next_buyer = new_id()
        sale, _, rival, _ = await asyncio.gather(
            inventory_caller.confirm(hold.hold_id, hold.user_id),
            expiry.end_due_holds(batch=100),
            inventory_caller.reserve(hall.event_id, *pair, user_id=next_buyer),
            inventory_caller.release(new_id()),
            return_exceptions=True,
        )

        owners = {(await inventory_caller.seat(seat_id)).owner_user_id for seat_id in pair}
        if isinstance(sale, ServiceError):
            expired += 1
            assert (sale.code, owners) == ("HOLD_EXPIRED", {""})
            ttl_milliseconds += 1 + ttl_milliseconds // 4
        else:
            sold += 1
            assert isinstance(rival, ServiceError)
            assert owners == {hold.user_id}
            ttl_milliseconds = max(1, ttl_milliseconds - 1)
    assert sold > 0
    assert expired > 0
    assert await wrong_counts(database, hall.event_id) == []


async def test_sale_locked_in_time_succeeds_even_if_committed_late(
    inventory_caller: InventoryCaller, database: Database, inventory: Inventory
) -> None:
    """The sale has its seats locked when the hold expires; message, sweeper and the next buyer must not undo it."""
    hall = await inventory_caller.provision()
    hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], ttl_milliseconds=500)
    expiry, request_id = ExpiryRepository(inventory.database), new_id()
    message = Message(type="seat.hold", source="orchestrator", subject=hold.hold_id)
    async with inserting_answer(database, request_id):
        sale = asyncio.create_task(inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=request_id))
        await eventually(lambda: waiting_for_locks(database, 1))
        await eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(hold.held_until))
        by_message = asyncio.create_task(expiry.end_hold(uuid.UUID(hold.hold_id), message))
        await eventually(lambda: waiting_for_locks(database, 2))
        swept = await expiry.end_due_holds(batch=100)
        refusal = await refused(inventory_caller.reserve(hall.event_id, hall.seat_ids[0]))

    assert sorted((await sale).seat_ids) == sorted(hall.seat_ids[:2])
    ended = await asyncio.gather(by_message, return_exceptions=True)
    assert [getattr(each, "is_sold", each) for each in ended] == [True]
    assert hold.hold_id not in {str(expired.hold_id) for expired in swept}
    assert refusal.code == "SEAT_UNAVAILABLE"
    assert await inventory_caller.statuses(*hall.seat_ids[:2]) == ["SOLD", "SOLD"]
    assert await wrong_counts(database, hall.event_id) == []


async def test_hall_is_not_discarded_during_a_reservation(
    inventory_caller: InventoryCaller, database: Database
) -> None:
    provisioning = new_id()
    hall = await inventory_caller.provision(request_id=provisioning)
    ids = new_ids()
    async with inserting_answer(database, ids["request_id"]):
        taking = asyncio.create_task(inventory_caller.reserve(hall.event_id, hall.seat_ids[0], **ids))
        await eventually(lambda: waiting_for_locks(database, 1))
        refusal = await refused(inventory_caller.discard(hall.event_id, undoes_request_id=provisioning))

    assert refusal.kind == "busy"  # undecided: its repetition is refused permanently
    assert (await taking).hold_id == ids["hold_id"]
    refusal = await refused(inventory_caller.discard(hall.event_id, undoes_request_id=provisioning))
    assert refusal.kind == "conflict"
    assert len(await inventory_caller.all_seats(hall.event_id)) == 10
    assert await wrong_counts(database, hall.event_id) == []


async def test_concurrent_action_and_undo_leave_nothing_held(
    inventory_caller: InventoryCaller, database: Database
) -> None:
    hall = await inventory_caller.provision(rows("CAT1", "10.00", A=60))
    for seat_id in hall.seat_ids:
        ids = new_ids()
        await asyncio.gather(
            inventory_caller.reserve(hall.event_id, seat_id, **ids),
            inventory_caller.release(ids["hold_id"], undoes_request_id=ids["request_id"]),
            return_exceptions=True,
        )
        assert await inventory_caller.status(seat_id) == "AVAILABLE"
    assert await wrong_counts(database, hall.event_id) == []


async def test_cancelled_call_leaks_no_connection(
    inventory_caller: InventoryCaller, database: Database, tokens: ServiceTokens
) -> None:
    hall = await inventory_caller.provision()
    hold, request_id = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0]), new_id()
    impatient = InventoryCaller(
        inventory_caller.stub, RpcCaller(callee="inventory", tokens=tokens, deadline_seconds=0.05)
    )
    async with locked_seat(database, hall.seat_ids[0]):
        calls = [impatient.confirm(hold.hold_id, hold.user_id, request_id=request_id) for _ in range(40)]
        _, failures = await outcomes(calls)
        assert all(isinstance(failure, OutcomeUnknown) for failure in failures)

    _, refusals = await outcomes([inventory_caller.seat(seat_id) for seat_id in hall.seat_ids * 4])
    assert refusals == []
    sale = await inventory_caller.confirm(hold.hold_id, hold.user_id, request_id=request_id)
    assert sale.seat_ids == [hall.seat_ids[0]]
