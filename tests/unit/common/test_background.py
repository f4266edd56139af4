"""Background tasks continue after every error, and count it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from common import background
from common.background import BackgroundTask
from common.errors import Internal, Unavailable
from common.periodic import PeriodicTask
from tests.support.waiting import eventually

# A future that a lost connection cancels raises CancelledError, though the task itself is not cancelled.
ERRORS = [RuntimeError("a bug"), asyncio.CancelledError(), Internal(task="a private fact of this name")]


class Loop:
    """Raises the errors, one at each run, and then runs until it is cancelled."""

    def __init__(self, *errors: BaseException) -> None:
        self._errors = [*errors]
        self.runs = 0

    async def __call__(self) -> None:
        self.runs += 1
        if self._errors:
            raise self._errors.pop(0)
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.001)


def failures(task: str) -> float:
    return REGISTRY.get_sample_value("periodic_task_failures_total", {"task": task}) or 0.0


@asynccontextmanager
async def running(task: BackgroundTask) -> AsyncIterator[None]:
    task.start()
    yield
    await task.close()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
class TestError:
    async def test_task_runs_again_and_the_error_is_logged_and_counted(self, error: BaseException) -> None:
        loop, before = Loop(error), failures("sample")
        with capture_logs() as logs:
            async with running(BackgroundTask(loop, name="sample")):
                await eventually(lambda: loop.runs == 2)
        assert failures("sample") == before + 1
        [failed] = [line for line in logs if line["event"] == "background_task.failed"]
        assert (failed["task"], failed["exc_info"]) == ("sample", error)

    async def test_periodic_work_runs_again(self, error: BaseException) -> None:
        works, before = Loop(error), failures("periodic sample")
        other = Loop()
        async with running(PeriodicTask(works, other, name="periodic sample", interval_seconds=0.01)):
            await eventually(lambda: other.runs == 1)
        async with running(PeriodicTask(works, name="periodic sample", interval_seconds=0.01)):
            await eventually(lambda: works.runs == 2)
        assert failures("periodic sample") == before + 1


async def test_outage_is_no_failure() -> None:
    work, before = Loop(Unavailable(task="a private fact of this name")), failures("waiting sample")
    async with running(PeriodicTask(work, name="waiting sample", interval_seconds=60, retry_seconds=0.001)):
        await eventually(lambda: work.runs == 2)
    assert failures("waiting sample") == before


async def test_task_that_fails_while_it_is_closed_ends() -> None:
    async def fail_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("a bug")

    task = BackgroundTask(fail_at_the_end, name="closing sample")
    task.start()
    await asyncio.sleep(0)
    await task.close()


async def test_task_that_returns_has_ended() -> None:
    runs: list[int] = []

    async def once() -> None:
        runs.append(1)

    look: Callable[[], bool] = lambda: bool(runs)  # noqa: E731
    async with running(BackgroundTask(once, name="short sample")):
        await eventually(look)
    assert runs == [1]


async def test_pause_after_a_long_run_is_the_first_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty pauses that double would take hours."""
    monkeypatch.setattr(background, "SETTLED_SECONDS", -1.0)  # every run is a long one
    monkeypatch.setattr(background, "LONGEST_PAUSE_SECONDS", 3_600.0)
    loop = Loop(*[RuntimeError("a bug")] * 20)
    async with running(BackgroundTask(loop, name="sample")):
        await eventually(lambda: loop.runs == 21)
