"""Each module defines `stack`: the platform as its tests need it. These fixtures are about whatever it is."""

from collections.abc import AsyncIterator, Iterator

import pytest

from devstack import invariants
from devstack.stack import Stack
from tests.chaos.crash_orchestrator import Doom
from tests.chaos.services import all_up
from tests.chaos.ticket_sales import Shop, open_shop
from tests.support.timeouts import GENEROUS
from tests.support.waiting import eventually


@pytest.fixture(scope="package", autouse=True)
def times_of_production() -> Iterator[None]:
    """Let services give up on what is broken here as soon as they do in production."""
    with pytest.MonkeyPatch.context() as patch:
        for name in GENEROUS:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def doom(tmp_path_factory: pytest.TempPathFactory) -> Doom:
    return Doom(tmp_path_factory.mktemp("doom") / "point.json")


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    async with open_shop(stack) as shop:
        yield shop


@pytest.fixture(autouse=True)
async def calm_before_and_after(stack: Stack) -> AsyncIterator[None]:
    """Begin with every process up, and end with the world in order."""
    await eventually(lambda: all_up(stack))
    yield
    await eventually(lambda: all_up(stack))
    await invariants.require(stack.urls)
