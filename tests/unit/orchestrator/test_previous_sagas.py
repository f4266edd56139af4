"""Finding the last of many sagas of one operation without reading all of them."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.saga_engine.idempotency import find_previous_sagas
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaRecord, SagaState

FIRST = uuid.uuid4()


class Log:
    """Sagas by id, and the number of reads."""

    def __init__(self) -> None:
        self.sagas: dict[uuid.UUID, SagaRecord] = {}
        self.reads = 0

    async def find(self, saga_id: uuid.UUID) -> SagaRecord | None:
        self.reads += 1
        return self.sagas.get(saga_id)

    def add(self, saga_id: uuid.UUID, state: SagaState) -> None:
        self.sagas[saga_id] = SagaRecord(
            saga_id=saga_id,
            kind="refund",
            requested_by=FIRST,
            fingerprint="",
            state=state,
            step="",
            round_number=0,
            data=SagaData(saga_id=saga_id),
            error=None,
            correlation_id="",
        )


async def refused_sagas(log: Any, times: int) -> uuid.UUID:
    """Add this many refused sagas, each under the next id, and return the id after them."""
    for _ in range(times):
        log.add((await find_previous_sagas(log, FIRST)).next_id, SagaState.UNWOUND)
    return (await find_previous_sagas(log, FIRST)).next_id


@pytest.mark.parametrize("times", [0, 1, 2, 3, 7, 8, 100])
async def test_each_saga_has_its_own_id_and_the_first_is_the_given_one(times: int) -> None:
    log: Any = Log()
    next_id = await refused_sagas(log, times)
    assert len(log.sagas) == times
    assert next_id not in log.sagas
    assert (next_id == FIRST) is (times == 0)
    found = await find_previous_sagas(log, FIRST)
    assert found.accepted is None
    assert (found.refused is None) is (times == 0)


async def test_last_of_a_thousand_sagas_is_found_in_22_reads() -> None:
    log: Any = Log()
    await refused_sagas(log, 1_000)
    log.reads = 0
    await find_previous_sagas(log, FIRST)
    assert log.reads <= 22


@pytest.mark.parametrize("state", [s for s in SagaState if s is not SagaState.UNWOUND])
async def test_saga_that_was_not_refused_is_the_last(state: SagaState) -> None:
    log: Any = Log()
    last = await refused_sagas(log, 5)
    log.add(last, state)
    found = await find_previous_sagas(log, FIRST)
    assert (found.next_id, found.refused) == (last, None)
    assert found.accepted == replace(log.sagas[last])
