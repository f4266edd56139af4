"""Inject faults into a saga's calls: a plan whose steps fail as told.

A fault stands between the engine and a step's action or undo, where the network is. It gets the call as an awaitable
function, and may refuse it, make it and lose the response, make it twice, or keep it for later.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

from common.errors import Busy, Conflict, OutcomeUnknown, ServiceError, TooManyRequests, Unavailable
from orchestrator.saga_engine.plan import AnyPlan, Call, Plan, SagaData, Step

__all__ = [
    "FOREVER",
    "INJECTED_REFUSAL",
    "Fault",
    "Faults",
    "Phase",
    "RemoteCall",
    "done_and_refused_by_another_release",
    "faulty",
    "racing",
    "recorded",
    "refused",
    "refused_by_another_release",
    "refused_once",
    "repeated",
    "request_lost",
    "response_lost",
    "undecided",
    "withheld",
]

Phase = Literal["action", "undo"]
RemoteCall: TypeAlias = Callable[[], Awaitable[Any]]
"""A call of a participant with its request id: calling it again is a repetition."""
Fault: TypeAlias = Callable[[RemoteCall], Awaitable[Any]]

INJECTED_REFUSAL: Final = "INJECTED_REFUSAL"
FOREVER: Final = 1_000_000
UNDECIDED: Final = (Unavailable, Busy)
# How often a call with limited retries fails before it times out. Counted instead of timed, so that a busy machine does
# not end the other calls.
FAILURES_UNTIL_TIMEOUT: Final = 3


class Faults:
    """Faults by step and phase; other calls are unchanged."""

    def __init__(self) -> None:
        self.triggered: set[tuple[str, Phase]] = set()
        self._injected: dict[tuple[str, Phase], Fault] = {}
        self._failures: Counter[tuple[str, Phase]] = Counter()
        self._limited: set[tuple[str, Phase]] = set()

    def inject(self, step: str, phase: Phase, fault: Fault, *, retries_forever: bool = True) -> "Faults":
        """Inject a fault into the calls of a step.

        Args:
            retries_forever: False lets the call time out after a few failures.
        """
        self._injected[step, phase] = fault
        if not retries_forever:
            self._limited.add((step, phase))
        return self

    def lift(self) -> None:
        """Remove all faults."""
        self._injected.clear()

    async def apply(self, step: str, phase: Phase, call: RemoteCall) -> Any:
        fault = self._injected.get((step, phase))
        if fault is None:
            return await call()
        self.triggered.add((step, phase))
        try:
            return await fault(call)
        except UNDECIDED as error:
            self._failures[step, phase] += 1
            if (step, phase) in self._limited and self._failures[step, phase] % FAILURES_UNTIL_TIMEOUT == 0:
                raise timed_out(error) from error
            raise


def faulty(plan: AnyPlan, faults: Faults) -> AnyPlan:
    """Return the same plan with the faults in it."""
    steps = [_faulty_step(step, faults) for step in plan.steps]
    return Plan(
        plan.kind, plan.data, *steps, on_unwound=plan.on_unwound, step_timeout_seconds=plan.step_timeout_seconds
    )


def _faulty_step(step: Step[Any], faults: Faults) -> Step[Any]:
    action, undo = step.action, step.undo

    async def act(data: SagaData, call: Call) -> SagaData:
        assert action is not None
        done: SagaData = await faults.apply(step.name, "action", lambda: action(data, call))
        return done

    async def undo_step(data: SagaData, call: Call) -> None:
        assert undo is not None
        await faults.apply(step.name, "undo", lambda: undo(data, call))

    return replace(step, action=act if action else None, undo=undo_step if undo else None)


def timed_out(error: ServiceError) -> ServiceError:
    """Return an error after which the engine does not repeat the call, as after its timeout."""
    kind = type(f"Last{type(error).__name__}", (type(error), TooManyRequests), {})
    last: ServiceError = kind()
    return last


async def refused(_: RemoteCall) -> Any:
    """Refuse every call before it has an effect, as a participant that remembers it."""
    raise remembered(Conflict(code=INJECTED_REFUSAL))


def refused_once(refusal: ServiceError) -> Fault:
    """Refuse the first call, for a temporary reason; the participant remembers it."""
    return _failing(remembered(refusal), times=1)


def refused_by_another_release(refusal: ServiceError) -> Fault:
    """Refuse every call before it has an effect, as a release that does not know the call, or says nothing of it."""
    return _failing(refusal, times=FOREVER)


def done_and_refused_by_another_release(refusal: ServiceError) -> Fault:
    """Refuse every call although its work is done: its first response was lost, and then another release was asked."""

    async def fault(call: RemoteCall) -> Any:
        await call()
        raise refusal

    return fault


def remembered(refusal: ServiceError) -> ServiceError:
    refusal.is_remembered = True
    return refusal


def request_lost(times: int) -> Fault:
    """Lose the first calls on their way to the participant."""
    return _failing(OutcomeUnknown(), times=times)


def undecided(times: int) -> Fault:
    """Let the participant respond to the first calls that it is busy."""
    return _failing(Busy(), times=times)


def _failing(error: ServiceError, *, times: int) -> Fault:
    failures = itertools.count()

    async def fault(call: RemoteCall) -> Any:
        if next(failures) < times:
            raise error
        return await call()

    return fault


def response_lost(times: int) -> Fault:
    """Lose the first responses; the calls take effect."""
    losses = itertools.count()

    async def fault(call: RemoteCall) -> Any:
        answer = await call()
        if next(losses) < times:
            raise OutcomeUnknown
        return answer

    return fault


async def repeated(call: RemoteCall) -> Any:
    """Make the call twice, as after a late response."""
    await call()
    return await call()


def recorded(calls: list[RemoteCall]) -> Fault:
    """Make the call, and record it so that the test can repeat it."""

    async def fault(call: RemoteCall) -> Any:
        calls.append(call)
        return await call()

    return fault


def withheld(calls: list[RemoteCall], *, then: ServiceError) -> Fault:
    """Record the call for later and time out; fail its repetitions with `then`."""

    async def fault(call: RemoteCall) -> Any:
        calls.append(call)
        raise OutcomeUnknown if len(calls) == 1 else then

    return fault


def racing(calls: list[RemoteCall]) -> Fault:
    """Make the recorded calls at the same moment as this one."""

    async def fault(call: RemoteCall) -> Any:
        answer, *_ = await asyncio.gather(call(), *(late() for late in calls), return_exceptions=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return fault
