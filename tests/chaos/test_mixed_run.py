"""Everything that people do, all at once, while one fault after the other strikes the platform, and some together.

Afterwards everything is over, the books are right, and everybody was told the truth. ``CHAOS_SEED`` repeats a run, as
far as a run can be repeated: what is done and what goes wrong, in which order; not at which moment. ``CHAOS_PLAN=long``
is `make chaos`: every fault there is (docs/testing.md).
"""

import asyncio
import os
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import asyncpg
import httpx
import pytest

from devstack import invariants
from devstack.stack import Stack
from tests.chaos.faults import Troubles
from tests.chaos.faulty_platform import ShakenPlatform, shaken_platform
from tests.chaos.house import Concert, House, open_house
from tests.chaos.listener import Listener
from tests.chaos.plan import Round, chance, described, long_plan, short_plan, written_down
from tests.chaos.regular import HABITS, Regular
from tests.chaos.scene import ANSWER_SECONDS, Scene, Told, patiently
from tests.chaos.services import all_up
from tests.chaos.shop import Shop
from tests.contracts.world import World
from tests.support.servers import TestServers
from tests.support.waiting import eventually

SEED = int(os.environ.get("CHAOS_SEED", "0")) or secrets.randbelow(1_000_000)
PLAN = os.environ.get("CHAOS_PLAN", "short")
PLANS: Final[dict[str, Callable[[int], list[Round]]]] = {"short": short_plan, "long": long_plan}
LONGEST_RUN_SECONDS = 900
FANS = 10
FLAGGED_FANS = 2
LISTENERS = 3
FLAG = "UPDATE users SET is_flagged = true WHERE user_id = $1"
SEATS_OF_THE_SHOW = {"short": 200, "long": 900}
SEATS_OF_THE_LOST_SHOW = 60
DEEDS_BETWEEN_ROUNDS = 8
DEEDS_WITHIN_SECONDS = 30.0
UP_WITHIN_SECONDS = 30.0
OVER_WITHIN_SECONDS = 60.0
DEEDS = {*HABITS, "decide", "call an event off"}
UNFINISHED = {
    "orchestrator": "SELECT saga_id, kind, state, step_name, error FROM sagas WHERE state NOT IN ('COMPLETED', 'UNWOUND')",
    "inventory": "SELECT seat_id FROM seats WHERE status = 'HELD'",
}
OPEN_WEBHOOKS = "SELECT external_id, status, outcome FROM webhook_log WHERE status NOT IN ('processed', 'ignored')"
# Nobody asks for anything by then, so whoever holds or awaits a lock on a table has forgotten it.
FORGOTTEN = """
    SELECT a.pid, a.application_name, a.state, a.query FROM pg_stat_activity AS a
    WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
      AND (a.state <> 'idle' AND a.state_change < clock_timestamp() - interval '2 seconds'
           OR EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted))
"""


@pytest.fixture(scope="module")
async def platform(servers: TestServers) -> AsyncIterator[ShakenPlatform]:
    async with shaken_platform(servers.fork_server) as running:
        yield running


@pytest.fixture(scope="module")
def stack(platform: ShakenPlatform) -> Stack:
    return platform.stack


@pytest.fixture(scope="module")
async def house(stack: Stack) -> AsyncIterator[House]:
    async with open_house(stack) as house:
        yield house


@pytest.fixture
async def scene(stack: Stack, shop: Shop, house: House) -> AsyncIterator[Scene]:
    for _ in range(FANS):
        await shop.new_fan()
    for fan in shop.fans[:FLAGGED_FANS]:
        await shop.world.change("users", FLAG, fan.user_id)
    concerts = [await house.new_concert(seats=seats) for seats in (SEATS_OF_THE_SHOW[PLAN], SEATS_OF_THE_LOST_SHOW)]
    once_each = httpx.Limits(max_keepalive_connections=0)  # else one may be closed just when it is used again
    async with httpx.AsyncClient(
        base_url=stack.urls.sandbox, timeout=60, limits=once_each, trust_env=False
    ) as providers:
        yield Scene(house=house, providers=providers, concerts=concerts, fans={fan.user_id: fan for fan in shop.fans})


