"""Parked messages are stored once, with their queue and reason, and acknowledged after the commit."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from common.db.retention import TableRetention
from common.messaging.declarations import PARKING_QUEUE
from common.messaging.message import Message
from common.messaging.parking import ParkingHeaders
from orchestrator.features.parked_messages.models.records import ParkedStatus
from orchestrator.features.parked_messages.repository import SETTLED_RETENTION
from rabbitmq.topology import NOTIFICATIONS_QUEUE
from tests.integration.parked_messages.harness import ParkingHarness
from tests.support.waiting import eventually

TICKET = ParkingHeaders.of(NOTIFICATIONS_QUEUE, RuntimeError("4242 4242 4242 4242"))


async def test_message_rejected_by_a_consumer_is_stored(harness: ParkingHarness) -> None:
    message = Message(type="order.confirmed", source="tests", subject="an order")
    async with harness.refusing(), harness.storing():
        await harness.put(NOTIFICATIONS_QUEUE, message.to_bytes())
        [parked] = await harness.parked()
        await eventually(lambda: _is_empty(harness, PARKING_QUEUE))
    assert (parked.queue, parked.reason) == (NOTIFICATIONS_QUEUE, "The message cannot be understood.")
    assert (parked.body, parked.status) == (message.to_bytes(), ParkedStatus.PARKED)
    assert abs((datetime.now(UTC) - parked.parked_at).total_seconds()) < 60
    assert await harness.store.count() == 1


async def test_message_over_its_delivery_limit_is_stored(harness: ParkingHarness) -> None:
    """The broker counts deliveries to consumers that crash."""
    await harness.exceed_delivery_limit(b"{}")
    async with harness.storing():
        [parked] = await harness.parked()
    assert (parked.queue, parked.reason) == ("limited", "delivery_limit")
    assert abs((datetime.now(UTC) - parked.parked_at).total_seconds()) < 60


async def test_text_of_an_unexpected_error_is_not_stored(harness: ParkingHarness) -> None:
    async with harness.storing():
        await harness.put(PARKING_QUEUE, b"{}", TICKET.headers)
        [parked] = await harness.parked()
    assert parked.reason == "RuntimeError"


@pytest.mark.parametrize(
    "headers", [{}, {"parked-at": "yesterday"}, {"parked-at": TICKET.headers["parked-at"], "parked-because": "a\0b"}]
)
async def test_message_without_valid_headers_is_stored(harness: ParkingHarness, headers: dict[str, str]) -> None:
    async with harness.storing():
        await harness.put(PARKING_QUEUE, b"\xff\0", headers)
        [parked] = await harness.parked()
    assert (parked.queue, parked.body) == (None, b"\xff\0")
    assert parked.reason in {"", "a?b"}


async def test_redelivered_message_is_stored_once(harness: ParkingHarness) -> None:
    async with harness.storing():
        for body in (b"first", b"first", b"second"):
            await harness.put(PARKING_QUEUE, body, TICKET.headers)
        await harness.parked(2)
        await eventually(lambda: _is_empty(harness, PARKING_QUEUE))


async def test_crash_before_the_commit_loses_no_message(harness: ParkingHarness) -> None:
    async with harness.database.transaction() as connection:
        await connection.execute(text("LOCK TABLE parked_messages"))
        async with harness.storing():
            await harness.put(PARKING_QUEUE, b"{}", TICKET.headers)
            await eventually(lambda: _waits_for_the_lock(harness))
            assert await harness.messages_in(PARKING_QUEUE) == 0  # unacknowledged
    async with harness.storing():
        assert await harness.parked()
        await eventually(lambda: _is_empty(harness, PARKING_QUEUE))


async def test_large_message_is_stored_but_not_shown(harness: ParkingHarness) -> None:
    async with harness.storing():
        await harness.put(PARKING_QUEUE, b"x" * 100_000, TICKET.headers)
        [parked] = await harness.parked()
    assert (parked.size_bytes, parked.body) == (100_000, None)


async def test_settled_messages_are_deleted_after_a_month(harness: ParkingHarness) -> None:
    async with harness.storing():
        for body in (b"waits", b"settled"):
            await harness.put(PARKING_QUEUE, body, TICKET.headers)
        await harness.parked(2)
    await harness.database.execute(
        text(
            "UPDATE parked_messages SET status = 'discarded', settled_at = now() - interval '31 days' WHERE body = :b"
        ),
        {"b": b"settled"},
    )
    await harness.database.execute(text("UPDATE parked_messages SET parked_at = now() - interval '1 year'"))
    await TableRetention(harness.database, SETTLED_RETENTION).delete_old()
    [left] = await harness.parked()
    assert left.body == b"waits"


async def _is_empty(harness: ParkingHarness, queue: str) -> bool:
    return harness.vhost.queue_counts()[queue] == 0


async def _waits_for_the_lock(harness: ParkingHarness) -> bool:
    waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%parked_messages%'")
    return await harness.database.fetch_one(waiting) is not None
