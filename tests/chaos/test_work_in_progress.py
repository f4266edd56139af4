"""What a process has in hand when it is ended, killed or frozen: it finishes that itself, or somebody else does."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import pytest

from devstack.stack import Stack
from tests.chaos.crash_orchestrator import Doom
from tests.chaos.crashable_platform import mortal_platform
from tests.chaos.fans import Fan, answered
from tests.chaos.services import Service, all_up
from tests.chaos.ticket_sales import Order, Shop
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

# The payments wait while the test finds out that they do: that may take seconds on a busy machine, and none of them
# may be given up meanwhile, by whoever waits for it.
PATIENT: Final = {
    "SAGA_STEP_TIMEOUT_SECONDS": "10",
    "REQUEST_BUDGET_SECONDS": "14",
    "LOCK_TIMEOUT_SECONDS": "20",
    "STATEMENT_TIMEOUT_SECONDS": "20",
}
STAYS_SECONDS: Final = 0.4  # more than a server lives that waits for nobody


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, doom: Doom) -> Iterator[Stack]:
    with mortal_platform(database_url=database_url, vhost=vhost, doom=doom, own_env=PATIENT) as running:
        yield running


class TestEndedUnderLoad:
    """SIGTERM, as at each new version: what a process has in hand it finishes, and nobody hears of it."""

    # Who is ended, and whose work its requests wait for at that moment.
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
    async def test_requests_in_hand_are_answered(self, *, stack: Stack, shop: Shop, name: str, waits_for: str) -> None:
        payments = [await shop.fan_with_order() for _ in range(5)]
        async with shop.world.standstill(waits_for) as is_waited_for:
            answers = [asyncio.create_task(fan.pay(order.order_id)) for fan, order in payments]
            await eventually(partial(shop.all_charging, payments))
            await eventually(is_waited_for)
            ending = asyncio.create_task(Service(stack, name).end())
            await eventually(lambda: not is_open(stack, name))
            ended, _ = await asyncio.wait([ending], timeout=STAYS_SECONDS)
            assert not ended
        await ending
        told = await asyncio.gather(*answers, return_exceptions=True)
        assert [getattr(answer, "status_code", answer) for answer in told] == [200] * len(payments)
        await eventually(lambda: all_up(stack))
        for fan, order in payments:
            await shop.assert_bought(fan, order)


class TestKilled:
    async def test_gateway_killed_before_the_answer(self, stack: Stack, shop: Shop) -> None:
        fan, order = await shop.fan_with_order()
        async with shop.world.standstill("users") as is_waited_for:
            payment = asyncio.create_task(answered(lambda: fan.pay(order.order_id)))
            await eventually(is_waited_for)
            await Service(stack, "gateway").kill()
        await payment
        await shop.assert_bought(fan, order)


class TestTwoOrchestrators:
    """Side by side, with nothing in common but the saga log."""

    async def test_what_a_killed_one_had_in_hand_is_finished_by_the_other(self, stack: Stack, shop: Shop) -> None:
        async with AsyncExitStack() as until_later:
            async with payments_under_way(shop) as payments:
                await until_later.enter_async_context(Service(stack, "orchestrator").down())
            await shop.end_leases()
            for fan, order in payments:
                paid = await answered(partial(fan.pay, order.order_id, at=stack.urls.worker))
                assert paid.json()["data"]["status"] == "CONFIRMED"
        for fan, order in payments:
            await shop.assert_bought(fan, order)

    async def test_one_that_slept_through_its_lease_changes_nothing(self, stack: Stack, shop: Shop) -> None:
        async with AsyncExitStack() as until_later:
            async with payments_under_way(shop) as payments:
                await until_later.enter_async_context(Service(stack, "orchestrator").frozen())
            await shop.end_leases()
            for fan, _ in payments:
                await shop.saga_ends(fan, "COMPLETED")
        for fan, order in payments:
            await shop.assert_bought(fan, order)


def is_open(stack: Stack, name: str) -> bool:
    """Whether a process lets anybody new in."""
    url = urlsplit(f"grpc://{stack.urls.inventory_address}" if name == "inventory" else getattr(stack.urls, name))
    with socket.socket() as somebody:
        return somebody.connect_ex((url.hostname, url.port)) == 0


@asynccontextmanager
async def payments_under_way(shop: Shop) -> AsyncIterator[list[tuple[Fan, Order]]]:
    """Several payments, sent through the gateway to the first orchestrator, whose charges wait for the database."""
    payments = [await shop.fan_with_order() for _ in range(5)]
    async with shop.world.standstill("users") as is_waited_for:
        tries = [asyncio.create_task(fan.pay(order.order_id)) for fan, order in payments]
        await eventually(lambda: shop.all_charging(payments))
        await eventually(is_waited_for)
        yield payments
    for attempt in tries:
        attempt.cancel()
