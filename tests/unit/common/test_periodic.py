"""Periodic tasks continue after a failure and retry soon after an outage."""

import pytest

from common.errors import Unavailable
from common.periodic import PeriodicTask, repeat_while_full
from tests.support.waiting import eventually

FAILURES = [Unavailable(), RuntimeError("a bug")]


class Work:
    """Fails with the given errors, then succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = [*failures]
        self.runs = 0

    async def __call__(self) -> None:
        self.runs += 1
        if self._failures:
            raise self._failures.pop(0)


async def reached(work: Work, runs: int) -> None:
    await eventually(lambda: work.runs >= runs)


@pytest.mark.parametrize("failure", FAILURES)
async def test_failing_work_runs_again_and_does_not_stop_the_rest(failure: Exception) -> None:
    bad, good = Work(failure), Work()
    task = PeriodicTask(bad, good, name="test", interval_seconds=0.01)
    task.start()
    await reached(bad, 2)
    await reached(good, 2)
    await task.close()


async def test_an_outage_is_retried_soon_and_a_bug_at_the_next_interval() -> None:
    waits, breaks = Work(Unavailable()), Work(RuntimeError())
    tasks = [PeriodicTask(work, name="test", interval_seconds=3_600, retry_seconds=0.01) for work in (waits, breaks)]
    for task in tasks:
        task.start()
    await reached(waits, 2)
    assert breaks.runs == 1
    for task in tasks:
        await task.close()


async def test_an_aligned_task_runs_at_once_and_again_at_the_next_multiple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.periodic.time.time", lambda: 7_199.95)  # 0.05 s before the second hour
    work = Work()
    task = PeriodicTask(work, name="test", interval_seconds=3_600, is_aligned=True)
    task.start()
    await reached(work, 2)
    await task.close()


async def test_batches_are_repeated_until_one_is_not_full() -> None:
    found = [3, 3, 2, 3]
    asked: list[int] = []

    async def clean(*, batch: int) -> int:
        asked.append(batch)
        return found.pop(0)

    await repeat_while_full(clean, batch=3)
    assert asked == [3, 3, 3]


async def test_full_batches_end_at_the_time_limit() -> None:
    found = [3, 3, 0]

    async def clean(*, batch: int) -> int:
        return min(batch, found.pop(0))

    await repeat_while_full(clean, batch=3, limit_seconds=0)
    assert found == [3, 0]
