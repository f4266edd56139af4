"""What can go wrong with a saga's calls: a plan whose steps fail to order.

A fault stands between the engine and a step's action or undo, where the network is. It is given the call as something
to be awaited, and may refuse it, do it and lose the answer, do it twice, or keep it for later.
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
    "faulty",
    "racing",
    "recorded",
    "refused",
    "refused_once",
    "repeated",
    "request_lost",
    "response_lost",
    "undecided",
    "withheld",
]

Phase = Literal["action", "undo"]
RemoteCall: TypeAlias = Callable[[], Awaitable[Any]]
"""One call of a participant, with its request id: doing it again is a repetition."""
Fault: TypeAlias = Callable[[RemoteCall], Awaitable[Any]]

INJECTED_REFUSAL: Final = "INJECTED_REFUSAL"
FOREVER: Final = 1_000_000
UNDECIDED: Final = (Unavailable, Busy)
# How often an impatient step's call fails before the engine gives up on it. Counted instead of timed, so that a busy
# machine does not end the calls that nothing is wrong with.
FAILURES_UNTIL_TIMEOUT: Final = 3


class Faults:
    """Faults by step and phase; where none was ordered, all goes well."""

    def __init__(self) -> None:
        self.triggered: set[tuple[str, Phase]] = set()
        self._injected: dict[tuple[str, Phase], Fault] = {}
        self._failures: Counter[tuple[str, Phase]] = Counter()
        self._limited: set[tuple[str, Phase]] = set()

    def inject(self, step: str, phase: Phase, fault: Fault, *, retries_forever: bool = True) -> "Faults":
        """Let calls of a step go wrong.

        Args:
            is_patient: False lets the engine give up on the call after a few failures.
        """
        self._injected[step, phase] = fault
        if not retries_forever:
            self._limited.add((step, phase))
        return self

    def lift(self) -> None:
        """Let all go well from now on."""
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
    """Return the same story with the faults in it."""
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
    """Return the same error as one that the engine does not repeat the call after, as at the end of its patience."""
    kind = type(f"Last{type(error).__name__}", (type(error), TooManyRequests), {})
    last: ServiceError = kind()
    return last


async def refused(_: RemoteCall) -> Any:
    """Say no, before anything is done, every time it is asked."""
    raise Conflict(code=INJECTED_REFUSAL)


def refused_once(refusal: ServiceError) -> Fault:
    """Say no for a reason that may be gone the next time."""
    return _failing(refusal, times=1)


def request_lost(times: int) -> Fault:
    """Let calls get lost on their way there."""
    return _failing(OutcomeUnknown(), times=times)


def undecided(times: int) -> Fault:
    """Let the participant say, before anything is done, that it cannot decide right now."""
    return _failing(Busy(), times=times)


def _failing(error: ServiceError, *, times: int) -> Fault:
    failures = itertools.count()

    async def fault(call: RemoteCall) -> Any:
        if next(failures) < times:
            raise error
        return await call()

    return fault


def response_lost(times: int) -> Fault:
    """Let calls be done and their answers get lost on the way back."""
    losses = itertools.count()

    async def fault(call: RemoteCall) -> Any:
        answer = await call()
        if next(losses) < times:
            raise OutcomeUnknown
        return answer

    return fault


async def repeated(call: RemoteCall) -> Any:
    """Do it twice, as after an answer that came too late."""
    await call()
    return await call()


def recorded(calls: list[RemoteCall]) -> Fault:
    """Do it, and keep it to do it again some day."""

    async def fault(call: RemoteCall) -> Any:
        calls.append(call)
        return await call()

    return fault


def withheld(calls: list[RemoteCall], *, then: ServiceError) -> Fault:
    """Keep the call under way, for later, and answer nothing; answer its repetitions with `then`."""

    async def fault(call: RemoteCall) -> Any:
        calls.append(call)
        raise OutcomeUnknown if len(calls) == 1 else then

    return fault


def racing(calls: list[RemoteCall]) -> Fault:
    """Let what was kept arrive at the same moment as this call."""

    async def fault(call: RemoteCall) -> Any:
        answer, *_ = await asyncio.gather(call(), *(late() for late in calls), return_exceptions=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return fault
