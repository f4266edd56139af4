"""Take-over is fair: a participant that hangs holds up the steps that need it, and no others."""

import asyncio
from typing import Final

import pytest
from sqlalchemy import text

from orchestrator.saga_engine.engine import SLOTS_PER_STEP
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.record import SagaState
from tests.integration.orchestrator.conftest import Harness
from tests.integration.orchestrator.engine_actions import CrashAt, Crashed, pay, place_order
from tests.support.waiting import eventually

MANY: Final = 2 * SLOTS_PER_STEP + 3


async def crashed_at(harness: Harness, step: str, *, sagas: int) -> None:
    """Leave sagas behind at a step."""
    for _ in range(sagas):
        with pytest.raises(Crashed):
            await pay(harness.replica(CrashAt(StepMoment.BEFORE_ACTION, step)), await place_order(harness.replica()))


async def expect(harness: Harness, sagas: int, **columns: str) -> None:
    """Wait until this many sagas have these values."""
    where = " AND ".join(f"{column} = :{column}" for column in columns)

    async def is_reached() -> bool:
        row = await harness.database.fetch_one(text(f"SELECT count(*) AS sagas FROM sagas WHERE {where}"), columns)  # noqa: S608
        return row is not None and row["sagas"] == sagas

    await eventually(is_reached)


async def test_step_that_hangs_does_not_hold_up_the_others(harness: Harness) -> None:
    await crashed_at(harness, "confirm", sagas=MANY)  # the oldest: they are due first
    for _ in range(5):
        await place_order(harness.replica())
    await harness.make_due()
    harness.participant.hang("confirm")
    engine = harness.replica()
    hanging = await engine.take_over()
    await expect(harness, 5, state=SagaState.UNWOUND)
    assert len(hanging) == SLOTS_PER_STEP + 5
    assert await engine.take_over() == []  # the step's slots are occupied
    harness.participant.resume()
    await asyncio.gather(*hanging)
    while tasks := await engine.take_over():
        await asyncio.gather(*tasks)
    await expect(harness, MANY, state=SagaState.COMPLETED)


async def test_saga_occupies_a_slot_of_its_present_step(harness: Harness) -> None:
    await crashed_at(harness, "charge", sagas=MANY)
    await harness.make_due()
    harness.participant.hang("confirm")
    engine = harness.replica()
    tasks = []
    for taken_over in (SLOTS_PER_STEP, 2 * SLOTS_PER_STEP, MANY):
        tasks += await engine.take_over()
        assert len(tasks) == taken_over
        await expect(harness, taken_over, step_name="confirm")
    harness.participant.resume()
    await asyncio.gather(*tasks)
    await expect(harness, MANY, state=SagaState.COMPLETED)


async def test_replicas_share_the_due_sagas(harness: Harness) -> None:
    await crashed_at(harness, "charge", sagas=MANY)
    await harness.make_due()
    replicas = [harness.replica() for _ in range(2)]
    while tasks := [task for replica in replicas for task in await replica.take_over()]:
        await asyncio.gather(*tasks)
    await expect(harness, MANY, state=SagaState.COMPLETED)
    assert len(harness.participant.done) == 4 * MANY
