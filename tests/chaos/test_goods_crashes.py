"""The worker is killed around each write of the jobs of a digital order: each code is bought, stored and charged once."""

from collections.abc import AsyncIterator, Iterator

import pytest

from devstack.stack import Stack
from orchestrator.jobs.record import JobStatus
from tests.chaos.auto_restart import restarting_command
from tests.chaos.crash_goods import AFTER, BEFORE, CRASHABLE_GOODS_COMMAND, STEPS
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint
from tests.chaos.services import Service, all_up
from tests.integration.fulfilment.goods import SERVICES, UNPOLLED, DigitalGoods, opened_goods
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost
from tests.support.waiting import eventually

# A crash before a write is one after the write before it.
POINTS = [(BEFORE, STEPS[0]), *((AFTER, step) for step in STEPS)]


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost, crash_point: CrashPoint) -> Iterator[Stack]:
    env = {
        **UNPOLLED,
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "JOB_LEASE_SECONDS": "10",  # long enough for a busy machine; `expire_leases` ends it
        "JOB_SCHEDULER_SECONDS": "0.1",
        "JOB_REDISPATCH_SECONDS": "0.5",
        "JOB_RETRY_SECONDS": "0.1,0.2",
        "OUTBOX_POLL_SECONDS": "0.1",
        "RECOVER_INTERVAL_SECONDS": "0.2",
        "SAGA_LEASE_MARGIN_SECONDS": "0.5",
        CRASH_POINT_FILE: str(crash_point.file),
    }
    commands = {"worker": list(CRASHABLE_GOODS_COMMAND), "orders": restarting_command("orders")}
    with running_platform(
        database_url=database_url, vhost=vhost, services=SERVICES, env=env, commands=commands, seed=False
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def goods(stack: Stack, vhost: Vhost) -> AsyncIterator[DigitalGoods]:
    async with opened_goods(stack, rabbitmq_url=vhost.url, job_retry_seconds="0.1,0.2") as goods:
        yield goods


@pytest.mark.parametrize("point", POINTS, ids=" ".join)
async def test_worker_killed_around_every_write(
    stack: Stack, goods: DigitalGoods, crash_point: CrashPoint, point: tuple[str, str]
) -> None:
    async def has_restarted() -> bool:
        return crash_point.has_crashed and await all_up(stack)

    moment, step = point
    crash_point.arm(moment, step)
    order_id = await goods.order("one", "two")
    if is_of_reserve_job := step in STEPS[:2]:
        await eventually(has_restarted)
        await goods.expire_leases()
    await goods.job_reaches(order_id, "reserve", JobStatus.COMPLETED)
    order = await goods.find(order_id)
    for item in order.items:
        await goods.say(item.reservation_id, "delivered")
    if not is_of_reserve_job:
        await eventually(has_restarted)
        await goods.expire_leases()
    codes = await goods.assert_delivered_once(order_id)
    assert codes == [code for unit in await goods.units(order) for code in unit["codes"]]
    assert (await goods.job(order_id, "reserve")).attempts == 1 + is_of_reserve_job


async def test_orders_service_killed_while_codes_arrive(stack: Stack, goods: DigitalGoods) -> None:
    order = await goods.waiting("one", "two")
    async with Service(stack, "orders").down():
        for item in order.items:
            await goods.say(item.reservation_id, "delivered")
    await eventually(lambda: all_up(stack))
    assert len(await goods.assert_delivered_once(order.order_id)) == 2
