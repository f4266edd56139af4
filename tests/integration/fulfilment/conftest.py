"""The platform with one worker, and the sandbox as the supplier."""

from collections.abc import AsyncIterator, Iterator

import pytest

import invariants
from devstack.stack import Stack
from tests.integration.fulfilment.goods import SERVICES, UNPOLLED, DigitalGoods, opened_goods
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, vhost: Vhost) -> Iterator[Stack]:
    env = {
        **UNPOLLED,
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "JOB_SCHEDULER_SECONDS": "0.1",
        "JOB_REDISPATCH_SECONDS": "0.5",
        "OUTBOX_POLL_SECONDS": "0.1",
    }
    with running_platform(database_url=database_url, vhost=vhost, services=SERVICES, env=env, seed=False) as running:
        yield running


@pytest.fixture(scope="module")
async def opened(stack: Stack, vhost: Vhost) -> AsyncIterator[DigitalGoods]:
    async with opened_goods(stack, rabbitmq_url=vhost.url) as goods:
        yield goods


@pytest.fixture
async def goods(stack: Stack, opened: DigitalGoods) -> AsyncIterator[DigitalGoods]:
    """Check the invariants after each test; its faults end with it."""
    yield opened
    await opened.mend_supplier()
    await invariants.require(stack.urls)
