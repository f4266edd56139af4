"""Runs a saga from where its record stands until it waits, ends, is stuck, or must pause.

The intent to act is committed before each remote call: the write that stores one step's result stores the next step's
intent. No transaction spans a call. No answer means *unknown*: the same request id is repeated. An answer that decides
nothing means the same: an earlier try of the call may still be under way.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from common.backoff import backoff
from common.errors import (
    Busy,
    Internal,
    OutcomeUnknown,
    PreconditionRequired,
    ServiceError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from common.telemetry.correlation import set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.tracing import span
from orchestrator.saga_engine.observer import Moment, Observer
from orchestrator.saga_engine.plan import AnyPlan, OutgoingMessage, SagaData, Step, StepKind
from orchestrator.saga_engine.record import SagaError, SagaRecord, SagaState
from orchestrator.saga_engine.repository import SagaLog

__all__ = ["SagaRunner"]

FIRST_REPEAT_SECONDS: Final = 0.05
LONGEST_REPEAT_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 5.0
NOTHING_MOVED_PAUSE_SECONDS: Final = 2.0
# At most five seconds apart and with six seconds of patience each, that is about ten minutes of trying.
UNDECIDED_ATTEMPTS: Final = 60
# What participants answer without remembering it: they could not look, or broke down on the way.
UNDECIDED: Final = (Unavailable, Busy, TooManyRequests, Unauthenticated, Internal)
# A definite "no" to an undo will not become a "yes"; a few more tries forgive a deployment in progress.
REFUSED_UNDO_ATTEMPTS: Final = 5

Result = TypeVar("Result")
logger = get_logger(__name__)


class SagaRunner:
    """Runs sagas of one kind. Holds no state: any process can go on where another stopped."""

    def __init__(self, plan: AnyPlan, log: SagaLog, observer: Observer) -> None:
        self.plan = plan
        self._log = log
        self._observer = observer

    async def run(self, saga: SagaRecord) -> SagaRecord:
        """Go on as far as possible now and return the saga as it was last written.

        Raises:
            StaleEpoch: another process has taken the saga over.
        """
        set_correlation_id(saga.correlation_id)
        await self._cover(saga)
        while saga.state in {SagaState.RUNNING, SagaState.UNWINDING} and not saga.is_paused:
            saga = await (self._forward(saga) if saga.state is SagaState.RUNNING else self._backward(saga))
        return saga

    def entering(self, saga: SagaRecord, index: int) -> tuple[SagaRecord, list[OutgoingMessage]]:
        """Return the saga as it is on arriving at a step, with the messages of the publish steps on the way."""
        messages = []
        while index < len(self.plan.steps) and self.plan.steps[index].message is not None:
            messages.append(self._message(self.plan.steps[index], saga.data))
            index += 1
        if index == len(self.plan.steps):
            return saga.moved(state=SagaState.COMPLETED, step=index, attempts=0), messages
        step = self.plan.steps[index]
        if step.kind is StepKind.WAIT:
            return saga.moved(state=SagaState.WAITING, step=index, attempts=0, due_at=_deadline(step, saga)), messages
        return saga.moved(state=SagaState.RUNNING, step=index, attempts=0), messages

    def unwinding_from(self, saga: SagaRecord, index: int, error: SagaError) -> SagaRecord:
        """Return the saga turned around: the undoable step before `index` is taken back next."""
        previous = self.plan.previous_undoable(index)
        state = SagaState.UNWINDING if previous >= 0 else SagaState.UNWOUND
        return saga.moved(state=state, step=previous, error=error, attempts=0)

    async def begin(self, saga: SagaRecord) -> tuple[SagaRecord, list[OutgoingMessage]]:
        """Return a new saga as it is to be stored, with the messages that leave in that write.

        A lapsing first step is done before: it needs no intent.
        """
        step = self.plan.steps[0]
        if not step.lapses:
            return saga, []
        await self._observer.reached(Moment.BEFORE_ACTION, step.name, saga)
        data = await self.act(saga)
        await self._observer.reached(Moment.AFTER_ACTION, step.name, saga)
        return self.entering(saga.moved(saga_id=data.saga_id, data=data), 1)

    async def stored(self, saga: SagaRecord) -> None:
        """Tell the observer that a new saga was stored, when that write holds a step's result."""
        step = self.plan.steps[0]
        if step.lapses:
            await self._observer.reached(Moment.AFTER_WRITE, step.name, saga)

    async def act(self, saga: SagaRecord) -> SagaData:
        """Do the present step's action, repeating it while its outcome is unknown and patience lasts."""
        step = self.plan.steps[saga.step]
        action = step.action
        assert action is not None  # noqa: S101 - steps without one are never the present step
        call = self.plan.action_call(saga.saga_id, saga.step, round_number=saga.round_number, retries=saga.retries)
        return await self._timed(step, saga, "action", lambda: action(saga.data, call))

    async def _cover(self, saga: SagaRecord) -> None:
        """Renew the lease for a step that takes longer than most: whoever took the saga over did not know its step."""
        if saga.state.is_final or not 0 <= saga.step < len(self.plan.steps):
            return
        step_timeout_seconds = self.plan.timeout_of(self.plan.steps[saga.step])
        if saga.state is SagaState.RUNNING and step_timeout_seconds > self.plan.step_timeout_seconds:
            await self._log.advance(saga, step_timeout_seconds=step_timeout_seconds)

    async def _forward(self, saga: SagaRecord) -> SagaRecord:
        step = self.plan.steps[saga.step]
        await self._observer.reached(Moment.BEFORE_ACTION, step.name, saga)
        try:
            data = await self.act(saga)
        except UNDECIDED as error:
            return await self._on_unknown(saga, step, error)
        except ServiceError as error:
            return await self._on_refusal(saga, step, error)
        await self._observer.reached(Moment.AFTER_ACTION, step.name, saga)
        if not step.is_over(data):
            return await self._do_more(saga, step, data)
        arrived, messages = self.entering(saga.moved(data=data, error=None), saga.step + 1)
        return await self._write(arrived, step, messages)

    async def _do_more(self, saga: SagaRecord, step: Step[Any], data: SagaData) -> SagaRecord:
        """Store the progress and stay at the step; when there was none, others need time first."""
        if data == saga.data:
            await self._log.advance(
                saga, step_timeout_seconds=self.plan.timeout_of(step), pause_seconds=NOTHING_MOVED_PAUSE_SECONDS
            )
            return saga.moved(is_paused=True)
        return await self._write(saga.moved(data=data, error=None, attempts=0), step)

    async def _on_unknown(self, saga: SagaRecord, step: Step[Any], error: ServiceError) -> SagaRecord:
        """No decision came. An undoable step is taken back, whether it happened or not; others are tried again."""
        _log_trouble("saga.step_unknown", saga, step, error)
        if step.kind is not StepKind.UNDOABLE:
            # Somebody who is away comes back; what keeps breaking down needs people.
            if isinstance(error, Internal) and saga.attempts + 1 >= UNDECIDED_ATTEMPTS:
                return await self._stick(saga, step, error)
            return await self._pause(saga, step)
        unwinding = self.unwinding_from(saga, saga.step + 1, SagaError.of(error, step=step.name))
        return await self._write(unwinding, step)

    async def _on_refusal(self, saga: SagaRecord, step: Step[Any], error: ServiceError) -> SagaRecord:
        """A definite no: nothing was done, and this request id will never be done."""
        reason = SagaError.of(error, step=step.name)
        if step.kind is StepKind.MUST_FINISH:
            return await self._stick(saga, step, error)
        if error.code in step.back_to_wait_on:
            return await self._back_to_wait(saga, step, reason)
        return await self._write(self.unwinding_from(saga, saga.step, reason), step)

    async def _back_to_wait(self, saga: SagaRecord, step: Step[Any], reason: SagaError) -> SagaRecord:
        arrived, _ = self.entering(saga, self.plan.wait_before(saga.step))
        waiting = arrived.moved(round_number=saga.round_number + 1, error=reason)
        # Who lacks a proof gives it and asks the same again; any other refusal is this request's answer for good.
        is_final = reason.kind != PreconditionRequired.kind
        return await self._write(waiting, step, refusal=reason if is_final else None)

    async def _backward(self, saga: SagaRecord) -> SagaRecord:
        step = self.plan.steps[saga.step]
        if step.kind is StepKind.WAIT:
            return await self._leave_wait(saga, step)
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
        await self._observer.reached(Moment.BEFORE_UNDO, step.name, saga)
        try:
            await self._timed(step, saga, "undo", lambda: undo(saga.data, call))
        except ServiceError as error:
            return await self._on_failed_undo(saga, step, error)
        await self._observer.reached(Moment.AFTER_UNDO, step.name, saga)
        unwound = self.unwinding_from(saga, saga.step, saga.error)
        return await self._write(unwound, step, self._final_messages(unwound))

    async def _leave_wait(self, saga: SagaRecord, step: Step[Any]) -> SagaRecord:
        """Turn a saga around that was ended while it waited: by somebody, or by its deadline."""
        assert step.expired is not None  # noqa: S101 - every wait has one
        reason = saga.error or SagaError.of(step.expired(), step=step.name)
        return await self._write(self.unwinding_from(saga, saga.step, reason), step)

    async def _on_failed_undo(self, saga: SagaRecord, step: Step[Any], error: ServiceError) -> SagaRecord:
        _log_trouble("saga.undo_failed", saga, step, error)
        limit = UNDECIDED_ATTEMPTS if isinstance(error, UNDECIDED) else REFUSED_UNDO_ATTEMPTS
        if saga.attempts + 1 < limit:
            return await self._pause(saga, step)
        return await self._stick(saga, step, error)

    async def _stick(self, saga: SagaRecord, step: Step[Any], error: ServiceError) -> SagaRecord:
        """Leave the saga to people. Why it unwinds is kept: the undos are called with it."""
        reason = replace(
            saga.error or SagaError.of(error, step=step.name),
            stuck_at=step.name,
            stuck_code=error.code,
            was_refused=not isinstance(error, UNDECIDED),
        )
        return await self._write(saga.moved(state=SagaState.STUCK, error=reason), step)

    async def _pause(self, saga: SagaRecord, step: Step[Any]) -> SagaRecord:
        """Leave the saga to whoever sees it first after a pause that grows with the attempts."""
        pause_seconds = min(0.25 * 2 ** min(saga.attempts, 10), LONGEST_PAUSE_SECONDS)
        paused = saga.moved(attempts=saga.attempts + 1)
        await self._log.advance(paused, step_timeout_seconds=self.plan.timeout_of(step), pause_seconds=pause_seconds)
        return paused.moved(is_paused=True)

    def _final_messages(self, saga: SagaRecord) -> list[OutgoingMessage]:
        if saga.state is not SagaState.UNWOUND or self.plan.on_unwound is None or saga.error is None:
            return []
        return [self.plan.on_unwound(saga.data, saga.error.code)]

    async def _write(
        self,
        saga: SagaRecord,
        step: Step[Any],
        messages: list[OutgoingMessage] | None = None,
        *,
        refusal: SagaError | None = None,
    ) -> SagaRecord:
        following = self.plan.steps[saga.step] if 0 <= saga.step < len(self.plan.steps) else step
        await self._log.advance(
            saga,
            messages=messages or (),
            step_timeout_seconds=self.plan.timeout_of(following),
            refusal=refusal,
            operation=following.name,
        )
        await self._observer.reached(Moment.AFTER_WRITE, step.name, saga)
        return saga

    async def _timed(
        self, step: Step[Any], saga: SagaRecord, phase: str, work: Callable[[], Awaitable[Result]]
    ) -> Result:
        started_at = time.perf_counter()
        try:
            with span(step.name if phase == "action" else f"undo: {step.name}"):
                return await _repeat_while_unknown(work, step_timeout_seconds=self.plan.timeout_of(step))
        finally:
            self._observer.took(time.perf_counter() - started_at, phase=phase, step=step.name, saga=saga)

    @staticmethod
    def _message(step: Step[Any], data: SagaData) -> OutgoingMessage:
        assert step.message is not None  # noqa: S101 - checked by the caller
        return step.message(data)


