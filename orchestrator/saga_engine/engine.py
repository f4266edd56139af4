"""Start sagas, signal and end waiting sagas, retry stuck ones, and take over those that are due."""

import asyncio
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from common.errors import Busy, NotFound, ServiceError, Unavailable, Unprocessable
from common.telemetry.correlation import correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.tracing import SpanKind, continued_span, current_traceparent
from orchestrator.saga_engine.errors import SagaNotStuck, StaleEpoch
from orchestrator.saga_engine.observer import Observer, Observers
from orchestrator.saga_engine.plan import AnyPlan, SagaData
from orchestrator.saga_engine.record import SagaError, SagaRecord, SagaState
from orchestrator.saga_engine.repository import SagaLog
from orchestrator.saga_engine.runner import SagaRunner
from orchestrator.saga_engine.slots import TakeOverSlots

__all__ = ["SagaEngine", "StillRunning"]

# As many as run at once without outliving the leases they are taken over with. A call that hangs costs next to nothing
# while it does.
SLOTS_PER_STEP: Final = 16

Result = TypeVar("Result")
logger = get_logger(__name__)


class StillRunning(Exception):
    """The saga takes longer than the request may. It goes on by itself."""

    def __init__(self, saga_id: uuid.UUID) -> None:
        self.saga_id = saga_id
        super().__init__(str(saga_id))


