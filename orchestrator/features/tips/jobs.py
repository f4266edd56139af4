"""The job that performs a queued tip, and the end of tips whose job has ended without them."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from common.backoff import backoff
from common.errors import Busy, NotFound, ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients import Clients
from orchestrator.features.purchased_items.errors import ItemCancelled, ItemExpired
from orchestrator.features.purchased_items.models import PERFORM, ItemSaga
from orchestrator.features.tips.errors import TipFailed
from orchestrator.features.tips.models import PerformTip, TipPerformed
from orchestrator.features.tips.repository import BEFORE_ALL, TipStore, TipWithoutJob
from orchestrator.jobs.errors import JobPostponed, JobRefused
from orchestrator.jobs.record import JobStatus
from orchestrator.jobs.registry import JobContext
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.outcomes import failure_of
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["FailedTipTask", "TipJobHandler"]

PAUSED_SECONDS: Final = 2.0
"""How often it is looked whether a paused queue goes on."""
OPENING_SECONDS: Final = 2.0
# A saga needs a moment from its job to its wait, and from the signal to its end.
SIGNAL_TIMEOUT_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 0.5
ENDED: Final = frozenset({SagaState.COMPLETED, SagaState.UNWINDING, SagaState.UNWOUND})
# As many are ended at once: one takes seconds while a participant is unavailable.
BATCH: Final = 20

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TipJobHandler:
    engine: SagaEngine
    clients: Clients

    async def perform(self, tip: PerformTip, context: JobContext) -> TipPerformed:
        """Perform a tip: its saga moves the credits, and then publishes it.

        Raises:
            JobPostponed: the performer has paused the queue, or the purchase is not complete yet.
            JobRefused: the tip has ended, or the buyer cannot pay.
            ServiceError: not known yet; the next attempt finds out.
        """
        saga = await self._find(tip)
        if saga.state not in ENDED:  # the job of a tip that has ended does not wait for the queue to be resumed
            if (await self.clients.purchased_items.queue(tip.performer_id)).is_paused:
                raise JobPostponed(pause_seconds=PAUSED_SECONDS)
            with suppress(NotFound):
                # The saga does not wait for a ledger that is unavailable: it would fail. This attempt fails instead.
                await self.clients.users.balance_of(tip.user_id)
            saga = await self._outcome(tip, retry_count=context.attempt - 1)
        match saga.state:
            case SagaState.COMPLETED:
                return TipPerformed(purchased_item_id=tip.purchased_item_id)
            case SagaState.UNWINDING | SagaState.UNWOUND:
                reason = failure_of(saga, expired=ItemExpired)
                raise JobRefused(reason.public_message, code=reason.code)
            case SagaState.RUNNING if isinstance(saga.data, ItemSaga) and saga.data.place is None:
                raise JobPostponed(pause_seconds=OPENING_SECONDS)
        raise Busy(saga_id=tip.purchased_item_id, state=saga.state)

    async def _outcome(self, tip: PerformTip, *, retry_count: int) -> SagaRecord:
        """Signal the saga once it waits, and return it when it has ended, is stuck, or takes too long."""
        deadline = time.monotonic() + SIGNAL_TIMEOUT_SECONDS
        pauses = backoff(FIRST_PAUSE_SECONDS, longest_seconds=LONGEST_PAUSE_SECONDS)
        while True:
            saga = await self._find(tip)
            if saga.state is SagaState.WAITING:
                saga = await self._signal(saga, retry_count=retry_count)
            if saga.state not in {SagaState.RUNNING, SagaState.WAITING} or time.monotonic() > deadline:
                return saga
            await asyncio.sleep(next(pauses))

    async def _find(self, tip: PerformTip) -> SagaRecord:
        saga = await self.engine.log.find(tip.purchased_item_id)
        if saga is None:
            raise JobRefused("There is no such tip.")
        return saga

    async def _signal(self, saga: SagaRecord, *, retry_count: int) -> SagaRecord:
        with suppress(StillRunning):
            signalled = await self.engine.signal(
                saga.saga_id,
                PERFORM,
                kind=saga.kind,
                signalled_by=saga.requested_by,
                more={"retry_count": retry_count},
            )
            return signalled or saga
        return saga


@dataclass(frozen=True, slots=True)
class FailedTipTask:
    """Ends tips that wait for a job which is dead, was cancelled by an admin, or was deleted since. Several workers may run it at once."""

    engine: SagaEngine
    store: TipStore

    async def end_all(self) -> None:
        last_id = BEFORE_ALL
        while tips := await self.store.without_job(after=last_id, limit=BATCH):
            await asyncio.gather(*(self._end(tip) for tip in tips))
            last_id = tips[-1].saga_id

    async def _end(self, tip: TipWithoutJob) -> None:
        reason = ItemCancelled() if tip.status is JobStatus.CANCELLED else TipFailed()
        more = {"retry_count": max(0, tip.attempts - 1)}
        try:
            await self.engine.end_waiting(tip.saga_id, reason, kind=tip.kind, signal=PERFORM, more=more)
        except StillRunning:
            pass  # it goes on in the background
        except ServiceError as error:
            logger.warning("failed_tips.refused", saga_id=str(tip.saga_id), code=error.code)
