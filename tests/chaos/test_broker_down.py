"""RabbitMQ down, hung, or refusing: seats are still held and sold, holds still expire, and every message is sent later."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import psutil
import pytest

import invariants
from common.messaging.message import Message
from devstack.servers import Existing
from devstack.services import DATABASES
from devstack.stack import Stack
from rabbitmq.topology import hold_queue_name, platform_topology
from tests.chaos.auto_restart import restarting_command
from tests.chaos.services import Service
from tests.chaos.ticket_sales import TicketSales
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

HOLD_TTL_SECONDS = 8  # long enough to buy on a busy machine
# A request that waited for the broker would take the whole publish timeout; a purchase takes less on any machine.
PUBLISH_TIMEOUT_SECONDS = 60
LONGEST_PURCHASE_SECONDS = 55


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory) -> Iterator[Stack]:
    """A platform with its own broker."""
    services = ("users", "orders", "events", "inventory", "orchestrator", "gateway")
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "HOLD_TTL_SECONDS": str(HOLD_TTL_SECONDS),
        "PUBLISH_TIMEOUT_SECONDS": str(PUBLISH_TIMEOUT_SECONDS),
    }
    with (
        tempfile.TemporaryDirectory(prefix="ticketremaster-chaos-") as folder,
        Stack(
            home=Path(folder),
            services=services,
            existing=Existing(databases={package: database_url(package) for package in DATABASES}),
            env=env,
            commands={"orchestrator": restarting_command("orchestrator")},
            migrate=False,
            throwaway=True,
            spawn=database_url.fork_server.spawn,
        ) as running,
    ):
        yield running


async def test_purchase_while_the_broker_hangs(stack: Stack, sales: TicketSales) -> None:
    """The broker accepts messages and confirms none."""
    broker = broker_process(stack)
    broker.suspend()
    try:
        await buy(sales)
    finally:
        broker.resume()


async def test_unroutable_hold_message_stays_in_the_outbox(stack: Stack, sales: TicketSales) -> None:
    """The broker returns the hold's message, which stays in the outbox until a queue takes it."""
    async with await aio_pika.connect(stack.urls.rabbitmq) as connection, connection.channel() as channel:
        await channel.queue_delete(hold_queue_name(HOLD_TTL_SECONDS * 1000))
        try:
            await buy(sales)
            await eventually(lambda: only_hold_is_unsent(sales))
        finally:
            await platform_topology(HOLD_TTL_SECONDS).declare(channel)


async def test_purchase_while_the_broker_is_down(stack: Stack, sales: TicketSales) -> None:
    """This holds even for an orchestrator that starts meanwhile."""
    async with broker_down(stack):
        await buy(sales)
        await Service(stack, "orchestrator").kill()
        await buy(sales)
        assert await unsent(sales) == ["order.confirmed", "order.confirmed", "seat.hold", "seat.hold"]


async def test_hold_expires_while_the_broker_is_down(stack: Stack, sales: TicketSales) -> None:
    """The sweeper frees the seats while the orchestrator is frozen; the orchestrator then ends the order, without a broker."""
    fan, orchestrator = await sales.new_fan(), Service(stack, "orchestrator")
    async with broker_down(stack):
        order = await sales.reserved(fan)
        held_until = await sales.held_until(order)
        async with orchestrator.frozen():
            freed_at = await sales.freed_at(order)
        assert freed_at >= held_until
        await sales.saga_ends(fan, "UNWOUND")
        await sales.assert_given_back(fan, order)
    await invariants.require(stack.urls)
    await sales.assert_given_back(fan, order)


@asynccontextmanager
async def broker_down(stack: Stack) -> AsyncIterator[None]:
    stack.rabbitmq.kill()
    try:
        yield
    finally:
        await asyncio.to_thread(stack.rabbitmq.start)


async def buy(sales: TicketSales) -> None:
    """Reserve and pay; neither waits for the broker."""
    fan = await sales.new_fan()
    async with asyncio.timeout(LONGEST_PURCHASE_SECONDS):
        await sales.assert_bought(fan, await sales.reserved(fan))


async def only_hold_is_unsent(sales: TicketSales) -> bool:
    return await unsent(sales) == ["seat.hold"]


async def unsent(sales: TicketSales) -> list[str]:
    """Return the types of the orchestrator's unsent messages."""
    rows = await sales.databases.read("orchestrator", "SELECT body FROM outbox WHERE sent_at IS NULL")
    return sorted(Message.from_bytes(row["body"]).type for row in rows)


def broker_process(stack: Stack) -> psutil.Process:
    [pid] = [process.pid for process in stack.rabbitmq.processes if process.name == "rabbitmq"]
    return psutil.Process(pid)
