"""Finding the last of many attempts at the same, without walking through them."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.saga_engine.outcomes import attempts
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaRecord, SagaState

FIRST = uuid.uuid4()


class Log:
    """Sagas by id, and how often one was asked for."""

    def __init__(self) -> None:
        self.sagas: dict[uuid.UUID, SagaRecord] = {}
        self.looks = 0

    async def find(self, saga_id: uuid.UUID) -> SagaRecord | None:
        self.looks += 1
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


async def tried(log: Any, times: int) -> uuid.UUID:
    """Let so many attempts be refused, each under the id that was told, and return the next."""
    for _ in range(times):
        log.add((await attempts(log, FIRST)).next_id, SagaState.UNWOUND)
    return (await attempts(log, FIRST)).next_id


@pytest.mark.parametrize("times", [0, 1, 2, 3, 7, 8, 100])
async def test_each_has_an_id_of_its_own_and_the_first_is_given(times: int) -> None:
    log: Any = Log()
    next_id = await tried(log, times)
    assert len(log.sagas) == times
    assert next_id not in log.sagas
    assert (next_id == FIRST) is (times == 0)
    found = await attempts(log, FIRST)
    assert found.done is None
    assert (found.refused is None) is (times == 0)


async def test_a_thousand_are_not_walked_through() -> None:
    log: Any = Log()
    await tried(log, 1_000)
    log.looks = 0
    await attempts(log, FIRST)
    assert log.looks <= 22


@pytest.mark.parametrize("state", [s for s in SagaState if s is not SagaState.UNWOUND])
async def test_one_that_was_not_refused_is_the_last(state: SagaState) -> None:
    log: Any = Log()
    last = await tried(log, 5)
    log.add(last, state)
    found = await attempts(log, FIRST)
    assert (found.next_id, found.refused) == (last, None)
    assert found.done == replace(log.sagas[last])
