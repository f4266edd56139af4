"""Runs a saga from its stored step until it waits, ends, is stuck, or must pause.

The intent to act is committed before each remote call: the write that stores one step's result stores the next step's
intent. No transaction spans a call. Without a response, the outcome is *unknown*: the runner repeats the call with the same
request id. It does the same after a response that decides nothing, because an earlier try may still be in progress.

Only a refusal that the participant remembers under the request id (`ServiceError.is_remembered`) is definite. Any other,
such as that of a schema or a fingerprint which a deployment has changed, leaves the outcome unknown.

A saga that keeps failing is STUCK, and is tried again at growing intervals. From the pivot on, an unavailable participant
is no failure: it comes back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from common.background import is_being_cancelled
from common.backoff import backoff
from common.errors import (
    Busy,
    Internal,
    OutcomeUnknown,
    ServiceError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from common.messaging.outbox import OutgoingMessage
from common.telemetry.correlation import set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.tracing import span
from orchestrator.saga_engine.errors import StaleEpoch
from orchestrator.saga_engine.observer import Observer, StepMoment
from orchestrator.saga_engine.plan import AnyPlan, SagaData, Step, StepKind
from orchestrator.saga_engine.record import SagaError, SagaRecord, SagaState
from orchestrator.saga_engine.repository import SagaLog
from orchestrator.saga_engine.retries import STUCK_ATTEMPTS, pause_seconds_after

__all__ = ["SagaRunner"]

FIRST_REPEAT_SECONDS: Final = 0.05
LONGEST_REPEAT_SECONDS: Final = 1.0
# Until a saga goes on whose participant was unavailable, or whose batch did nothing.
PATIENT_PAUSE_SECONDS: Final = 2.0
# A participant that is unavailable at the moment. The call is repeated at once, within the step timeout.
UNAVAILABLE: Final = (Unavailable, Busy, TooManyRequests, Unauthenticated)

Result = TypeVar("Result")
logger = get_logger(__name__)


class SagaRunner:
    """Runs sagas of one kind. It holds no state: any process can continue where another stopped."""

    def __init__(self, plan: AnyPlan, log: SagaLog, observer: Observer) -> None:
        self.plan = plan
        self._log = log
        self._observer = observer

    async def create(self, saga: SagaRecord) -> tuple[SagaRecord, bool]:
        """Store a new saga. Return it as it is to be stored, and whether it was: False if its id exists.

        A lapsing first step runs before the write: it needs no intent.
        """
        step = self.plan.step(saga.step)
        messages: list[OutgoingMessage] = []
        if step.lapses:
            await self._observer.moment_reached(StepMoment.BEFORE_ACTION, step.name, saga)
            data = await self._act(saga)
            await self._observer.moment_reached(StepMoment.AFTER_ACTION, step.name, saga)
            saga, messages = self._record_entering(saga.with_changes(saga_id=data.saga_id, data=data), 1)
        step_timeout_seconds = self.plan.timeout_of(self.plan.step(saga.step))
        if not await self._log.insert(saga, messages=messages, step_timeout_seconds=step_timeout_seconds):
            return saga, False
        if step.lapses:
            await self._observer.moment_reached(StepMoment.AFTER_WRITE, step.name, saga)
        return saga, True

    async def run(self, saga: SagaRecord) -> SagaRecord:
        """Run the saga as far as possible now and return it as it was last written.

        Raises:
            StaleEpoch: another process has taken the saga over.
        """
        set_correlation_id(saga.correlation_id)
        if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
            saga = await self._attempt(self._renew_lease, saga)
        if saga.state is SagaState.STUCK:
            # Not written: the saga is shown as STUCK until a step succeeds.
            saga = saga.with_changes(state=self.direction_of(saga))
        while saga.state in {SagaState.RUNNING, SagaState.UNWINDING} and not saga.is_paused:
            saga = await self._attempt(self._forward if saga.state is SagaState.RUNNING else self._backward, saga)
        return saga

    def direction_of(self, saga: SagaRecord) -> SagaState:
        """Return how a stuck saga goes on: before its pivot it unwinds, from the pivot on it goes forward."""
        return SagaState.RUNNING if self.plan.only_goes_forward(saga.step) else SagaState.UNWINDING

    async def _attempt(self, work: Callable[[SagaRecord], Awaitable[SagaRecord]], saga: SagaRecord) -> SagaRecord:
        """Do one step's work. Whatever it raises counts as an attempt of the saga."""
        try:
            return await work(saga)
        except StaleEpoch:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            facts = {"saga_id": str(saga.saga_id), "kind": saga.kind, "step": saga.step, "attempts": saga.attempts}
            logger.exception("saga.attempt_failed", **facts)
            return await self._on_failed_attempt(saga, error)

    async def _on_failed_attempt(self, saga: SagaRecord, error: BaseException) -> SagaRecord:
        failed = saga.with_changes(attempts=saga.attempts + 1)
        stuck = None
        if failed.attempts >= STUCK_ATTEMPTS:
            reason = error if isinstance(error, ServiceError) else Internal(reason=repr(error))
            stuck = SagaError.of_stuck(saga.error, reason, step=saga.step)
        await self._log.count_attempt(failed, stuck=stuck, pause_seconds=pause_seconds_after(failed.attempts))
        failed = failed.with_changes(is_paused=True)
        if stuck is None:
            return failed
        failed = failed.with_changes(state=SagaState.STUCK, error=stuck)
        await self._observer.moment_reached(StepMoment.AFTER_WRITE, saga.step, failed)
        return failed

    async def _renew_lease(self, saga: SagaRecord) -> SagaRecord:
        """Renew the lease for a step with a long timeout: the statement that took the saga over did not know its step."""
        step_timeout_seconds = self.plan.timeout_of(self.plan.step(saga.step))
        if step_timeout_seconds > self.plan.step_timeout_seconds:
            await self._log.advance(saga, step_timeout_seconds=step_timeout_seconds)
        return saga

    async def _forward(self, saga: SagaRecord) -> SagaRecord:
        step = self.plan.step(saga.step)
        await self._observer.moment_reached(StepMoment.BEFORE_ACTION, step.name, saga)
        try:
            data = await self._act(saga)
        except ServiceError as error:
            decide = self._on_refusal if error.is_remembered else self._on_unknown
            return await decide(saga, step, error)
        await self._observer.moment_reached(StepMoment.AFTER_ACTION, step.name, saga)
        if not step.is_over(data):
            return await self._do_more(saga, step, data)
        entered, messages = self._record_entering(
            saga.with_changes(data=data, error=None), self.plan.index_of(step.name) + 1
        )
        return await self._write(entered, step, messages)

    async def _act(self, saga: SagaRecord) -> SagaData:
        """Run the present step's action, and repeat it within the step timeout while its outcome is unknown."""
        step = self.plan.step(saga.step)
        action = step.action
        assert action is not None  # noqa: S101 - no saga runs at a step without one
        call = self.plan.action_call(saga.saga_id, saga.step, round_number=saga.round_number, retries=saga.retries)
        return await self._timed(step, saga, "action", lambda: action(saga.data, call))

    async def _do_more(self, saga: SagaRecord, step: Step[Any], data: SagaData) -> SagaRecord:
        """Store the progress and stay at the step; without progress, pause first."""
        if data == saga.data:
            unchanged = saga.with_changes(error=None, attempts=0)
            await self._log.advance(
                unchanged, step_timeout_seconds=self.plan.timeout_of(step), pause_seconds=PATIENT_PAUSE_SECONDS
            )
            return unchanged.with_changes(is_paused=True)
        return await self._write(saga.with_changes(data=data, error=None, attempts=0), step)

    async def _on_unknown(self, saga: SagaRecord, step: Step[Any], error: ServiceError) -> SagaRecord:
        """Handle an unknown outcome: an undoable step is undone, whether it happened or not; others are tried again."""
        _log_failure("saga.step_unknown", saga, step, error)
        if step.kind is not StepKind.UNDOABLE:
            return await self._try_later(saga, step, error, is_failure=not isinstance(error, UNAVAILABLE))
        unwinding = self._record_unwinding(saga, SagaError.of(error, step=step.name), includes_step=True)
        return await self._write(unwinding, step)

    async def _on_refusal(self, saga: SagaRecord, step: Step[Any], error: ServiceError) -> SagaRecord:
        """Handle a definite refusal: nothing was done, and this request id will never be done."""
        reason = SagaError.of(error, step=step.name)
        if step.kind is StepKind.MUST_FINISH:
            _log_failure("saga.step_refused", saga, step, error)
            refused = saga.with_changes(attempts=max(saga.attempts, STUCK_ATTEMPTS - 1), retries=saga.retries + 1)
            return await self._try_later(refused, step, error)
        if error.code in step.back_to_wait_on:
            return await self._back_to_wait(saga, step, reason)
        return await self._write(self._record_unwinding(saga, reason), step)

    async def _back_to_wait(self, saga: SagaRecord, step: Step[Any], reason: SagaError) -> SagaRecord:
        entered, _ = self._record_entering(saga, self.plan.wait_before(saga.step))
        waiting = entered.with_changes(round_number=saga.round_number + 1, error=reason)
        return await self._write(waiting, step)

    async def _backward(self, saga: SagaRecord) -> SagaRecord:
        step = self.plan.step(saga.step)
        if step.kind is StepKind.WAIT:
            return await self._unwind_wait(saga, step)
        undo = step.undo
        assert undo is not None  # noqa: S101 - only undoable steps are unwound
        assert saga.error is not None  # noqa: S101 - nothing unwinds without a reason
        call = self.plan.undo_call(
            saga.saga_id,
            saga.step,
            round_number=saga.round_number,
            retries=saga.retries,
            reason=saga.error.code,
        )
        await self._observer.moment_reached(StepMoment.BEFORE_UNDO, step.name, saga)
        try:
            await self._timed(step, saga, "undo", lambda: undo(saga.data, call))
        except ServiceError as error:
            _log_failure("saga.undo_failed", saga, step, error)
            # A refused undo did nothing, or another call has done it: a new request id is safe, and can succeed.
            is_refused = not isinstance(error, (*UNAVAILABLE, Internal))
            return await self._try_later(saga.with_changes(retries=saga.retries + is_refused), step, error)
        await self._observer.moment_reached(StepMoment.AFTER_UNDO, step.name, saga)
        unwound = self._record_unwinding(saga, saga.error)
        return await self._write(unwound, step, self._final_messages(unwound))

    async def _unwind_wait(self, saga: SagaRecord, step: Step[Any]) -> SagaRecord:
        """Unwind a saga that a caller or its deadline ended while it waited."""
        assert step.expired is not None  # noqa: S101 - every wait has one
        reason = saga.error or SagaError.of(step.expired(), step=step.name)
        return await self._write(self._record_unwinding(saga, reason), step)

    async def _try_later(
        self, saga: SagaRecord, step: Step[Any], error: ServiceError, *, is_failure: bool = True
    ) -> SagaRecord:
        """Release the saga: after a pause, any process tries the step again. After too many failures it is STUCK.

        Args:
            is_failure: it counts, and the pause grows; otherwise the participant is only unavailable.
        """
        later = saga.with_changes(attempts=saga.attempts + is_failure)
        if later.attempts >= STUCK_ATTEMPTS:
            reason = SagaError.of_stuck(saga.error, error, step=step.name)
            stuck = later.with_changes(state=SagaState.STUCK, error=reason)
            return await self._write(stuck, step, pause_seconds=pause_seconds_after(stuck.attempts))
        await self._log.advance(
            later,
            step_timeout_seconds=self.plan.timeout_of(step),
            pause_seconds=pause_seconds_after(later.attempts) if is_failure else PATIENT_PAUSE_SECONDS,
        )
        return later.with_changes(is_paused=True)

    def _record_entering(self, saga: SagaRecord, index: int) -> tuple[SagaRecord, list[OutgoingMessage]]:
        """Return the saga as it enters a step, with the messages of the publish steps on the way. Nothing is written."""
        messages = []
        while index < len(self.plan.steps) and (make_message := self.plan.steps[index].message) is not None:
            if (message := make_message(saga.data)) is not None:
                messages.append(message)
            index += 1
        if index == len(self.plan.steps):
            return saga.with_changes(state=SagaState.COMPLETED, step="", attempts=0), messages
        step = self.plan.steps[index]
        if step.deadline is not None:  # it is a wait
            due_at = step.deadline(saga.data)
            return saga.with_changes(state=SagaState.WAITING, step=step.name, attempts=0, due_at=due_at), messages
        return saga.with_changes(state=SagaState.RUNNING, step=step.name, attempts=0), messages

    def _record_unwinding(self, saga: SagaRecord, error: SagaError, *, includes_step: bool = False) -> SagaRecord:
        """Return the saga as it undoes the nearest undoable step before its own, or its own. Nothing is written."""
        step = self.plan.undoable_before(self.plan.index_of(saga.step) + includes_step)
        if step is None:
            return saga.with_changes(state=SagaState.UNWOUND, step="", error=error, attempts=0)
        return saga.with_changes(state=SagaState.UNWINDING, step=step.name, error=error, attempts=0)

    def _final_messages(self, saga: SagaRecord) -> list[OutgoingMessage]:
        if saga.state is not SagaState.UNWOUND or self.plan.on_unwound is None or saga.error is None:
            return []
        message = self.plan.on_unwound(saga.data, saga.error.code)
        return [] if message is None else [message]

    async def _write(
        self,
        saga: SagaRecord,
        step: Step[Any],
        messages: list[OutgoingMessage] | None = None,
        *,
        pause_seconds: float = 0.0,
    ) -> SagaRecord:
        following = self.plan.step(saga.step) if saga.step else step
        await self._log.advance(
            saga,
            messages=messages or (),
            step_timeout_seconds=self.plan.timeout_of(following),
            pause_seconds=pause_seconds,
        )
        await self._observer.moment_reached(StepMoment.AFTER_WRITE, step.name, saga)
        return saga

    async def _timed(
        self, step: Step[Any], saga: SagaRecord, phase: str, work: Callable[[], Awaitable[Result]]
    ) -> Result:
        started_at = time.perf_counter()
        try:
            with span(step.name if phase == "action" else f"undo: {step.name}"):
                return await _repeat_while_unknown(work, step_timeout_seconds=self.plan.timeout_of(step))
        finally:
            self._observer.step_ended(time.perf_counter() - started_at, phase=phase, step=step.name, saga=saga)


