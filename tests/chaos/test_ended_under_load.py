"""SIGTERM, as at each new version: what a process has in hand it finishes, and nobody hears of it."""

import asyncio
import socket
from collections.abc import Iterator
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import pytest

from devstack.stack import Stack
from tests.chaos.doomed_orchestrator import Doom
from tests.chaos.mortal_platform import mortal_platform
from tests.chaos.services import Service, all_up
from tests.chaos.shop import Shop
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

# The payments wait while the test finds out that they do: that may take seconds on a busy machine, and none of them
# may be given up meanwhile, by whoever waits for it.
PATIENT: Final = {
    "SAGA_PATIENCE_SECONDS": "10",
    "REQUEST_BUDGET_SECONDS": "14",
    "LOCK_TIMEOUT_SECONDS": "20",
    "STATEMENT_TIMEOUT_SECONDS": "20",
}
UP_WITHIN_SECONDS: Final = 30.0
STAYS_SECONDS: Final = 0.4  # more than a server lives that waits for nobody


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, doom: Doom) -> Iterator[Stack]:
    with mortal_platform(database_url=database_url, vhost=vhost, doom=doom, own_env=PATIENT) as running:
        yield running


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
async def test_requests_in_hand_are_answered(*, stack: Stack, shop: Shop, name: str, waits_for: str) -> None:
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
    await eventually(lambda: all_up(stack), within_seconds=UP_WITHIN_SECONDS)
    for fan, order in payments:
        await shop.assert_bought(fan, order)


def is_open(stack: Stack, name: str) -> bool:
    """Whether a process lets anybody new in."""
    url = urlsplit(f"grpc://{stack.urls.inventory_address}" if name == "inventory" else getattr(stack.urls, name))
    with socket.socket() as somebody:
        return somebody.connect_ex((url.hostname, url.port)) == 0
