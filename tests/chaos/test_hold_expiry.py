"""Holds that expire by RabbitMQ's message, and messages at the wrong time.

Neither the sweeper nor the orchestrator's own check of deadlines runs in time here: only the message ends a hold.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest

from common.messaging.message import Message
from devstack.stack import Stack
from rabbitmq.topology import RELEASE_EXCHANGE, hold_queue_name
from tests.chaos.fans import Fan
from tests.chaos.ticket_sales import Order, TicketSales
from tests.support.collector import Collector, collecting
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

HOLD_TTL_SECONDS = 6  # long enough to buy on a busy machine
NEVER = "3600"
LATE_FANS = 12
END_HOLD = "UPDATE seats SET held_until = clock_timestamp() WHERE hold_id = $1"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, collector: Collector) -> Iterator[Stack]:
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "HOLD_TTL_SECONDS": str(HOLD_TTL_SECONDS),
        "SWEEP_SECONDS": NEVER,
        "RECOVER_INTERVAL_SECONDS": NEVER,
        **collector.env,
    }
    services = ("users", "orders", "events", "inventory", "orchestrator", "gateway")
    with running_platform(database_url=database_url, vhost=vhost, services=services, env=env) as running:
        yield running


@pytest.fixture(scope="module")
async def release_exchange(stack: Stack) -> AsyncIterator[aio_pika.abc.AbstractExchange]:
    async with await aio_pika.connect(stack.urls.rabbitmq) as connection, connection.channel() as channel:
        yield await channel.get_exchange(RELEASE_EXCHANGE, ensure=False)


async def test_hold_expires_on_time(sales: TicketSales) -> None:
    """By the broker's message: neither the sweeper nor the recoverer runs within the test."""
    fan = await sales.new_fan()
    order = await sales.reserved(fan)
    held_until = await sales.held_until(order)
    assert await sales.freed_at(order) >= held_until
    await sales.saga_ends(fan, "UNWOUND")
    await sales.assert_given_back(fan, order)
    assert (await fan.pay(order.order_id)).json()["error_code"] == "HOLD_EXPIRED"


async def test_reserve_and_expiry_are_one_trace(sales: TicketSales, collector: Collector) -> None:
    """The trace leads from the gateway over the outbox, the hold queue and the dead-letter exchange to the order's end."""
    fan = await sales.new_fan()
    order = await sales.reserved(fan)
    await sales.saga_ends(fan, "UNWOUND")
    message = await hold_message_of(sales, order)
    assert message.traceparent is not None
    trace_id = message.traceparent.split("-")[1]

    def span_path() -> list[str]:
        last = [span for span in collector.trace(trace_id) if span.name == "POST /internal/orders/{order_id}/end"]
        return collector.line(last[0]) if last else []

    assert await eventually(span_path) == [
        "gateway: POST /api/reserve",
        "gateway: POST orchestrator",
        "orchestrator: POST /api/reserve",
        "orchestrator: publish seat.hold.exchange",
        "inventory: process seat.hold",
        "inventory: publish messages.exchange",
        "orchestrator: process hold.expired",
        "orchestrator: undo: open order",
        "orchestrator: POST orders",
        "orders: POST /internal/orders/{order_id}/end",
    ]
    done = {f"{span.service}: {span.name}" for span in collector.trace(trace_id)}
    assert {"inventory: /inventory.v1.Inventory/Reserve", "orders: POST /internal/orders"} <= done


async def test_message_for_sold_seats_changes_nothing(sales: TicketSales) -> None:
    fan = await sales.new_fan()
    order = await sales.reserved(fan)
    await sales.assert_bought(fan, order)
    await wait_until_handled(sales, await hold_message_of(sales, order))
    await sales.assert_bought(fan, order)


