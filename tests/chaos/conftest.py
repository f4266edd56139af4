"""Each module defines `stack`: the platform as its tests need it. These fixtures are about whatever it is."""

from collections.abc import AsyncIterator

import pytest

from devstack import invariants
from devstack.stack import Stack
from tests.chaos.crash_orchestrator import Doom
from tests.chaos.services import all_up
from tests.chaos.shop import Shop, open_shop
from tests.support.waiting import eventually

START_SECONDS = 30.0


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
    await eventually(lambda: all_up(stack), within_seconds=START_SECONDS)
    yield
    await eventually(lambda: all_up(stack), within_seconds=START_SECONDS)
    await invariants.require(stack.urls)
