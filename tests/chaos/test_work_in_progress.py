"""Work in progress when a process is terminated, killed or frozen: the process finishes it, or another one does."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import pytest

from devstack.stack import Stack
from tests.chaos.crash_orchestrator import CrashPoint
from tests.chaos.crashable_platform import crashable_platform
from tests.chaos.fans import Fan, answered
from tests.chaos.services import Service, all_up
from tests.chaos.ticket_sales import Order, TicketSales
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

# Payments are blocked while the test observes them. That may take seconds on a busy machine, and no caller may time out
# meanwhile.
LONG_TIMEOUTS: Final = {
    "SAGA_STEP_TIMEOUT_SECONDS": "10",
    "REQUEST_BUDGET_SECONDS": "14",
    "LOCK_TIMEOUT_SECONDS": "20",
    "STATEMENT_TIMEOUT_SECONDS": "20",
}
STAYS_UP_SECONDS: Final = 0.4  # longer than an idle server takes to shut down


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, crash_point: CrashPoint) -> Iterator[Stack]:
    with crashable_platform(
        database_url=database_url, vhost=vhost, crash_point=crash_point, own_env=LONG_TIMEOUTS
    ) as running:
        yield running


class TestTerminatedUnderLoad:
    """SIGTERM, as on a deployment: a process finishes its requests, and no caller notices."""

    # The process that is terminated, and the service whose work its requests wait for.
    @pytest.mark.parametrize(
        ("name", "waits_for"),
        [
            ("gateway", "users"),
            ("orchestrator", "users"),
            ("users", "users"),
            ("inventory", "inventory"),
            ("orders", "orders"),
        ],
    )
    async def test_requests_in_progress_are_answered(
        self, *, stack: Stack, sales: TicketSales, name: str, waits_for: str
    ) -> None:
        payments = [await sales.fan_with_order() for _ in range(5)]
        async with sales.databases.writes_blocked(waits_for) as is_blocked:
            answers = [asyncio.create_task(fan.pay(order.order_id)) for fan, order in payments]
            await eventually(partial(sales.all_charging, payments))
            await eventually(is_blocked)
            ending = asyncio.create_task(Service(stack, name).terminate())
            await eventually(lambda: not is_open(stack, name))
            ended, _ = await asyncio.wait([ending], timeout=STAYS_UP_SECONDS)
            assert not ended
        await ending
        responses = await asyncio.gather(*answers, return_exceptions=True)
        assert [getattr(answer, "status_code", answer) for answer in responses] == [200] * len(payments)
        await eventually(lambda: all_up(stack))
        for fan, order in payments:
            await sales.assert_bought(fan, order)


class TestKilled:
    async def test_gateway_killed_before_the_response(self, stack: Stack, sales: TicketSales) -> None:
        fan, order = await sales.fan_with_order()
        async with sales.databases.writes_blocked("users") as is_blocked:
            payment = asyncio.create_task(answered(lambda: fan.pay(order.order_id)))
            await eventually(is_blocked)
            await Service(stack, "gateway").kill()
        await payment
        await sales.assert_bought(fan, order)


class TestTwoOrchestrators:
    """Two orchestrators that share only the saga log."""

    async def test_other_orchestrator_finishes_the_sagas_of_a_killed_one(
        self, stack: Stack, sales: TicketSales
    ) -> None:
        async with AsyncExitStack() as later:
            async with payments_under_way(sales) as payments:
                await later.enter_async_context(Service(stack, "orchestrator").down())
            await sales.end_leases()
            for fan, order in payments:
                paid = await answered(partial(fan.pay, order.order_id, at=stack.urls.worker))
                assert paid.json()["data"]["status"] == "CONFIRMED"
        for fan, order in payments:
            await sales.assert_bought(fan, order)

    async def test_frozen_orchestrator_changes_nothing_after_its_lease(self, stack: Stack, sales: TicketSales) -> None:
        async with AsyncExitStack() as later:
            async with payments_under_way(sales) as payments:
                await later.enter_async_context(Service(stack, "orchestrator").frozen())
            await sales.end_leases()
            for fan, _ in payments:
                await sales.saga_ends(fan, "COMPLETED")
        for fan, order in payments:
            await sales.assert_bought(fan, order)


def is_open(stack: Stack, name: str) -> bool:
    """Return whether a process accepts new connections."""
    url = urlsplit(f"grpc://{stack.urls.inventory_address}" if name == "inventory" else getattr(stack.urls, name))
    with socket.socket() as probe:
        return probe.connect_ex((url.hostname, url.port)) == 0


@asynccontextmanager
async def payments_under_way(sales: TicketSales) -> AsyncIterator[list[tuple[Fan, Order]]]:
    """Send several payments through the gateway to the first orchestrator, and block their charges in the database."""
    payments = [await sales.fan_with_order() for _ in range(5)]
    async with sales.databases.writes_blocked("users") as is_blocked:
        tries = [asyncio.create_task(fan.pay(order.order_id)) for fan, order in payments]
        await eventually(lambda: sales.all_charging(payments))
        await eventually(is_blocked)
        yield payments
    for attempt in tries:
        attempt.cancel()
