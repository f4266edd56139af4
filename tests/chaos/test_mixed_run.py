"""Random actions of many fans, while the platform suffers one fault after the other, and some at once.

Afterwards every saga has ended, the invariants hold, and every response was true. ``CHAOS_SEED`` repeats a run's actions
and faults in their order, but not their timing. ``CHAOS_PLAN=long`` is `make chaos` with every fault (docs/testing.md).
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

import invariants
from devstack.stack import Stack
from tests.chaos.commissions import RandomEditor
from tests.chaos.digital_goods import RandomShopkeeper, RandomSupplier
from tests.chaos.faults import FaultInjector
from tests.chaos.faulty_platform import FaultyPlatform, faulty_platform
from tests.chaos.feed_follower import FeedFollower
from tests.chaos.mixed_run import ANSWER_SECONDS, Expectations, MixedRun, retry_until_final
from tests.chaos.offers import Offers
from tests.chaos.operators import Concert, Operators, log_in_operators
from tests.chaos.plan import Round, describe_plan, describe_round, long_plan, seeded_random, short_plan
from tests.chaos.random_fan import ACTIONS, RandomFan
from tests.chaos.random_performer import RandomPerformer
from tests.chaos.services import all_up
from tests.chaos.ticket_sales import TicketSales
from tests.contracts.databases import Databases
from tests.support.http_client import http_client
from tests.support.servers import TestServers
from tests.support.waiting import eventually

SEED = int(os.environ.get("CHAOS_SEED", "0")) or secrets.randbelow(1_000_000)
PLAN = os.environ.get("CHAOS_PLAN", "short")
PLANS: Final[dict[str, Callable[[int], list[Round]]]] = {"short": short_plan, "long": long_plan}
LONGEST_RUN_SECONDS = 900
FANS = 10
FLAGGED_FANS = 2
FOLLOWERS = 3
FLAG = "UPDATE users SET is_flagged = true WHERE user_id = $1"
SEATS_OF_EVENT = {"short": 200, "long": 900}
SEATS_OF_CANCELLED_EVENT = 60
ACTIONS_BETWEEN_ROUNDS = 8
SETTLE_WITHIN_SECONDS = 60.0
SETTLEMENTS = ("INSTANT", "BATCHED")
OPERATORS_ACTIONS = {"decide dispute", "cancel event", "cancel item", "complete item", "decline item"}
EDITORS_ACTIONS = {"approve text", "send-back text", "refund text"}
SUPPLIERS_ACTIONS = {"report delivered", "report ready", "report failed"}
EXPECTED_ACTIONS = {*ACTIONS, *OPERATORS_ACTIONS, *EDITORS_ACTIONS, *SUPPLIERS_ACTIONS, "refund goods"}
UNFINISHED = {
    "orchestrator": "SELECT saga_id, kind, state, step_name, error FROM sagas WHERE state NOT IN ('COMPLETED', 'UNWOUND')",
    "inventory": "SELECT seat_id FROM seats WHERE status = 'HELD'",
}
# A notice of the supplier is unmatched if its order ended before the reservation was stored.
OPEN_WEBHOOKS = """
    SELECT external_id, status, outcome FROM webhook_log
    WHERE status NOT IN ('processed', 'ignored') AND NOT (provider = 'kinguin' AND status = 'unmatched')
"""
# No request runs by then, so a backend that holds or awaits a table lock is stuck.
STUCK_BACKENDS = """
    SELECT a.pid, a.application_name, a.state, a.query FROM pg_stat_activity AS a
    WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
      AND (a.state <> 'idle' AND a.state_change < clock_timestamp() - interval '2 seconds'
           OR EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted))
