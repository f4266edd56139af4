"""What a saga means to whoever asked for it, and how a repeated request finds the first one's saga."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from common.errors import (
    Busy,
    OutcomeUnknown,
    ServiceError,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = [
    "Attempts",
    "attempts",
    "earlier",
    "failure_of",
    "opened",
    "refuse_again",
    "saga_id_of",
    "succeeded",
    "was_refused",
]

# Why a saga may have unwound that says nothing of the request: the same one may go well the next time.
PASSING: Final = frozenset({Unavailable.kind, OutcomeUnknown.kind, TooManyRequests.kind, Busy.kind})


def saga_id_of(operation: str, *, user_id: uuid.UUID, key: str | None) -> uuid.UUID:
    """Return the id of the saga that a request starts: the same one for a repeated request with a key."""
    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()


async def earlier(
    engine: SagaEngine, saga_id: uuid.UUID, *, key: str | None, fingerprint: str
) -> tuple[uuid.UUID, SagaRecord | None]:
    """Return the saga that the same request has started before; or the id to start it under, and None.

    One that came to nothing because somebody was away does not count: with the same key it is tried anew.

    Raises:
        Unprocessable: the key came with another request.
    """
    if key is None:
        return saga_id, None
    tried = await attempts(engine, saga_id)
    last = tried.done or tried.refused
    if last is None:
        return saga_id, None
    if last.fingerprint != fingerprint:
        raise Unprocessable
    return (tried.next_id, None) if _came_to_nothing(last) else (last.saga_id, last)


@dataclass(frozen=True, slots=True)
class Attempts:
    """At what may be done once: one that did it or is at it; otherwise the id to try under, and the last refused one."""

    next_id: uuid.UUID
    done: SagaRecord | None = None
    refused: SagaRecord | None = None


async def attempts(engine: SagaEngine, first_id: uuid.UUID) -> Attempts:
    """Look for the last of the sagas that tried the same. One that was refused did nothing; the next gets the next id.

    Attempts are numbered without a gap, so the last is found by doubling and halving: whoever asks in vain ten thousand
    times makes nobody walk through them.
    """
    last, saga, missing = -1, None, 0
    while (found := await engine.find(_attempt_id(first_id, missing))) is not None:
        last, saga, missing = missing, found, 2 * missing + 1
    while missing - last > 1:
        middle = (last + missing) // 2
        found = await engine.find(_attempt_id(first_id, middle))
        if found is None:
            missing = middle
        else:
            last, saga = middle, found
    if saga is None or saga.state is SagaState.UNWOUND:
        return Attempts(_attempt_id(first_id, missing), refused=saga)
    return Attempts(saga.saga_id, done=saga)


async def refuse_again(
    engine: SagaEngine, saga_id: uuid.UUID, signal: str, *, signalled_by: uuid.UUID, key: str | None
) -> None:
    """Raise what a request with that key was refused with before, if it was.

    Raises:
        Unprocessable: the key signalled another saga.
        ServiceError: the refusal.
    """
    if key is None or (use := await engine.key_use(signalled_by=signalled_by, signal=signal, key=key)) is None:
        return
    used_for, refusal = use
    if used_for != saga_id:
        raise Unprocessable
    if refusal is not None:
        raise refusal.to_error()


def opened(saga: SagaRecord, *, opening: Collection[str]) -> SagaRecord:
    """Return a saga that got past its opening steps, whatever became of it since.

    Raises:
        StillRunning: it goes on by itself.
        ServiceError: why it did not.
    """
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.error is not None and saga.error.step in opening:
        raise saga.error.to_error()
    return saga


def succeeded(saga: SagaRecord) -> SagaRecord:
    """Return a saga that came to its end, or waits for what comes next, as asked.

    Raises:
        StillRunning: it goes on by itself; stuck or not, people or time will finish it.
        ServiceError: why it failed.
    """
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
        raise failure_of(saga)
    return saga


def failure_of(saga: SagaRecord, *, expired: type[ServiceError] = Unavailable) -> ServiceError:
    """Return why a saga unwinds; one that was just taken from its wait has no other reason than its deadline."""
    return expired() if saga.error is None else saga.error.to_error()


def was_refused(saga: SagaRecord) -> bool:
    """Whether it unwound for a reason that the same request would meet again."""
    return saga.error is not None and saga.error.kind not in PASSING


def _came_to_nothing(saga: SagaRecord) -> bool:
    return saga.state is SagaState.UNWOUND and saga.error is not None and saga.error.kind in PASSING


def _attempt_id(first_id: uuid.UUID, number: int) -> uuid.UUID:
    return uuid.uuid5(first_id, f"attempt {number}") if number else first_id
