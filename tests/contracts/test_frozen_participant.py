"""A participant that accepts connections and never answers holds up only the sagas that need it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import pytest

from orchestrator.container import Container, build_container
from orchestrator.saga_engine.engine import SLOTS_PER_STEP, SagaEngine
from orchestrator.saga_engine.observer import StepMoment
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.faults import Faults
from tests.contracts.purchase import PurchaseScenario
from tests.contracts.saga_run import CrashAt, Crashed, EngineFactory
from tests.support.waiting import eventually

MORE_THAN_SLOTS: Final = SLOTS_PER_STEP + 2
OTHERS: Final = 5
FINISHED: Final = ("COMPLETED", "")


@pytest.fixture
async def frozen_orders(container: Container) -> AsyncIterator[Container]:
    """A container whose orders service is frozen."""
    thawed = asyncio.Event()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await thawed.wait()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    frozen = build_container(container.settings.model_copy(update={"orders_url": f"http://{host}:{port}"}))
    yield frozen
    thawed.set()
    server.close()
    await frozen.resources.clients.close()
    await frozen.resources.database.close()


async def test_purchases_that_need_another_participant_go_on(
    container: Container, frozen_orders: Container, databases: Databases, event: PublishedEvent
) -> None:
    new_purchase = partial(PurchaseScenario.prepare, container, databases, event)
    factory = EngineFactory(database=container.resources.database, relay=container.resources.relay)
    blocked = [await left_behind(factory, await new_purchase(), "confirm order") for _ in range(MORE_THAN_SLOTS)]
    others = [await left_behind(factory, await new_purchase(), "charge wallet") for _ in range(OTHERS)]
    for scenario in (*blocked, *others):
        await factory.make_due(scenario.data.saga_id)

    hanging = await frozen_orders.resources.engine.take_over()
    # They are charged and their seats are sold; only the order is missing.
    await eventually(partial(all_stand_at, container.resources.engine, others, ("RUNNING", "confirm order")))
    assert await all_stand_at(container.resources.engine, blocked, ("RUNNING", "confirm order"))
    await asyncio.gather(*hanging)

    for scenario in (*blocked, *others):
        await factory.make_due(scenario.data.saga_id)
    while tasks := await container.resources.engine.take_over():
        await asyncio.gather(*tasks)
    assert await all_stand_at(container.resources.engine, [*blocked, *others], FINISHED)


async def left_behind(factory: EngineFactory, scenario: PurchaseScenario, step: str) -> PurchaseScenario:
    """Run a purchase by a process that crashes before a step's call."""
    engine = factory.replica(scenario, Faults(), CrashAt(StepMoment.BEFORE_ACTION, step))
    saga = await engine.start(scenario.plan.kind, scenario.data, requested_by=scenario.requested_by)
    with suppress(Crashed):
        await engine.signal(saga.saga_id, saga.step, kind=saga.kind, signalled_by=saga.requested_by)
    return scenario


async def all_stand_at(engine: SagaEngine, scenarios: Sequence[PurchaseScenario], place: tuple[str, str]) -> bool:
    """Return whether the purchases have this state and stand at this step."""
    sagas = [await engine.log.find(scenario.data.saga_id) for scenario in scenarios]
    return {(saga.state, saga.step) for saga in sagas if saga is not None} == {place}
