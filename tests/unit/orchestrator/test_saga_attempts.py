"""Finding the last of many attempts without reading all of them."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.saga_engine.outcomes import attempts
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaRecord, SagaState

FIRST = uuid.uuid4()


class SagaStore:
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


async def refused_attempts(store: Any, times: int) -> uuid.UUID:
    """Refuse this many attempts, each under the returned id, and return the next id."""
    for _ in range(times):
        store.add((await attempts(store, FIRST)).next_id, SagaState.UNWOUND)
    return (await attempts(store, FIRST)).next_id


@pytest.mark.parametrize("times", [0, 1, 2, 3, 7, 8, 100])
async def test_each_attempt_has_its_own_id_and_the_first_is_the_given_one(times: int) -> None:
    store: Any = SagaStore()
    next_id = await refused_attempts(store, times)
    assert len(store.sagas) == times
    assert next_id not in store.sagas
    assert (next_id == FIRST) is (times == 0)
    found = await attempts(store, FIRST)
    assert found.done is None
    assert (found.refused is None) is (times == 0)


async def test_last_of_a_thousand_attempts_is_found_in_22_reads() -> None:
    store: Any = SagaStore()
    await refused_attempts(store, 1_000)
    store.reads = 0
    await attempts(store, FIRST)
    assert store.reads <= 22


@pytest.mark.parametrize("state", [s for s in SagaState if s is not SagaState.UNWOUND])
async def test_attempt_that_was_not_refused_is_the_last(state: SagaState) -> None:
    store: Any = SagaStore()
    last = await refused_attempts(store, 5)
    store.add(last, state)
    found = await attempts(store, FIRST)
    assert (found.next_id, found.refused) == (last, None)
    assert found.done == replace(store.sagas[last])