async def test_stale_message_does_not_release_the_next_hold(
    sales: TicketSales, release_exchange: aio_pika.abc.AbstractExchange
) -> None:
    """The first hold is cancelled. Its message comes, twice, when the second fan holds the seats."""
    first, second = await sales.new_fan(), await sales.new_fan()
    cancelled = await sales.reserved(first)
    assert (await first.cancel(cancelled.order_id)).is_success
    order = await sales.reserved(second, cancelled.seat_ids)
    stale = await hold_message_of(sales, cancelled)
    twin = stale.model_copy(update={"id": uuid.uuid4()})
    for message in (stale, stale, twin):
        await release(release_exchange, message)
    await wait_until_handled(sales, stale)
    await wait_until_handled(sales, twin)
    assert {seat["hold_id"] for seat in await sales.databases.seats(order.seat_ids)} == {order.order_id}
    await sales.assert_bought(second, order)
    assert await sales.databases.order_states(cancelled.order_id) == ["PENDING", "CANCELLED"]


async def test_late_payment_does_not_affect_the_next_hold(sales: TicketSales) -> None:
    """The first hold has expired and the second fan holds the seats when the first payment comes."""
    first, second = await sales.new_fan(), await sales.new_fan()
    over = await sales.reserved(first)
    await sales.databases.change("inventory", END_HOLD, over.order_id)
    order = await sales.reserved(second, over.seat_ids)
    assert (await first.pay(over.order_id)).json()["error_code"] == "HOLD_EXPIRED"
    assert await sales.databases.movements_of(over.order_id) == ["deduct", "refund"]
    assert await sales.databases.order_states(over.order_id) == ["PENDING", "FAILED"]
    assert {seat["hold_id"] for seat in await sales.databases.seats(order.seat_ids)} == {order.order_id}
    await sales.assert_bought(second, order)


async def test_early_message_does_not_release_the_hold(
    sales: TicketSales, release_exchange: aio_pika.abc.AbstractExchange
) -> None:
    """The database decides until when seats are held, whatever the message says."""
    fan = await sales.new_fan()
    order = await sales.reserved(fan)
    message = await hold_message_of(sales, order)
    premature = message.model_copy(
        update={"id": uuid.uuid4(), "data": message.data | {"held_until": datetime.now(UTC)}}
    )
    await release(release_exchange, premature)
    await wait_until_handled(sales, premature)
    await sales.assert_bought(fan, order)


async def test_payment_around_the_expiry_succeeds_or_fails_completely(sales: TicketSales) -> None:
    """Either the payment or the expiry wins, and takes effect completely."""
    fans = [await sales.new_fan() for _ in range(LATE_FANS)]
    orders = await asyncio.gather(*(sales.reserved(fan) for fan in fans))
    offsets = [0.01 * (number - LATE_FANS // 2) for number in range(LATE_FANS)]
    await asyncio.gather(
        *(pay_at_the_end(sales, *late) for late in zip(fans, orders, offsets, strict=True)),
    )
    for fan, order in zip(fans, orders, strict=True):
        await sales.assert_clean_end(fan, order)


async def pay_at_the_end(sales: TicketSales, fan: Fan, order: Order, offset_seconds: float) -> None:
    """Pay so many seconds after the hold's end; before it if negative."""
    remaining = await sales.held_until(order) - datetime.now(UTC)
    await asyncio.sleep(remaining.total_seconds() + offset_seconds)
    assert (await fan.pay(order.order_id)).status_code in {200, 410}


async def hold_message_of(sales: TicketSales, order: Order) -> Message:
    """Return the message that the orchestrator published about a hold."""
    rows: list[dict[str, Any]] = await sales.databases.read(
        "orchestrator", "SELECT body FROM outbox WHERE exchange = 'seat.hold.exchange'"
    )
    [message] = [m for row in rows if (m := Message.from_bytes(row["body"])).subject == str(order.order_id)]
    return message


async def release(exchange: aio_pika.abc.AbstractExchange, message: Message) -> None:
    """Publish the message as the broker does when a hold expires."""
    body = aio_pika.Message(message.to_bytes(), message_id=str(message.id))
    await exchange.publish(body, hold_queue_name(HOLD_TTL_SECONDS * 1000))


async def wait_until_handled(sales: TicketSales, message: Message) -> None:
    """Wait until the inventory has processed the message."""
    statement = "SELECT 1 FROM inbox WHERE message_id = $1"
    await eventually(lambda: sales.databases.read("inventory", statement, message.id))
