"""The door to the sagas: start one, signal one, end one that waits, take over what was left behind."""

import asyncio
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from common.errors import Busy, Conflict, NotFound, ServiceError, Unavailable, Unprocessable
from common.telemetry.correlation import correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.tracing import SpanKind, continued_span, current_traceparent
from orchestrator.saga_engine.observer import Observer
from orchestrator.saga_engine.plan import AnyPlan, SagaData
from orchestrator.saga_engine.record import SagaError, SagaRecord, SagaState
from orchestrator.saga_engine.repository import SagaLog, StaleEpoch
from orchestrator.saga_engine.runner import SagaRunner

__all__ = ["SagaEngine", "StillRunning"]

# As many as can be worked on at once without outliving the leases they are taken over with.
MOST_TAKEN_OVER: Final = 16

Result = TypeVar("Result")
logger = get_logger(__name__)


class StillRunning(Exception):
    """The saga needs longer than the request may take. It goes on by itself."""

    def __init__(self, saga_id: uuid.UUID) -> None:
        self.saga_id = saga_id
        super().__init__(str(saga_id))


class SagaEngine:
    """Runs sagas of the given plans. Work begun is not tied to the request: a client that leaves stops nothing.

    Args:
        request_budget_seconds: how long a caller waits for its saga before it is told that it goes on.
    """

    def __init__(
        self, log: SagaLog, plans: Sequence[AnyPlan], observer: Observer, *, request_budget_seconds: float
    ) -> None:
        self._log = log
        self._runners = {plan.kind: SagaRunner(plan, log, observer) for plan in plans}
        self._request_budget_seconds = request_budget_seconds
        self._working: set[asyncio.Task[Any]] = set()
        self._taken_over: set[asyncio.Task[None]] = set()

    async def start(self, kind: str, data: SagaData, *, requested_by: uuid.UUID, fingerprint: str = "") -> SagaRecord:
        """Run a new saga until it waits or ends, and return it.

        A saga with the same id is not run again: it is returned as it stands, once it has come to its first rest.

        Raises:
            StillRunning: it goes on in the background.
            Unprocessable: the id is taken by a request with another fingerprint.
            Busy: the same request is being worked on right now.
            ServiceError: a lapsing first step was refused; nothing was stored.
        """
        saga = SagaRecord(
            saga_id=data.saga_id,
            kind=kind,
            requested_by=requested_by,
            fingerprint=fingerprint,
            state=SagaState.RUNNING,
            step=0,
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
    ) -> SagaRecord | None:
        """Wake the saga that waits for `signal` and return how far it came; None when it did not wait for it.

        Args:
            key: the request's idempotency key, one of `signalled_by`; a refusal that leads back to the wait is
                remembered under it.
            by_starter_only: nobody else's signal wakes it. Otherwise the caller has checked who may.

        Raises:
            StillRunning: it goes on in the background.
        """
        claim = self._log.signal(
            saga_id, signal, kind=kind, signalled_by=signalled_by, key=key, by_starter_only=by_starter_only
        )
        return await self._within_budget(saga_id, self._run_claimed(claim))

    async def end_waiting(self, saga_id: uuid.UUID, reason: ServiceError, *, kind: str) -> SagaRecord | None:
        """Unwind a saga that waits and return it; None when it did not wait (any more)."""
        claim = self._log.unwind_waiting(saga_id, SagaError.of(reason, step="wait"), kind=kind)
        return await self._within_budget(saga_id, self._run_claimed(claim))

    async def find(self, saga_id: uuid.UUID) -> SagaRecord | None:
        return await self._log.load(saga_id)

    async def list_page(
        self, *, state: SagaState | None, limit: int, offset: int
    ) -> tuple[list[tuple[SagaRecord, datetime, datetime]], int]:
        """Return sagas with their creation and last-write times, newest first, and how many there are in all."""
        return await self._log.list_page(state=state, limit=limit, offset=offset)

    def step_name(self, saga: SagaRecord) -> str:
        """Return where the saga stands, or an empty string at its end."""
        steps = self._runners[saga.kind].plan.steps
        return steps[saga.step].name if 0 <= saga.step < len(steps) else ""

    def request_id_of(self, saga: SagaRecord, step: str) -> uuid.UUID:
        """Return the id of the call that did a step of a saga, for others to refer to what it did."""
        plan = self._runners[saga.kind].plan
        return plan.action_call(saga.saga_id, plan.index_of(step), round_number=saga.round_number).request_id

    async def key_use(
        self, *, signalled_by: uuid.UUID, signal: str, key: str
    ) -> tuple[uuid.UUID, SagaError | None] | None:
        """Return which saga a key signalled, or started, and the refusal its signal got, if it was refused."""
        return await self._log.key_use(requested_by=signalled_by, operation=signal, key=key)

    async def note_key(self, *, requested_by: uuid.UUID, operation: str, key: str, saga_id: uuid.UUID) -> None:
        """Note which saga a key started, where the saga's id does not follow from the key; `key_use` finds it."""
        await self._log.note_key(requested_by=requested_by, operation=operation, key=key, saga_id=saga_id)

    async def retry_stuck(self, saga_id: uuid.UUID) -> SagaRecord:
        """Set a stuck saga going again, in the direction it was stuck in.

        Raises:
            NotFound: there is no such saga.
            Conflict: it is not stuck.
            StillRunning: it goes on in the background.
        """
        saga = await self._log.load(saga_id)
        if saga is None:
            raise NotFound
        only_forward = self._runners[saga.kind].plan.only_goes_forward(saga.step)
        direction = SagaState.RUNNING if only_forward else SagaState.UNWINDING
        taken = await self._log.unstick(saga, direction, asked_anew=saga.error is not None and saga.error.was_refused)
        if taken is None:
            raise Conflict("That saga is not stuck.", code="SAGA_NOT_STUCK")
        return await self._within_budget(saga_id, self._run(taken))

    async def take_over(self) -> list[asyncio.Task[None]]:
        """Take over what is due, as far as there are hands free, and return the tasks that run it."""
        free_hands = MOST_TAKEN_OVER - len(self._taken_over)
        if free_hands <= 0:
            return []
        sagas = await self._log.take_over(batch=free_hands)
        return [self._keep_taken_over(saga) for saga in sagas]

    async def close(self, *, grace_seconds: float) -> None:
        """Let running sagas reach their next resting place; what does not is left to its lease."""
        if self._working:
            await asyncio.wait(self._working, timeout=grace_seconds)
        for task in self._working:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._working, return_exceptions=True)

    async def _start(self, saga: SagaRecord) -> SagaRecord:
        runner = self._runners[saga.kind]
        wanted_id = saga.saga_id
        saga, messages = await runner.begin(saga)
        step_timeout_seconds = runner.plan.timeout_of(runner.plan.steps[saga.step])
        if not await self._log.insert(saga, messages=messages, step_timeout_seconds=step_timeout_seconds):
            return await self._existing(saga, wanted_id)
        await runner.stored(saga)
        return await self._run(saga)

    async def _existing(self, saga: SagaRecord, wanted_id: uuid.UUID) -> SagaRecord:
        existing = await self._log.load(saga.saga_id)
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
        task = self._keep(self._resume(saga))
        self._taken_over.add(task)
        task.add_done_callback(self._taken_over.discard)
        return task

    async def _resume(self, saga: SagaRecord) -> None:
        logger.info("saga.taken_over", kind=saga.kind, saga_id=str(saga.saga_id), state=saga.state, step=saga.step)
        try:
            with continued_span(f"take over {saga.kind}", SpanKind.INTERNAL, saga.traceparent):
                await self._run(saga)
        except (StillRunning, ServiceError) as error:
            logger.warning("saga.left", saga_id=str(saga.saga_id), reason=repr(error))

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
    """Nobody waits for this one any more, so its failure is told here; its lease lets others go on."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("saga.left", reason=repr(error))
