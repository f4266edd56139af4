"""Holds expire on time: by the broker's message, or by the sweeper without one."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from common.db.engine import Database
from common.errors import Unavailable
from common.messaging.declarations import PARKING_QUEUE
from common.messaging.publisher import Publisher
from inventory.app import Inventory
from inventory.expiry import HoldExpiry
from inventory.repository.expiry import ExpiryRepository
from proto.inventory.v1 import inventory_pb2 as pb
from rabbitmq.topology import platform_topology
from tests.integration.inventory.broker_client import HOLD_TTL_SECONDS, BrokerClient, hold_message, open_broker_client
from tests.integration.inventory.inventory_caller import InventoryCaller, new_id, refused, rows
from tests.integration.inventory.tables import expire_hold, wrong_counts
from tests.support.waiting import eventually

SOME_ID = uuid.UUID(int=1)
# a time without a zone
TIMELESS = hold_message(
    pb.Hold(hold_id=str(SOME_ID), event_id=str(SOME_ID), user_id=str(SOME_ID), held_until="2026-11-20T12:00:00")
).to_bytes()
TTL_MILLISECONDS = HOLD_TTL_SECONDS * 1000


@pytest.fixture(scope="module")
async def broker(rabbitmq_url: str, inventory: Inventory) -> AsyncIterator[BrokerClient]:
    assert await inventory.consumer.broker.is_healthy()
    async with open_broker_client(rabbitmq_url) as broker:
        yield broker


def expired_by(source: str) -> float:
    return REGISTRY.get_sample_value("holds_expired_total", {"by": source}) or 0.0


class TestMessage:
    async def test_ends_the_hold_at_its_time(self, inventory_caller: InventoryCaller, broker: BrokerClient) -> None:
        hall, before = await inventory_caller.provision(), expired_by("message")
        hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], ttl_milliseconds=TTL_MILLISECONDS)
        await broker.publish_hold(hold_message(hold))
        published = await eventually(lambda: broker.received_data("hold.expired", hold.hold_id))
        assert datetime.now(UTC) >= datetime.fromisoformat(hold.held_until)
        assert published == [
            {
                "hold_id": hold.hold_id,
                "event_id": hall.event_id,
                "user_id": hold.user_id,
                "seat_ids": [seat.seat_id for seat in hold.seats],
            }
        ]
        assert await inventory_caller.statuses(*hall.seat_ids[:2]) == ["AVAILABLE", "AVAILABLE"]
        assert expired_by("message") == before + 1
        assert await eventually(lambda: set(hall.seat_ids[:2]) <= changed_to(broker, hall.event_id, "AVAILABLE"))

    async def test_of_a_hold_that_was_sold_changes_nothing(
        self, inventory_caller: InventoryCaller, broker: BrokerClient
    ) -> None:
        hall = await inventory_caller.provision()
        sold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        await inventory_caller.confirm(sold.hold_id, sold.user_id)
        await broker.deliver(hold_message(sold, held_until=datetime.now(UTC)).to_bytes())

        await self.expire_another_hold(inventory_caller, broker)

        assert broker.received_data("hold.expired", sold.hold_id) == []
        assert await inventory_caller.status(hall.seat_ids[0]) == "SOLD"

    async def test_of_an_old_hold_leaves_the_new_one_alone(
        self, inventory_caller: InventoryCaller, broker: BrokerClient
    ) -> None:
        hall = await inventory_caller.provision()
        old = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], ttl_milliseconds=1)
        new = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2])
        await broker.deliver(hold_message(old).to_bytes())

        # The order of the old hold must get its end, though no seat is left to free.
        await eventually(lambda: broker.received_data("hold.expired", old.hold_id))

        assert await inventory_caller.statuses(*hall.seat_ids[:2]) == ["HELD", "HELD"]
        assert (await inventory_caller.confirm(new.hold_id, new.user_id)).seat_ids

    async def test_early_message_does_not_expire_the_hold(
        self, inventory_caller: InventoryCaller, broker: BrokerClient
    ) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0])
        await broker.deliver(hold_message(hold, held_until=datetime.now(UTC)).to_bytes())

        await self.expire_another_hold(inventory_caller, broker)

        assert broker.received_data("hold.expired", hold.hold_id) == []
        assert await inventory_caller.status(hall.seat_ids[0]) == "HELD"

    async def test_slightly_early_message_waits(self, inventory_caller: InventoryCaller, broker: BrokerClient) -> None:
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], ttl_milliseconds=300)
        await broker.deliver(hold_message(hold).to_bytes())

        await eventually(lambda: broker.received_data("hold.expired", hold.hold_id))
        assert datetime.now(UTC) >= datetime.fromisoformat(hold.held_until)

    async def test_redelivered_message_publishes_again(
        self, inventory_caller: InventoryCaller, broker: BrokerClient
    ) -> None:
        """After a crash between commit and publish, only the second delivery can publish."""
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], ttl_milliseconds=1)
        body = hold_message(hold).to_bytes()
        await broker.deliver(body)
        await eventually(lambda: broker.received_data("hold.expired", hold.hold_id))

        await broker.deliver(body)

        assert await eventually(lambda: len(broker.received_data("hold.expired", hold.hold_id)) == 2)

    async def test_expiry_is_published_after_a_crash_between_commit_and_publish(
        self, inventory_caller: InventoryCaller, inventory: Inventory, broker: BrokerClient
    ) -> None:
        """Its publisher never reached the broker; the unacknowledged message is delivered to another instance."""
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], ttl_milliseconds=1)
        message = hold_message(hold)
        without_publisher = Publisher(
            "amqp://guest:guest@127.0.0.1:1/", service="inventory", topology=platform_topology(), timeout_seconds=0.01
        )
        expired_publisher = HoldExpiry(ExpiryRepository(inventory.database), without_publisher, inventory.changes)
        with pytest.raises(Unavailable):
            await expired_publisher.handle(message)
        assert await free_in_table(inventory.database, hall.seat_ids[0])

        await broker.deliver(message.to_bytes())

        assert await eventually(lambda: broker.received_data("hold.expired", hold.hold_id))

    @pytest.mark.parametrize(
        "body",
        [
            b"not json",
            b'{"type": "seat.hold"}',
            b'{"type": "seat.hold", "source": "x", "subject": "y", "data": {"hold_id": "z"}}',
            TIMELESS,
            b'{"type": "something.else", "source": "x", "subject": "y", "data": {}}',
        ],
    )
    async def test_malformed_message_is_parked(
        self, inventory_caller: InventoryCaller, broker: BrokerClient, body: bytes
    ) -> None:
        await broker.deliver(body)

        assert await eventually(lambda: broker.take_from(PARKING_QUEUE)) == body
        await self.expire_another_hold(inventory_caller, broker)  # and the consumer continues

    async def expire_another_hold(self, inventory_caller: InventoryCaller, broker: BrokerClient) -> None:
        """Wait for a hold to expire: the messages before it in the queue have been handled."""
        hall = await inventory_caller.provision()
        hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], ttl_milliseconds=1)
        await broker.deliver(hold_message(hold).to_bytes())
        await eventually(lambda: broker.received_data("hold.expired", hold.hold_id))


class TestSweeper:
    async def test_holds_without_a_message_expire(
        self, inventory_caller: InventoryCaller, inventory: Inventory, broker: BrokerClient, database: Database
    ) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=20))
        due = [
            await inventory_caller.reserve(hall.event_id, *hall.seat_ids[first : first + 2], ttl_milliseconds=1)
            for first in range(0, 10, 2)
        ]
        live = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[10:12])
        before = expired_by("sweeper")

        assert await inventory.sweeper.sweep() >= len(due)

        assert await inventory_caller.statuses(*hall.seat_ids[:12]) == ["AVAILABLE"] * 10 + ["HELD"] * 2
        assert expired_by("sweeper") >= before + len(due)
        for hold in due:
            (published,) = await eventually(partial(broker.received_data, "hold.expired", hold.hold_id))
            assert sorted(published["seat_ids"]) == sorted(seat.seat_id for seat in hold.seats)
            assert published["user_id"] == hold.user_id
        assert broker.received_data("hold.expired", live.hold_id) == []
        assert await wrong_counts(database, hall.event_id) == []
        assert (REGISTRY.get_sample_value("holds_open") or 0) >= 1

    async def test_more_holds_than_one_batch_expire(
        self, inventory_caller: InventoryCaller, inventory: Inventory, database: Database
    ) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=700))
        for first in range(0, 700, 10):
            hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[first : first + 10])
            await expire_hold(database, hold.hold_id)

        assert await inventory.sweeper.sweep() >= 70

        assert (await inventory_caller.availability(hall.event_id))["CAT1"].available == 700

    async def test_two_sweepers_share_the_work(
        self, inventory_caller: InventoryCaller, database: Database, inventory: Inventory
    ) -> None:
        hall = await inventory_caller.provision(rows("CAT1", "1.00", A=60))
        holds = [
            await inventory_caller.reserve(hall.event_id, seat_id, ttl_milliseconds=1) for seat_id in hall.seat_ids
        ]
        expiry = ExpiryRepository(inventory.database)

        swept = await asyncio.gather(*(expiry.end_due_holds(batch=100) for _ in range(4)))

        ended = [str(hold.hold_id) for share in swept for hold in share]
        assert sorted(ended) == sorted(hold.hold_id for hold in holds)
        assert await wrong_counts(database, hall.event_id) == []


async def test_seat_of_an_expired_hold_counts_as_available_before_the_sweep(inventory_caller: InventoryCaller) -> None:
    hall = await inventory_caller.provision()
    hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:2], ttl_milliseconds=1)

    assert await inventory_caller.statuses(*hall.seat_ids[:2]) == ["AVAILABLE", "AVAILABLE"]
    counts = (await inventory_caller.availability(hall.event_id))["CAT1"]
    assert (counts.available, counts.held) == (10, 0)
    assert (await refused(inventory_caller.confirm(hold.hold_id, hold.user_id))).code == "HOLD_EXPIRED"


async def test_seat_changes_of_an_interval_are_one_message(
    inventory_caller: InventoryCaller, broker: BrokerClient
) -> None:
    hall = await inventory_caller.provision()
    hold = await inventory_caller.reserve(hall.event_id, *hall.seat_ids[:3])
    await eventually(lambda: changed_to(broker, hall.event_id, "HELD") == set(hall.seat_ids[:3]))
    await inventory_caller.confirm(hold.hold_id, hold.user_id)
    await eventually(lambda: changed_to(broker, hall.event_id, "SOLD") == set(hall.seat_ids[:3]))
    assert len(broker.received_data("seat.changed", hall.event_id)) == 2


async def test_repeated_request_publishes_nothing(inventory_caller: InventoryCaller, broker: BrokerClient) -> None:
    hall = await inventory_caller.provision()
    hold = await inventory_caller.reserve(hall.event_id, hall.seat_ids[0], request_id=(request_id := new_id()))
    await inventory_caller.release(hold.hold_id)
    await eventually(lambda: changed_to(broker, hall.event_id, "AVAILABLE"))
    received = len(broker.received_data("seat.changed", hall.event_id))

    await inventory_caller.reserve(
        hall.event_id, hall.seat_ids[0], request_id=request_id, hold_id=hold.hold_id, user_id=hold.user_id
    )
    await inventory_caller.block(hall.event_id, hall.seat_ids[1])
    await eventually(lambda: changed_to(broker, hall.event_id, "BLOCKED"))

    last = broker.received_data("seat.changed", hall.event_id)[received:]
    assert last == [{"event_id": hall.event_id, "seats": [{"seat_id": hall.seat_ids[1], "status": "BLOCKED"}]}]


async def free_in_table(database: Database, seat_id: str) -> bool:
    """Return whether the seat is free in the table, not only computed as free after its hold's expiry."""
    statement = text("SELECT status FROM seats WHERE seat_id = CAST(:seat_id AS uuid)")
    (row,) = await database.fetch_all(statement, {"seat_id": seat_id})
    return bool(row["status"] == "AVAILABLE")


def changed_to(broker: BrokerClient, event_id: str, status: str) -> set[str]:
    """Return the seats that were published with this status."""
    said = [seat for data in broker.received_data("seat.changed", event_id) for seat in data["seats"]]
    return {seat["seat_id"] for seat in said if seat["status"] == status}
