"""What is parked is kept once, with where it came from and why, and acknowledged only then."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from common.messaging.message import Message
from common.messaging.parking import ParkingHeaders
from common.messaging.topology import PARKING_QUEUE
from orchestrator.features.parked_messages.models.records import ParkedStatus
from rabbitmq.topology import NOTIFICATIONS_QUEUE
from tests.integration.parking.parked_message_fixtures import Yard
from tests.support.waiting import eventually

TICKET = ParkingHeaders.of(NOTIFICATIONS_QUEUE, RuntimeError("4242 4242 4242 4242"))


async def test_what_a_consumer_gave_up_is_kept(yard: Yard) -> None:
    message = Message(type="order.confirmed", source="tests", subject="an order")
    async with yard.refusing(), yard.keeping():
        await yard.put(NOTIFICATIONS_QUEUE, message.to_bytes())
        [parked] = await yard.parked()
        await eventually(lambda: _is_empty(yard, PARKING_QUEUE))
    assert (parked.queue, parked.reason) == (NOTIFICATIONS_QUEUE, "The message cannot be understood.")
    assert (parked.body, parked.status) == (message.to_bytes(), ParkedStatus.PARKED)
    assert abs((datetime.now(UTC) - parked.parked_at).total_seconds()) < 60
    assert await yard.store.count() == 1


async def test_what_the_broker_gave_up_is_kept(yard: Yard) -> None:
    """It counts deliveries to consumers that die."""
    await yard.given_up_by_the_broker(b"{}")
    async with yard.keeping():
        [parked] = await yard.parked()
    assert (parked.queue, parked.reason) == ("limited", "delivery_limit")
    assert abs((datetime.now(UTC) - parked.parked_at).total_seconds()) < 60


async def test_words_of_an_unknown_error_are_not_kept(yard: Yard) -> None:
    async with yard.keeping():
        await yard.put(PARKING_QUEUE, b"{}", TICKET.headers)
        [parked] = await yard.parked()
    assert parked.reason == "RuntimeError"


@pytest.mark.parametrize(
    "headers", [{}, {"parked-at": "yesterday"}, {"parked-at": TICKET.headers["parked-at"], "parked-because": "a\0b"}]
)
async def test_what_was_put_there_by_hand_is_kept(yard: Yard, headers: dict[str, str]) -> None:
    async with yard.keeping():
        await yard.put(PARKING_QUEUE, b"\xff\0", headers)
        [parked] = await yard.parked()
    assert (parked.queue, parked.body) == (None, b"\xff\0")
    assert parked.reason in {"", "a?b"}


async def test_what_is_delivered_twice_is_kept_once(yard: Yard) -> None:
    async with yard.keeping():
        for body in (b"first", b"first", b"second"):
            await yard.put(PARKING_QUEUE, body, TICKET.headers)
        await yard.parked(2)
        await eventually(lambda: _is_empty(yard, PARKING_QUEUE))


async def test_one_that_dies_before_it_has_stored_loses_nothing(yard: Yard) -> None:
    async with yard.database.transaction() as connection:
        await connection.execute(text("LOCK TABLE parked_messages"))
        async with yard.keeping():
            await yard.put(PARKING_QUEUE, b"{}", TICKET.headers)
            await eventually(lambda: _waits_for_the_lock(yard))
            assert await yard.messages_in(PARKING_QUEUE) == 0  # in hand
    async with yard.keeping():
        assert await yard.parked()
        await eventually(lambda: _is_empty(yard, PARKING_QUEUE))


async def test_long_ones_are_kept_whole_and_not_shown(yard: Yard) -> None:
    async with yard.keeping():
        await yard.put(PARKING_QUEUE, b"x" * 100_000, TICKET.headers)
        [parked] = await yard.parked()
    assert (parked.size_bytes, parked.body) == (100_000, None)


async def test_settled_ones_are_thrown_away_after_a_month(yard: Yard) -> None:
    async with yard.keeping():
        for body in (b"waits", b"settled"):
            await yard.put(PARKING_QUEUE, body, TICKET.headers)
        await yard.parked(2)
    await yard.database.execute(
        text(
            "UPDATE parked_messages SET status = 'discarded', settled_at = now() - interval '31 days' WHERE body = :b"
        ),
        {"b": b"settled"},
    )
    await yard.database.execute(text("UPDATE parked_messages SET parked_at = now() - interval '1 year'"))
    await yard.store.purge()
    [left] = await yard.parked()
    assert left.body == b"waits"


async def _is_empty(yard: Yard, queue: str) -> bool:
    return yard.vhost.queue_counts()[queue] == 0


async def _waits_for_the_lock(yard: Yard) -> bool:
    waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%parked_messages%'")
    return await yard.database.fetch_one(waiting) is not None
