"""A buyer, a performer and the deadline at once: one of them decides what becomes of a menu item; see `test_actions`.

Each acts through a process of its own.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pytest
from sqlalchemy import text

from common.errors import Conflict, ServiceError
from orchestrator.container import Container
from orchestrator.features.menus.saga import QueuedMenuItem, queued_menu_item_plan
from orchestrator.features.performance_queue.schemas import CompleteRequest
from orchestrator.features.performance_queue.service import PerformanceQueueService
from orchestrator.features.purchased_items.models import QUEUED_MENU_ITEM
from orchestrator.features.purchased_items.service import ItemPurchaseService
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.observer import LoggingObserver
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.repository import SagaLog
from tests.contracts.databases import Databases
from tests.contracts.item_fixtures import POINTS, ItemFixtures
from tests.support.waiting import eventually

ROUNDS: Final = 12
BUDGET_SECONDS: Final = 30.0
NOTE: Final = "For Mia"
REASON: Final = "No time"


_TIME_IS_OVER: Final = text(
    "UPDATE sagas SET due_at = now() - interval '1 second' WHERE saga_id = :saga_id AND state = 'WAITING'"
)


@dataclass(frozen=True)
class Stage:
    """One item, and those who act on it; each act returns whether it succeeded."""

    sale: QueuedMenuItem
    container: Container

    async def cancel(self) -> bool:
        queue = self._queue()
        return await _succeeds(queue.cancel(self.sale.saga_id, buyer_id=self.sale.item.buyer_user_id))

    async def start(self) -> bool:
        return await _succeeds(self._queue().start(self.sale.saga_id, performer_id=self._performer_id))

    async def complete(self) -> bool:
        request = CompleteRequest(note=NOTE)
        queue = self._queue()
        return await _succeeds(queue.complete(self.sale.saga_id, request, performer_id=self._performer_id, key=None))

    async def decline(self) -> bool:
        return await _succeeds(self._queue().decline(self.sale.saga_id, REASON, performer_id=self._performer_id))

    async def expire(self) -> bool:
        """Let the time run out, and a worker notice it."""
        await self.container.resources.database.execute(_TIME_IS_OVER, {"saga_id": self.sale.saga_id})
        await asyncio.gather(*await self.engine().take_over())
        return True

    async def settled(self) -> SagaState:
        """Return the state of the saga once nothing acts on it any more."""
        engine = self.engine()

        async def look() -> SagaState:
            saga = await engine.log.find(self.sale.saga_id)
            assert saga is not None
            assert saga.state not in {SagaState.RUNNING, SagaState.UNWINDING}
            return saga.state

        return await eventually(look)

    def engine(self) -> SagaEngine:
        resources = self.container.resources
        plans = [queued_menu_item_plan(resources.clients, resources.jobs)]
        log = SagaLog(resources.database, plans, wake_relay=resources.relay.wake)
        return SagaEngine(log, plans, LoggingObserver(), request_budget_seconds=BUDGET_SECONDS)

    def _queue(self) -> PerformanceQueueService:
        engine, resources = self.engine(), self.container.resources
        return PerformanceQueueService(
            engine, resources.clients, resources.jobs, ItemPurchaseService(engine, resources.clients)
        )

    @property
    def _performer_id(self) -> uuid.UUID:
        return self.sale.item.performer_id


async def _succeeds(act: Awaitable[object]) -> bool:
    try:
        await act
    except (Conflict, StillRunning):
        return False
    except ServiceError as error:
        raise AssertionError(error.code) from error
    return True


@pytest.fixture
async def stage(container: Container, databases: Databases) -> Stage:
    """A stage whose item waits for its start."""
    stage = Stage(await ItemFixtures(databases).queued(), container)
    saga = await stage.engine().start(QUEUED_MENU_ITEM, stage.sale, requested_by=stage.sale.item.buyer_user_id)
    assert saga.state is SagaState.WAITING
    return stage


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_cancel_against_start(stage: Stage, databases: Databases, seed: int) -> None:
    acts = {"cancel": stage.cancel, "start": stage.start}
    won = await at_once(acts, seed)
    state = await stage.settled()
    assert won in (["cancel"], ["start"])
    assert state is (SagaState.UNWOUND if won == ["cancel"] else SagaState.WAITING)
    if won == ["cancel"]:
        await ItemFixtures(databases).assert_not_paid(stage.sale, status="CANCELLED")
    else:
        item = await ItemFixtures(databases).read(stage.sale)
        assert (item.states, item.escrows, item.devices) == (["PENDING", "IN_PROGRESS"], ["HELD"], 1)
        assert await stage.complete()  # so that no escrow stays held


@pytest.mark.parametrize("is_started", [True, False])
@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_complete_against_decline_against_deadline(
    *, stage: Stage, databases: Databases, seed: int, is_started: bool
) -> None:
    if is_started:
        assert await stage.start()
    acts = {"complete": stage.complete, "decline": stage.decline, "expire": stage.expire}
    won = await at_once(acts, seed)
    items = ItemFixtures(databases)
    if await stage.settled() is SagaState.COMPLETED:
        assert "decline" not in won
        assert "complete" in won
        states = ["PENDING", "IN_PROGRESS", "SUCCESS"]
        await items.assert_paid(stage.sale, states=states, messages=["queued", "started", "success"], points=POINTS)
    else:
        assert "complete" not in won
        status = "DECLINED" if "decline" in won else "EXPIRED"
        item = await items.assert_not_paid(stage.sale, status=status)
        assert item.explanation == (REASON if status == "DECLINED" else item.explanation)


async def test_buyer_cannot_cancel_after_the_start(stage: Stage) -> None:
    assert await stage.start()
    assert not await stage.cancel()
    assert await stage.complete()


async def test_device_of_an_item_that_was_cancelled_stays_off(stage: Stage, databases: Databases) -> None:
    assert await stage.cancel()
    assert not await stage.start()
    assert (await ItemFixtures(databases).read(stage.sale)).devices == 0


@pytest.mark.parametrize("act", ["cancel", "decline", "start", "complete"])
async def test_act_that_is_repeated_has_one_effect(stage: Stage, databases: Databases, act: str) -> None:
    acts: dict[str, Callable[[], Awaitable[bool]]] = {
        "cancel": stage.cancel,
        "decline": stage.decline,
        "start": stage.start,
        "complete": stage.complete,
    }
    answers = await asyncio.gather(*(acts[act]() for _ in range(6)))
    assert any(answers)
    await stage.settled()
    assert await acts[act]()
    item = await ItemFixtures(databases).read(stage.sale)
    assert len(item.states) == len(set(item.states))
    if act == "start":
        assert await stage.complete()


async def at_once(acts: Mapping[str, Callable[[], Awaitable[bool]]], seed: int) -> list[str]:
    """Let all act at once, in a random order, and return who succeeded."""
    names = random.Random(seed).sample(sorted(acts), len(acts))  # noqa: S311 - no cryptography
    succeeded = await asyncio.gather(*(acts[name]() for name in names))
    return sorted(name for name, is_done in zip(names, succeeded, strict=True) if is_done)