def _log_trouble(name: str, saga: SagaRecord, step: Step[Any], error: ServiceError) -> None:
    told = {"saga_id": str(saga.saga_id), "step": step.name, "code": error.code, "attempts": saga.attempts}
    logger.warning(name, **(error.private | told))


def _deadline(step: Step[Any], saga: SagaRecord) -> Any:
    assert step.deadline is not None  # noqa: S101 - every wait has one
    return step.deadline(saga.data)


async def _repeat_while_unknown(work: Callable[[], Awaitable[Result]], *, step_timeout_seconds: float) -> Result:
    """Repeat a call that nobody decided, within the patience. Refusals pass through at once."""
    pauses = backoff(FIRST_REPEAT_SECONDS, longest_seconds=LONGEST_REPEAT_SECONDS)
    give_up_at = time.monotonic() + step_timeout_seconds
    try:
        async with asyncio.timeout(step_timeout_seconds):
            while True:
                pause_seconds = next(pauses)
                try:
                    return await work()
                except TooManyRequests:
                    raise  # asking more would not help
                except UNDECIDED:
                    if time.monotonic() + pause_seconds >= give_up_at:
                        raise
                except ServiceError:
                    raise
                except Exception as error:
                    # An answer nobody can read, or a fault of our own: it decides nothing either.
                    if time.monotonic() + pause_seconds >= give_up_at:
                        logger.exception("saga.step_crashed")
                        raise Internal(reason=repr(error)) from error
                await asyncio.sleep(pause_seconds)
    except TimeoutError as error:
        raise OutcomeUnknown from error
