"""Everything that people do with tickets, all at once, while one process after the other is killed.

Afterwards everything is over, the books are right, and everybody was told the truth. ``CHAOS_SEED`` repeats a run, as
far as a run can be repeated: what is done and who is killed, in which order; not at which moment.
"""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from devstack.servers import Existing
from devstack.services import DATABASES
from devstack.stack import Stack
from tests.chaos.house import House, open_house
from tests.chaos.phoenix import phoenix_command
from tests.chaos.regular import HABITS, Regular
from tests.chaos.scene import ANSWER_SECONDS, Scene, Told, patiently
from tests.chaos.services import Service, all_up
from tests.chaos.shop import Shop
from tests.contracts.world import World
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

SEED = int(os.environ.get("CHAOS_SEED", "0")) or secrets.randbelow(1_000_000)
FANS = 10
FLAGGED_FANS = 2
FLAG = "UPDATE users SET is_flagged = true WHERE user_id = $1"
SEATS_OF_THE_SHOW, SEATS_OF_THE_LOST_SHOW = 200, 60
VICTIMS = ("orchestrator", "worker", "users", "orders", "inventory")
KILLS_OF_EACH = 3
# The broker goes after so many kills and comes back after some more; in between the event is called off.
BROKER_GOES, EVENT_IS_CALLED_OFF, BROKER_COMES = 4, 7, 10
DEEDS_BETWEEN_KILLS = 8
DEEDS_WITHIN_SECONDS = 30.0
UP_WITHIN_SECONDS = 30.0
OVER_WITHIN_SECONDS = 60.0
DEEDS = {*HABITS, "decide", "call an event off"}
UNFINISHED = "SELECT saga_id, kind, state, step, error FROM sagas WHERE state NOT IN ('COMPLETED', 'UNWOUND')"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory) -> Iterator[Stack]:
    """A platform with a broker of its own, whose processes rise when they are killed, and where nothing waits long."""
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "HOLD_TTL_SECONDS": "5",
        "TRANSFER_TTL_SECONDS": "8",
        "SALE_APPROVAL_TTL_SECONDS": "8",
        "SWEEP_SECONDS": "1",
        "SAGA_PATIENCE_SECONDS": "1",
        "SAGA_LEASE_MARGIN_SECONDS": "0.5",
        "RECOVER_INTERVAL_SECONDS": "0.2",
    }
    modules = {name: name for name in ("users", "orders", "events", "inventory", "orchestrator", "gateway")}
    modules["worker"] = "orchestrator.worker"
    with (
        tempfile.TemporaryDirectory(prefix="ticketremaster-chaos-") as folder,
        Stack(
            home=Path(folder),
            services=["sandbox", *modules],
            existing=Existing(databases={package: database_url(package) for package in DATABASES}),
            env=env,
            commands={name: phoenix_command(module) for name, module in modules.items()},
            migrate=False,
            throwaway=True,
            spawn=database_url.nursery.spawn,
        ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
async def house(stack: Stack) -> AsyncIterator[House]:
    async with open_house(stack) as house:
        yield house


@pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"CHAOS_SEED={seed}")
async def test_everybody_does_everything(stack: Stack, shop: Shop, house: House, seed: int) -> None:
    scene = await opened_scene(shop, house)
    regulars = [Regular(fan, scene, chance(seed, number)) for number, fan in enumerate(shop.fans)]
    async with asyncio.TaskGroup() as going_on:
        for regular in regulars:
            going_on.create_task(regular.live())
        async with asyncio.TaskGroup() as meanwhile:
            await kill_one_after_the_other(stack, scene, chance(seed, "kills"), meanwhile)
        await eventually(partial(every_deed_is_done, scene.told), within_seconds=DEEDS_WITHIN_SECONDS)
        scene.is_over = True
    await eventually(partial(nothing_is_open, shop.world), within_seconds=OVER_WITHIN_SECONDS)
    assert await scene.told.lies(shop.world) == []


def chance(*seed: object) -> Random:
    return Random(str(seed))  # noqa: S311 - repeatable on purpose


async def opened_scene(shop: Shop, house: House) -> Scene:
    for _ in range(FANS):
        await shop.new_fan()
    for fan in shop.fans[:FLAGGED_FANS]:
        await shop.world.change("users", FLAG, fan.user_id)
    concerts = [await house.new_concert(seats=seats) for seats in (SEATS_OF_THE_SHOW, SEATS_OF_THE_LOST_SHOW)]
    return Scene(house=house, concerts=concerts, fans={fan.user_id: fan for fan in shop.fans})


async def kill_one_after_the_other(stack: Stack, scene: Scene, order: Random, meanwhile: asyncio.TaskGroup) -> None:
    victims = [*VICTIMS] * KILLS_OF_EACH
    order.shuffle(victims)
    for number, name in enumerate(victims):
        if number == BROKER_GOES:
            await asyncio.to_thread(stack.rabbitmq.kill)
        elif number == EVENT_IS_CALLED_OFF:
            meanwhile.create_task(call_off(scene))
        elif number == BROKER_COMES:
            meanwhile.create_task(asyncio.to_thread(stack.rabbitmq.start))
        await more_deeds(scene.told)
        await Service(stack, name).kill()
        await eventually(partial(all_up, stack), within_seconds=UP_WITHIN_SECONDS)


async def call_off(scene: Scene) -> None:
    """Cancel the smaller concert, and see it through."""
    path = f"/api/admin/events/{scene.concerts[-1].event_id}/cancel"
    cancelled = await patiently(partial(scene.house.admin.post, path), give_up_after_seconds=ANSWER_SECONDS)
    assert cancelled.json()["data"]["state"] == "COMPLETED"
    scene.told.deeds["call an event off"] += 1


def every_deed_is_done(told: Told) -> bool:
    assert DEEDS - told.deeds.keys() == set(), told.deeds
    return True


async def more_deeds(told: Told) -> None:
    before = told.deeds.total()
    await eventually(lambda: told.deeds.total() >= before + DEEDS_BETWEEN_KILLS, within_seconds=DEEDS_WITHIN_SECONDS)


async def nothing_is_open(world: World) -> bool:
    """Whether every saga has ended, and every hold with it."""
    assert await world.read("orchestrator", UNFINISHED) == []
    assert await world.read("inventory", "SELECT seat_id FROM seats WHERE status = 'HELD'") == []
    return True
