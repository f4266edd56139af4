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
    "FOR_GOOD",
    "ORDERED_REFUSAL",
    "Deed",
    "Fault",
    "Faults",
    "Phase",
    "answer_lost",
    "faulty",
    "kept",
    "racing",
    "refused",
    "refused_once",
    "repeated",
    "unanswered",
    "undecided",
    "withheld",
]

Phase = Literal["action", "undo"]
Deed: TypeAlias = Callable[[], Awaitable[Any]]
"""One call of a participant, with its request id: doing it again is a repetition."""
Fault: TypeAlias = Callable[[Deed], Awaitable[Any]]

ORDERED_REFUSAL: Final = "ORDERED_REFUSAL"
FOR_GOOD: Final = 1_000_000
UNDECIDED: Final = (Unavailable, Busy)
# How often an impatient step's call fails before the engine gives up on it. Counted instead of timed, so that a busy
# machine does not end the calls that nothing is wrong with.
FAILURES_TILL_GIVEN_UP: Final = 3


class Faults:
    """Faults by step and phase; where none was ordered, all goes well."""

    def __init__(self) -> None:
        self.struck: set[tuple[str, Phase]] = set()
        self._ordered: dict[tuple[str, Phase], Fault] = {}
        self._failures: Counter[tuple[str, Phase]] = Counter()
        self._impatient: set[tuple[str, Phase]] = set()

    def order(self, step: str, phase: Phase, fault: Fault, *, is_patient: bool = True) -> "Faults":
        """Let calls of a step go wrong.

        Args:
            is_patient: False lets the engine give up on the call after a few failures.
        """
        self._ordered[step, phase] = fault
        if not is_patient:
            self._impatient.add((step, phase))
        return self

    def lift(self) -> None:
        """Let all go well from now on."""
        self._ordered.clear()

    async def strike(self, step: str, phase: Phase, deed: Deed) -> Any:
        fault = self._ordered.get((step, phase))
        if fault is None:
            return await deed()
        self.struck.add((step, phase))
        try:
            return await fault(deed)
        except UNDECIDED as error:
            self._failures[step, phase] += 1
            if (step, phase) in self._impatient and self._failures[step, phase] % FAILURES_TILL_GIVEN_UP == 0:
                raise given_up(error) from error
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
        done: SagaData = await faults.strike(step.name, "action", lambda: action(data, call))
        return done

    async def take_back(data: SagaData, call: Call) -> None:
        assert undo is not None
        await faults.strike(step.name, "undo", lambda: undo(data, call))

    return replace(step, action=act if action else None, undo=take_back if undo else None)


def given_up(error: ServiceError) -> ServiceError:
    """Return the same error as one that the engine does not repeat the call after, as at the end of its patience."""
    kind = type(f"Last{type(error).__name__}", (type(error), TooManyRequests), {})
    last: ServiceError = kind()
    return last


async def refused(_: Deed) -> Any:
    """Say no, before anything is done, every time it is asked."""
    raise Conflict(code=ORDERED_REFUSAL)


def refused_once(refusal: ServiceError) -> Fault:
    """Say no for a reason that may be gone the next time."""
    return _failing(refusal, times=1)


def unanswered(times: int) -> Fault:
    """Let calls get lost on their way there."""
    return _failing(OutcomeUnknown(), times=times)


def undecided(times: int) -> Fault:
    """Let the participant say, before anything is done, that it cannot decide right now."""
    return _failing(Busy(), times=times)


def _failing(error: ServiceError, *, times: int) -> Fault:
    failures = itertools.count()

    async def fault(deed: Deed) -> Any:
        if next(failures) < times:
            raise error
        return await deed()

    return fault


def answer_lost(times: int) -> Fault:
    """Let calls be done and their answers get lost on the way back."""
    losses = itertools.count()

    async def fault(deed: Deed) -> Any:
        answer = await deed()
        if next(losses) < times:
            raise OutcomeUnknown
        return answer

    return fault


async def repeated(deed: Deed) -> Any:
    """Do it twice, as after an answer that came too late."""
    await deed()
    return await deed()


def kept(deeds: list[Deed]) -> Fault:
    """Do it, and keep it to do it again some day."""

    async def fault(deed: Deed) -> Any:
        deeds.append(deed)
        return await deed()

    return fault


def withheld(deeds: list[Deed], *, then: ServiceError) -> Fault:
    """Keep the call under way, for later, and answer nothing; answer its repetitions with `then`."""

    async def fault(deed: Deed) -> Any:
        deeds.append(deed)
        raise OutcomeUnknown if len(deeds) == 1 else then

    return fault


def racing(deeds: list[Deed]) -> Fault:
    """Let what was kept arrive at the same moment as this call."""

    async def fault(deed: Deed) -> Any:
        answer, *_ = await asyncio.gather(deed(), *(late() for late in deeds), return_exceptions=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return fault
