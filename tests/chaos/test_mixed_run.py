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
from tests.chaos.faults import FaultInjector
from tests.chaos.faulty_platform import FaultyPlatform, faulty_platform
from tests.chaos.feed_follower import FeedFollower
from tests.chaos.mixed_run import ANSWER_SECONDS, Expectations, MixedRun, retry_until_final
from tests.chaos.operators import Concert, Operators, log_in_operators
from tests.chaos.plan import Round, describe_plan, describe_round, long_plan, seeded_random, short_plan
from tests.chaos.random_fan import ACTIONS, RandomFan
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
SEATS_OF_THE_SHOW = {"short": 200, "long": 900}
SEATS_OF_THE_LOST_SHOW = 60
ACTIONS_BETWEEN_ROUNDS = 8
OVER_WITHIN_SECONDS = 60.0
EXPECTED_ACTIONS = {*ACTIONS, "decide", "call an event off"}
UNFINISHED = {
    "orchestrator": "SELECT saga_id, kind, state, step, error FROM sagas WHERE state NOT IN ('COMPLETED', 'UNWOUND')",
    "inventory": "SELECT seat_id FROM seats WHERE status = 'HELD'",
}
OPEN_WEBHOOKS = "SELECT external_id, status, outcome FROM webhook_log WHERE status NOT IN ('processed', 'ignored')"
# Nobody asks for anything by then, so whoever holds or awaits a lock on a table has forgotten it.
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
    concerts = [await operators.new_concert(seats=seats) for seats in (SEATS_OF_THE_SHOW[PLAN], SEATS_OF_THE_LOST_SHOW)]
    async with http_client(stack.urls.sandbox) as providers:
        yield MixedRun(
            operators=operators, providers=providers, concerts=concerts, fans={fan.user_id: fan for fan in sales.fans}
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
        async with asyncio.TaskGroup() as going_on:
            for number, fan in enumerate(sales.fans):
                going_on.create_task(RandomFan(fan, mixed_run, seeded_random(seed, number)).act_until_over())
            async with asyncio.TaskGroup() as meanwhile:
                await inject_all(
                    rounds, injector=injector, stack=platform.stack, mixed_run=mixed_run, meanwhile=meanwhile
                )
            await eventually(partial(every_action_was_done, mixed_run.expectations))
            mixed_run.is_over = True
        calm_since = time.monotonic()
        await eventually(partial(is_settled, sales.databases, mixed_run.expectations))
        await invariants.require(
            platform.stack.urls, settle_seconds=calm_since + OVER_WITHIN_SECONDS - time.monotonic()
        )
        for follower in followers:
            await eventually(partial(follower.has_received_all, sales.databases))
    summary = report(
        mixed_run.expectations, injector, followers, took=calm_since - began, calm=time.monotonic() - calm_since
    )
    print(summary)  # noqa: T201
    assert await stuck_backends(platform.stack) == []


@asynccontextmanager
async def following_feeds(sales: TicketSales, stack: Stack) -> AsyncIterator[list[FeedFollower]]:
    """Let some fans' phones follow their feeds."""
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
    rounds: Sequence[Round], *, injector: FaultInjector, stack: Stack, mixed_run: MixedRun, meanwhile: asyncio.TaskGroup
) -> None:
    began = time.monotonic()
    for number, faults in enumerate(rounds, start=1):
        if number == len(rounds) // 2:
            meanwhile.create_task(cancel_event(mixed_run))
        await wait_for_more_actions(mixed_run.expectations)
        print(f"{time.monotonic() - began:5.0f} s  {number:>3}. {describe_round(faults)}", flush=True)  # noqa: T201
        await asyncio.gather(*map(injector.inject, faults))
        await eventually(partial(all_up, stack))


async def cancel_event(mixed_run: MixedRun) -> None:
    """Cancel the smaller concert, and see it through: what somebody left disputed there is decided."""
    concert, admin = mixed_run.concerts[-1], mixed_run.operators.admin

    async def request() -> httpx.Response:
        await dismiss_disputes(mixed_run, concert)
        return await admin.post(f"/api/admin/events/{concert.event_id}/cancel")

    cancelled = await retry_until_final(request, unavailable_after_seconds=ANSWER_SECONDS)
    assert cancelled.json()["data"]["state"] == "COMPLETED"
    mixed_run.expectations.completed["call an event off"] += 1


async def dismiss_disputes(mixed_run: MixedRun, concert: Concert) -> None:
    admin = mixed_run.operators.admin
    disputed = await admin.get("/api/admin/transfers", status="DISPUTED", per_page="100")
    for transfer in disputed.json()["data"] if disputed.is_success else ():
        if transfer["event_id"] == str(concert.event_id):
            transfer_id = uuid.UUID(transfer["transfer_id"])
            mixed_run.expectations.statuses["transfer", transfer_id] = {"COMPLETED", "DISPUTED", "REVERSED"}
            await admin.decide(transfer_id, for_seller=False, key=mixed_run.new_key("let stand"))


def every_action_was_done(expectations: Expectations) -> bool:
    assert EXPECTED_ACTIONS - expectations.completed.keys() == set(), expectations.completed
    return True


async def wait_for_more_actions(expectations: Expectations) -> None:
    before = expectations.completed.total()
    await eventually(lambda: expectations.completed.total() >= before + ACTIONS_BETWEEN_ROUNDS)


async def is_settled(databases: Databases, expectations: Expectations) -> bool:
    """Whether every saga has ended, every hold with it, and every webhook is dealt with; then nobody was lied to."""
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
    expectations: Expectations, injector: FaultInjector, followers: Sequence[FeedFollower], *, took: float, calm: float
) -> str:
    """Return what happened, for people."""
    completed = ", ".join(f"{count} x {action}" for action, count in sorted(expectations.completed.items()))
    injected = ", ".join(f"{count} x {kind}" for kind, count in sorted(injector.injected.items()))
    received = sum(len(follower.received) for follower in followers)
    connections = sum(follower.connections for follower in followers)
    return (
        f"{took:.0f} s of trouble, all over {calm:.1f} s later\n"
        f"faults: {injected}\ndeeds: {completed}\nadmitted: {expectations.admissions.total()}; "
        f"{received} entries of feeds heard over {connections} connections"
    )
