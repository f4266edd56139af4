"""Each module defines `stack`: the platform as its tests need it. These fixtures are about whatever it is."""

from collections.abc import AsyncIterator, Iterator

import pytest

from devstack import invariants
from devstack.stack import Stack
from tests.chaos.crash_orchestrator import CrashPoint
from tests.chaos.services import all_up
from tests.chaos.ticket_sales import TicketSales, open_sales
from tests.support.timeouts import GENEROUS
from tests.support.waiting import eventually


@pytest.fixture(scope="package", autouse=True)
def production_timeouts() -> Iterator[None]:
    """Let services give up on what is broken here as soon as they do in production."""
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
    """Begin with every process up, and end with the world in order."""
    await eventually(lambda: all_up(stack))
    yield
    await eventually(lambda: all_up(stack))
    await invariants.require(stack.urls)