class SagaEngine:
    """Runs sagas of the given plans. A client that disconnects does not stop its saga.

    Args:
        request_budget_seconds: how long a caller waits for its saga before it gets `StillRunning`.
    """

    def __init__(
        self, log: SagaLog, plans: Sequence[AnyPlan], observer: Observer, *, request_budget_seconds: float
    ) -> None:
        self.log = log
        self._slots = TakeOverSlots()
        observers = Observers([self._slots, observer])
        self._runners = {plan.kind: SagaRunner(plan, log, observers) for plan in plans}
        self._request_budget_seconds = request_budget_seconds
        self._working: set[asyncio.Task[Any]] = set()

    async def start(self, kind: str, data: SagaData, *, requested_by: uuid.UUID, fingerprint: str = "") -> SagaRecord:
        """Run a new saga until it waits or ends, and return it.

        If a saga with this id exists and has reached its first wait or its end, it is returned and not run again.

        Raises:
            StillRunning: the saga goes on in the background.
            Unprocessable: a request with another fingerprint has this id.
            Busy: the same request is in progress.
            ServiceError: a lapsing first step was refused; nothing was stored.
        """
        saga = SagaRecord(
            saga_id=data.saga_id,
            kind=kind,
            requested_by=requested_by,
            fingerprint=fingerprint,
            state=SagaState.RUNNING,
            step=self._runners[kind].plan.steps[0].name,
            round_number=0,
            data=data,
            error=None,
            correlation_id=correlation_id(),
            traceparent=current_traceparent(),
        )
        return await self._within_budget(data.saga_id, self._start(saga))

    async def signal(
        self,
        saga_id: uuid.UUID,
        signal: str,
        *,
        kind: str,
        signalled_by: uuid.UUID,
        key: str | None = None,
        by_starter_only: bool = True,
        more: Mapping[str, Any] | None = None,
    ) -> SagaRecord | None:
        """Run the saga that waits for `signal` and return it as it was last written; None if it does not wait for it.

        Args:
            more: fields of the saga's data that the signal sets, as JSON.
            key: the idempotency key of the request, one of `signalled_by`; a refusal that leads back to the wait is
                stored under it.
            by_starter_only: only the user who started the saga may signal it. Otherwise the caller has checked who may.

        Raises:
            StillRunning: the saga goes on in the background.
            UnfitSaga: it does not fit its plan.
        """
        claim = self.log.signal(
            saga_id, signal, kind=kind, signalled_by=signalled_by, key=key, by_starter_only=by_starter_only, more=more
        )
        return await self._within_budget(saga_id, self._run_claimed(claim))

    async def end_waiting(
        self,
        saga_id: uuid.UUID,
        reason: ServiceError,
        *,
        kind: str,
        signal: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> SagaRecord | None:
        """Unwind a waiting saga and return it; None if it does not wait.

        Args:
            signal: only if the saga waits for this one.
            more: fields of the saga's data to be set, as JSON.
        """
        error = SagaError.of(reason, step="wait")
        claim = self.log.unwind_waiting(saga_id, error, kind=kind, signal=signal, more=more)
        return await self._within_budget(saga_id, self._run_claimed(claim))

    def request_id_of(self, saga: SagaRecord, step: str) -> uuid.UUID:
        """Return the id of the call that did a step of a saga, so that other calls can refer to it."""
        plan = self._runners[saga.kind].plan
        return plan.action_call(saga.saga_id, step, round_number=saga.round_number).request_id

    async def retry_stuck(self, saga_id: uuid.UUID) -> SagaRecord:
        """Run a stuck saga again: before its pivot it unwinds, from the pivot on it goes forward.

        Raises:
            NotFound: there is no such saga.
            SagaNotStuck: it is not stuck.
            UnfitSaga: it does not fit its plan.
            StillRunning: it goes on in the background.
        """
        saga = await self.log.find(saga_id)
        if saga is None:
            raise NotFound
        if saga.state is not SagaState.STUCK:
            raise SagaNotStuck
        taken = await self.log.unstick(saga, self._runners[saga.kind].direction_of(saga))
        if taken is None:
            raise SagaNotStuck
        return await self._within_budget(saga_id, self._run(taken))

    async def take_over(self) -> list[asyncio.Task[None]]:
        """Take over as many due sagas as there are free slots at their steps, and return the tasks that run them."""
        sagas = await self.log.take_over(slots=SLOTS_PER_STEP, occupied=self._slots.occupied())
        return [self._keep_taken_over(saga) for saga in sagas]

    async def close(self, *, grace_seconds: float) -> None:
        """Wait for running sagas to wait, pause or end; another process takes over the others after their leases."""
        if self._working:
            await asyncio.wait(self._working, timeout=grace_seconds)
        for task in self._working:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._working, return_exceptions=True)

    async def _start(self, saga: SagaRecord) -> SagaRecord:
        wanted_id = saga.saga_id
        saga, is_new = await self._runners[saga.kind].create(saga)
        return await self._run(saga) if is_new else await self._existing(saga, wanted_id)

    async def _existing(self, saga: SagaRecord, wanted_id: uuid.UUID) -> SagaRecord:
        existing = await self.log.find(saga.saga_id)
        if existing is None or existing.requested_by != saga.requested_by:
            raise Unavailable(saga_id=saga.saga_id)
        if existing.saga_id == wanted_id and existing.fingerprint != saga.fingerprint:
            raise Unprocessable
        if existing.state is SagaState.RUNNING and not self._runners[existing.kind].plan.is_past_wait(existing.step):
            raise Busy(retry_after_seconds=1)
        return existing

    async def _run_claimed(self, claim: Coroutine[Any, Any, SagaRecord | None]) -> SagaRecord | None:
        saga = await claim
        return None if saga is None else await self._run(saga)

    async def _run(self, saga: SagaRecord) -> SagaRecord:
        try:
            return await self._runners[saga.kind].run(saga)
        except StaleEpoch as error:
            raise StillRunning(saga.saga_id) from error

    def _keep_taken_over(self, saga: SagaRecord) -> asyncio.Task[None]:
        self._slots.occupy(saga)
        task = self._keep(self._resume(saga))
        task.add_done_callback(lambda _: self._slots.release(saga))
        return task

    async def _resume(self, saga: SagaRecord) -> None:
        logger.info("saga.taken_over", kind=saga.kind, saga_id=str(saga.saga_id), state=saga.state, step=saga.step)
        try:
            with continued_span(f"take over {saga.kind}", SpanKind.INTERNAL, saga.traceparent):
                await self._run(saga)
        except (StillRunning, ServiceError) as error:
            logger.warning("saga.interrupted", saga_id=str(saga.saga_id), reason=repr(error))
        except Exception:
            logger.exception("saga.interrupted", saga_id=str(saga.saga_id))

    async def _within_budget(self, saga_id: uuid.UUID, work: Coroutine[Any, Any, Result]) -> Result:
        task = self._keep(work)
        done, _ = await asyncio.wait({task}, timeout=self._request_budget_seconds)
        if not done:
            task.add_done_callback(_report)
            raise StillRunning(saga_id)
        return task.result()

    def _keep(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task


def _report(task: asyncio.Task[Any]) -> None:
    """Log the failure of work whose caller got `StillRunning`. Another process takes the saga over after its lease."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("saga.interrupted", reason=repr(error))
