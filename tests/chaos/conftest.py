"""Fixtures for the platform that each module's `stack` fixture defines."""

from collections.abc import AsyncIterator, Iterator

import pytest

import invariants
from devstack.stack import Stack
from tests.chaos.crash_orchestrator import CrashPoint
from tests.chaos.services import all_up
from tests.chaos.ticket_sales import TicketSales, open_sales
from tests.support.timeouts import GENEROUS
from tests.support.waiting import eventually


@pytest.fixture(scope="package", autouse=True)
def production_timeouts() -> Iterator[None]:
    """Use the time limits of production, so that services fail as fast as they do there."""
    with pytest.MonkeyPatch.context() as patch:
        for name in GENEROUS:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def crash_point(tmp_path_factory: pytest.TempPathFactory) -> CrashPoint:
    return CrashPoint(tmp_path_factory.mktemp("crash_point") / "point.json")


@pytest.fixture(scope="module")
async def sales(stack: Stack) -> AsyncIterator[TicketSales]:
    async with open_sales(stack) as sales:
        yield sales


@pytest.fixture(autouse=True)
async def platform_is_healthy(stack: Stack) -> AsyncIterator[None]:
    """Start each test with every process up, and check the invariants after it."""
    await eventually(lambda: all_up(stack))
    yield
    await eventually(lambda: all_up(stack))
    await invariants.require(stack.urls)