"""


@pytest.fixture(scope="module")
async def platform(servers: TestServers) -> AsyncIterator[FaultyPlatform]:
    async with faulty_platform(servers.fork_server) as running:
        yield running


@pytest.fixture(scope="module")
def stack(platform: FaultyPlatform) -> Stack:
    return platform.stack


@pytest.fixture(scope="module")
async def operators(stack: Stack) -> AsyncIterator[Operators]:
    async with log_in_operators(stack) as operators:
        yield operators


@pytest.fixture
async def mixed_run(stack: Stack, sales: TicketSales, operators: Operators) -> AsyncIterator[MixedRun]:
    for _ in range(FANS):
        await sales.new_fan()
    for fan in sales.fans[:FLAGGED_FANS]:
        await sales.databases.change("users", FLAG, fan.user_id)
    fans = {fan.user_id: fan for fan in sales.fans}
    concerts = [await operators.new_concert(seats=seats) for seats in (SEATS_OF_EVENT[PLAN], SEATS_OF_CANCELLED_EVENT)]
    async with http_client(stack.urls.sandbox) as providers:
        yield MixedRun(
            operators=operators,
            providers=providers,
            concerts=concerts,
            fans=fans,
            offers=[await Offers.prepare(sales, settlement=settlement) for settlement in SETTLEMENTS],
        )


@pytest.mark.timeout(LONGEST_RUN_SECONDS)
@pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"CHAOS_SEED={seed}")
async def test_random_actions_survive_random_faults(
    platform: FaultyPlatform, sales: TicketSales, mixed_run: MixedRun, seed: int
) -> None:
    began, rounds = time.monotonic(), PLANS[PLAN](seed)
    print(f"\nCHAOS_SEED={seed} CHAOS_PLAN={PLAN}: {len(rounds)} rounds\n{describe_plan(rounds)}")  # noqa: T201
    injector = FaultInjector(platform.stack, platform.proxies, seeded_random(seed, "injector"))
    async with following_feeds(sales, platform.stack) as followers:
        async with asyncio.TaskGroup() as actors:
            for number, fan in enumerate(mixed_run.fans.values()):
                actors.create_task(RandomFan(fan, mixed_run, seeded_random(seed, number)).act_until_over())
            for number, offers in enumerate(mixed_run.offers):
                random = seeded_random(seed, "performer", number)
                actors.create_task(RandomPerformer(offers, mixed_run, random).act_until_over())
            actors.create_task(RandomEditor(mixed_run, seeded_random(seed, "editor")).act_until_over())
            actors.create_task(RandomSupplier(mixed_run, seeded_random(seed, "supplier")).act_until_over())
            actors.create_task(RandomShopkeeper(mixed_run, seeded_random(seed, "shopkeeper")).act_until_over())
            async with asyncio.TaskGroup() as background:
                await inject_all(
                    rounds, injector=injector, stack=platform.stack, mixed_run=mixed_run, background=background
                )
            await eventually(partial(every_action_was_done, mixed_run.expectations))
            mixed_run.is_over = True
        idle_since = time.monotonic()
        await eventually(partial(is_settled, sales.databases, mixed_run.expectations))
        await invariants.require(
            platform.stack.urls, settle_seconds=idle_since + SETTLE_WITHIN_SECONDS - time.monotonic()
        )
        for follower in followers:
            await eventually(partial(follower.has_received_all, sales.databases))
    summary = report(
        mixed_run.expectations, injector, followers, took=idle_since - began, idle=time.monotonic() - idle_since
    )
    print(summary)  # noqa: T201
    assert await stuck_backends(platform.stack) == []


@asynccontextmanager
async def following_feeds(sales: TicketSales, stack: Stack) -> AsyncIterator[list[FeedFollower]]:
    """Let some fans' clients follow their feeds."""
    followers = [FeedFollower(fan, stack.urls.gateway) for fan in sales.fans[:FOLLOWERS]]
    tasks = [asyncio.create_task(follower.follow()) for follower in followers]
    try:
        yield followers
        assert not any(task.done() for task in tasks), [task.exception() for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def inject_all(
    rounds: Sequence[Round],
    *,
    injector: FaultInjector,
    stack: Stack,
    mixed_run: MixedRun,
    background: asyncio.TaskGroup,
) -> None:
    began = time.monotonic()
    for number, faults in enumerate(rounds, start=1):
        if number == len(rounds) // 2:
            background.create_task(cancel_event(mixed_run))
        await wait_for_more_actions(mixed_run.expectations)
        print(f"{time.monotonic() - began:5.0f} s  {number:>3}. {describe_round(faults)}", flush=True)  # noqa: T201
        await asyncio.gather(*map(injector.inject, faults))
        await eventually(partial(all_up, stack))


async def cancel_event(mixed_run: MixedRun) -> None:
    """Cancel the smaller event, and dismiss its disputes until the cancellation completes."""
    concert, admin = mixed_run.concerts[-1], mixed_run.operators.admin

    async def request() -> httpx.Response:
        await dismiss_disputes(mixed_run, concert)
        return await admin.post(f"/api/admin/events/{concert.event_id}/cancel")

    cancelled = await retry_until_final(request, unavailable_after_seconds=ANSWER_SECONDS)
    assert cancelled.json()["data"]["state"] == "COMPLETED"
    mixed_run.expectations.completed["cancel event"] += 1


async def dismiss_disputes(mixed_run: MixedRun, concert: Concert) -> None:
    admin = mixed_run.operators.admin
    disputed = await admin.get("/api/admin/transfers", status="DISPUTED", per_page="100")
    for transfer in disputed.json()["data"] if disputed.is_success else ():
        if transfer["event_id"] == str(concert.event_id):
            transfer_id = uuid.UUID(transfer["transfer_id"])
            mixed_run.expectations.statuses["transfer", transfer_id] = {"COMPLETED", "DISPUTED", "REVERSED"}
            await admin.decide(transfer_id, for_seller=False, key=mixed_run.new_key("let stand"))


def every_action_was_done(expectations: Expectations) -> bool:
    succeeded = +expectations.completed  # without those that were only tried
    assert EXPECTED_ACTIONS - succeeded.keys() == set(), expectations.completed
    return True


async def wait_for_more_actions(expectations: Expectations) -> None:
    before = expectations.completed.total()
    await eventually(lambda: expectations.completed.total() >= before + ACTIONS_BETWEEN_ROUNDS)


async def is_settled(databases: Databases, expectations: Expectations) -> bool:
    """Check that every saga, hold and webhook has ended, and that every response was true."""
    for package, statement in UNFINISHED.items():
        assert await databases.read(package, statement) == []
    assert await databases.read("orchestrator", OPEN_WEBHOOKS) == []
    assert await expectations.mismatches(databases) == []
    return True


async def stuck_backends(stack: Stack) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.postgres_url)
    try:
        return list(await connection.fetch(STUCK_BACKENDS))
    finally:
        await connection.close()


def report(
    expectations: Expectations, injector: FaultInjector, followers: Sequence[FeedFollower], *, took: float, idle: float
) -> str:
    """Return a summary of the run."""
    completed = ", ".join(f"{count} x {action}" for action, count in sorted(expectations.completed.items()))
    injected = ", ".join(f"{count} x {kind}" for kind, count in sorted(injector.injected.items()))
    received = sum(len(follower.received) for follower in followers)
    connections = sum(follower.connections for follower in followers)
    return (
        f"{took:.0f} s of faults, idle {idle:.1f} s later\n"
        f"faults: {injected}\nactions: {completed}\nadmitted: {expectations.admissions.total()}; "
        f"{received} feed entries received over {connections} connections"
    )