def _log_failure(name: str, saga: SagaRecord, step: Step[Any], error: ServiceError) -> None:
    facts = {"saga_id": str(saga.saga_id), "step": step.name, "code": error.code, "attempts": saga.attempts}
    logger.warning(name, **(error.private | facts))


async def _repeat_while_unknown(work: Callable[[], Awaitable[Result]], *, step_timeout_seconds: float) -> Result:
    """Repeat a call within the step timeout while its outcome is unknown. Refusals are raised at once."""
    pauses = backoff(FIRST_REPEAT_SECONDS, longest_seconds=LONGEST_REPEAT_SECONDS)
    give_up_at = time.monotonic() + step_timeout_seconds
    try:
        async with asyncio.timeout(step_timeout_seconds):
            while True:
                pause_seconds = next(pauses)
                try:
                    return await work()
                except TooManyRequests:
                    raise  # a repetition would be refused too
                except (*UNAVAILABLE, Internal):
                    if time.monotonic() + pause_seconds >= give_up_at:
                        raise
                except ServiceError:
                    raise
                except Exception as error:
                    # An unreadable response, or a bug in the step: it decides nothing either.
                    if time.monotonic() + pause_seconds >= give_up_at:
                        logger.exception("saga.step_crashed")
                        raise Internal(reason=repr(error)) from error
                await asyncio.sleep(pause_seconds)
    except TimeoutError as error:
        raise OutcomeUnknown from error
