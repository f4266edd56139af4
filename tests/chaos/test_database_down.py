"""PostgreSQL stopped, and killed, under load: everything comes to its end, and nobody keeps a lock."""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from devstack.postgres import EmbeddedPostgres
from devstack.servers import Existing
from devstack.stack import Stack
from tests.chaos.fans import Fan
from tests.chaos.shop import Shop
from tests.support.servers import TestServers, Vhost
from tests.support.waiting import eventually

FANS = 8
SERVICES = ("users", "orders", "events", "inventory", "orchestrator", "worker", "gateway")
HOLD_TTL_SECONDS = 5
TERMINAL_WITHIN_SECONDS = 60.0
PURCHASES = 10
# After a failure they wait a moment, as people do; the hall has but 500 seats.
PATIENCE_OF_FANS_SECONDS = 0.5
UNFINISHED = "SELECT 1 FROM sagas WHERE state NOT IN ('COMPLETED', 'UNWOUND')"
# Nobody asks for anything by then, so whoever holds or awaits a lock on a table has forgotten it.
FORGOTTEN = """
    SELECT a.pid, a.application_name, a.state, a.query FROM pg_stat_activity AS a
    WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
      AND (a.state <> 'idle' AND a.state_change < clock_timestamp() - interval '2 seconds'
           OR EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted))
"""


@pytest.fixture(scope="module")
def stack(servers: TestServers, vhost: Vhost) -> Iterator[Stack]:
    """A platform with a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="ticketremaster-chaos-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # root runs PostgreSQL as another user, who must get through
        env = {
            "LOG_LEVEL": "WARNING",
            "RATE_LIMIT_PER_MINUTE": "0",
            "SAGA_PATIENCE_SECONDS": "2",
            "HOLD_TTL_SECONDS": str(HOLD_TTL_SECONDS),
            "SWEEP_SECONDS": "1",
        }
        existing = Existing(rabbitmq_url=vhost.url, rabbitmq_management_url=vhost.management.url)
        with Stack(
            home=home, services=SERVICES, existing=existing, env=env, throwaway=True, spawn=servers.nursery.spawn
        ) as running:
            yield running


@pytest.mark.parametrize("end", [EmbeddedPostgres.stop, EmbeddedPostgres.kill], ids=["stopped", "killed"])
async def test_everything_ends_after_an_outage(
    stack: Stack, shop: Shop, end: Callable[[EmbeddedPostgres], None]
) -> None:
    async with crowd_in(shop) as crowd:
        await eventually(lambda: crowd.purchases >= PURCHASES, within_seconds=30)
        await asyncio.to_thread(end, stack.postgres)
        await eventually(lambda: crowd.failures >= FANS)
        await asyncio.to_thread(stack.postgres.start)
        bought = crowd.purchases
        await eventually(lambda: crowd.purchases >= bought + PURCHASES, within_seconds=30)
    await eventually(lambda: all_is_over(shop), within_seconds=TERMINAL_WITHIN_SECONDS)
    assert await forgotten(stack) == []


class Crowd:
    """Fans who reserve and pay, one purchase after the other, and take every answer as it comes."""

    def __init__(self, shop: Shop) -> None:
        self.purchases = 0
        self.failures = 0
        self.is_leaving = False
        self._shop = shop

    async def go_shopping(self, fan: Fan) -> None:
        while not self.is_leaving:
            if await self._buy(fan):
                self.purchases += 1
            else:
                self.failures += 1
                await asyncio.sleep(PATIENCE_OF_FANS_SECONDS)

    async def _buy(self, fan: Fan) -> bool:
        [seat_id] = self._shop.some_seats(1)
        held = await fan.reserve(self._shop.event_id, [seat_id], key=f"reserve-{seat_id}")
        if held.status_code != httpx.codes.OK:
            return False
        order_id = uuid.UUID(held.json()["data"]["order_id"])
        return (await fan.pay(order_id, key=f"pay-{seat_id}")).status_code == httpx.codes.OK


@asynccontextmanager
async def crowd_in(shop: Shop) -> AsyncIterator[Crowd]:
    """Let fans shop; at the end they finish what they are at."""
    crowd = Crowd(shop)
    fans = [await shop.new_fan() for _ in range(FANS)]
    async with asyncio.TaskGroup() as shopping:
        for fan in fans:
            shopping.create_task(crowd.go_shopping(fan))
        yield crowd
        crowd.is_leaving = True


async def all_is_over(shop: Shop) -> bool:
    """Whether every saga has ended, and every hold with it."""
    unfinished = await shop.world.read("orchestrator", UNFINISHED)
    held = await shop.world.read("inventory", "SELECT 1 FROM seats WHERE status = 'HELD'")
    return not unfinished and not held


async def forgotten(stack: Stack) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.postgres_url)
    try:
        return list(await connection.fetch(FORGOTTEN))
    finally:
        await connection.close()