@pytest.mark.timeout(LONGEST_RUN_SECONDS)
@pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"CHAOS_SEED={seed}")
async def test_everybody_does_everything(platform: ShakenPlatform, shop: Shop, scene: Scene, seed: int) -> None:
    began, rounds = time.monotonic(), PLANS[PLAN](seed)
    print(f"\nCHAOS_SEED={seed} CHAOS_PLAN={PLAN}: {len(rounds)} rounds\n{written_down(rounds)}")  # noqa: T201
    troubles = Troubles(platform.stack, platform.lines, chance(seed, "troubles"))
    async with listening(shop, platform.stack) as listeners:
        async with asyncio.TaskGroup() as going_on:
            for number, fan in enumerate(shop.fans):
                going_on.create_task(Regular(fan, scene, chance(seed, number)).live())
            async with asyncio.TaskGroup() as meanwhile:
                await through_all(rounds, troubles=troubles, stack=platform.stack, scene=scene, meanwhile=meanwhile)
            await eventually(partial(every_deed_is_done, scene.told), within_seconds=DEEDS_WITHIN_SECONDS)
            scene.is_over = True
        calm_since = time.monotonic()
        await eventually(partial(all_is_over, shop.world, scene.told), within_seconds=OVER_WITHIN_SECONDS)
        await invariants.require(
            platform.stack.urls, settle_seconds=calm_since + OVER_WITHIN_SECONDS - time.monotonic()
        )
        for listener in listeners:
            await eventually(partial(listener.has_heard_all, shop.world))
    print(report(scene.told, troubles, listeners, took=calm_since - began, calm=time.monotonic() - calm_since))  # noqa: T201
    assert await forgotten(platform.stack) == []


@asynccontextmanager
async def listening(shop: Shop, stack: Stack) -> AsyncIterator[list[Listener]]:
    """Let some fans' phones follow their feeds."""
    listeners = [Listener(fan, stack.urls.gateway) for fan in shop.fans[:LISTENERS]]
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    try:
        yield listeners
        assert not any(task.done() for task in tasks), [task.exception() for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def through_all(
    rounds: Sequence[Round], *, troubles: Troubles, stack: Stack, scene: Scene, meanwhile: asyncio.TaskGroup
) -> None:
    began = time.monotonic()
    for number, faults in enumerate(rounds, start=1):
        if number == len(rounds) // 2:
            meanwhile.create_task(call_off(scene))
        await more_deeds(scene.told)
        print(f"{time.monotonic() - began:5.0f} s  {number:>3}. {described(faults)}", flush=True)  # noqa: T201
        await asyncio.gather(*map(troubles.strike, faults))
        await eventually(partial(all_up, stack), within_seconds=UP_WITHIN_SECONDS)


async def call_off(scene: Scene) -> None:
    """Cancel the smaller concert, and see it through: what somebody left disputed there is decided."""
    concert, admin = scene.concerts[-1], scene.house.admin

    async def ask() -> httpx.Response:
        await let_disputed_transfers_stand(scene, concert)
        return await admin.post(f"/api/admin/events/{concert.event_id}/cancel")

    cancelled = await patiently(ask, give_up_after_seconds=ANSWER_SECONDS)
    assert cancelled.json()["data"]["state"] == "COMPLETED"
    scene.told.deeds["call an event off"] += 1


async def let_disputed_transfers_stand(scene: Scene, concert: Concert) -> None:
    admin = scene.house.admin
    disputed = await admin.get("/api/admin/transfers", status="DISPUTED", per_page="100")
    for transfer in disputed.json()["data"] if disputed.is_success else ():
        if transfer["event_id"] == str(concert.event_id):
            transfer_id = uuid.UUID(transfer["transfer_id"])
            scene.told.statuses["transfer", transfer_id] = {"COMPLETED", "DISPUTED", "REVERSED"}
            await admin.decide(transfer_id, for_seller=False, key=scene.new_key("let stand"))


def every_deed_is_done(told: Told) -> bool:
    assert DEEDS - told.deeds.keys() == set(), told.deeds
    return True


async def more_deeds(told: Told) -> None:
    before = told.deeds.total()
    await eventually(lambda: told.deeds.total() >= before + DEEDS_BETWEEN_ROUNDS, within_seconds=DEEDS_WITHIN_SECONDS)


async def all_is_over(world: World, told: Told) -> bool:
    """Whether every saga has ended, every hold with it, and every webhook is dealt with; then nobody was lied to."""
    for package, statement in UNFINISHED.items():
        assert await world.read(package, statement) == []
    assert await world.read("orchestrator", OPEN_WEBHOOKS) == []
    assert await told.lies(world) == []
    return True


async def forgotten(stack: Stack) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.postgres_url)
    try:
        return list(await connection.fetch(FORGOTTEN))
    finally:
        await connection.close()


def report(told: Told, troubles: Troubles, listeners: Sequence[Listener], *, took: float, calm: float) -> str:
    """Return what happened, for people."""
    deeds = ", ".join(f"{count} x {deed}" for deed, count in sorted(told.deeds.items()))
    struck = ", ".join(f"{count} x {kind}" for kind, count in sorted(troubles.struck.items()))
    heard = sum(len(listener.heard) for listener in listeners)
    connections = sum(listener.connections for listener in listeners)
    return (
        f"{took:.0f} s of trouble, all over {calm:.1f} s later\n"
        f"faults: {struck}\ndeeds: {deeds}\nadmitted: {told.admissions.total()}; "
        f"{heard} entries of feeds heard over {connections} connections"
    )
