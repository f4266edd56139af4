"""Work that comes round again: a failure makes it late, and does not end it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.errors import Unavailable
from common.periodic import Retention
from orchestrator.features.payments.jobs import PaymentRounds
from orchestrator.jobs.service import JobQueue
from tests.support.waiting import eventually

FAILURES = [Unavailable(), RuntimeError("a bug")]


class Chore:
    """Fails with what it is given, then works."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = [*failures]
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1
        if self._failures:
            raise self._failures.pop(0)


class Queue(JobQueue):
    def __init__(self, chore: Callable[[], Awaitable[None]]) -> None:
        self._chore = chore

    async def enqueue(self, *_: Any, **__: Any) -> Any:
        await self._chore()


async def done(chore: Chore, times: int) -> None:
    await eventually(lambda: chore.times >= times)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_chore_that_fails_keeps_neither_itself_nor_others_from_being_done(failure: Exception) -> None:
    bad, good = Chore(failure), Chore()
    retention = Retention(bad, good, every_seconds=0.01, retry_seconds=0.01)
    retention.start()
    await done(bad, 2)
    await done(good, 2)
    await retention.close()


async def test_a_database_that_is_away_is_tried_again_soon_and_a_bug_is_not() -> None:
    waits, breaks = Chore(Unavailable()), Chore(RuntimeError())
    both = [Retention(chore, every_seconds=3_600, retry_seconds=0.01) for chore in (waits, breaks)]
    for retention in both:
        retention.start()
    await done(waits, 2)
    assert breaks.times == 1
    await asyncio.gather(*(retention.close() for retention in both))


async def test_payment_rounds_begin_when_the_database_is_there() -> None:
    chore = Chore(Unavailable())
    rounds = PaymentRounds(Queue(chore), interval_seconds=3_600, retry_seconds=0.01)
    rounds.start()
    await done(chore, 2)
    await rounds.close()


async def test_payment_rounds_outlive_a_bug() -> None:
    chore = Chore(RuntimeError("a bug"))
    rounds = PaymentRounds(Queue(chore), interval_seconds=0.01)
    rounds.start()
    await done(chore, 2)
    await rounds.close()
