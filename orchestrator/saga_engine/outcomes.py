"""A saga's outcome for its caller, and the saga that an earlier request with the same key started."""

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

# Kinds of errors that do not depend on the request: the same request may succeed the next time.
PASSING: Final = frozenset({Unavailable.kind, OutcomeUnknown.kind, TooManyRequests.kind, Busy.kind})


def saga_id_of(operation: str, *, user_id: uuid.UUID, key: str | None) -> uuid.UUID:
    """Return the id of the saga that a request starts. A repeated request with a key gets the same id."""
    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()


async def earlier(
    engine: SagaEngine, saga_id: uuid.UUID, *, key: str | None, fingerprint: str
) -> tuple[uuid.UUID, SagaRecord | None]:
    """Return the saga that the same request started before; otherwise the id to start it under, and None.

    A saga that unwound because a service was unavailable does not count: the same key tries again.

    Raises:
        Unprocessable: another request used the key.
    """
    if key is None:
        return saga_id, None
    tried = await attempts(engine, saga_id)
    last = tried.done or tried.refused
    if last is None:
        return saga_id, None
    if last.fingerprint != fingerprint:
        raise Unprocessable
    return (tried.next_id, None) if _may_succeed_next_time(last) else (last.saga_id, last)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Sagas that tried what may be done once: one that did it or is running; else the next id and the last refused one."""

    next_id: uuid.UUID
    done: SagaRecord | None = None
    refused: SagaRecord | None = None


async def attempts(engine: SagaEngine, first_id: uuid.UUID) -> Attempts:
    """Return the last of the sagas that tried the same. A refused one did nothing; the next attempt gets the next id.

    Attempts are numbered without a gap, so doubling and halving finds the last of ten thousand in some twenty reads.
    """
    last, saga, missing = -1, None, 0
    while (attempt := await engine.find(_attempt_id(first_id, missing))) is not None:
        last, saga, missing = missing, attempt, 2 * missing + 1
    while missing - last > 1:
        middle = (last + missing) // 2
        attempt = await engine.find(_attempt_id(first_id, middle))
        if attempt is None:
            missing = middle
        else:
            last, saga = middle, attempt
    if saga is None or saga.state is SagaState.UNWOUND:
        return Attempts(_attempt_id(first_id, missing), refused=saga)
    return Attempts(saga.saga_id, done=saga)


async def refuse_again(
    engine: SagaEngine, saga_id: uuid.UUID, signal: str, *, signalled_by: uuid.UUID, key: str | None
) -> None:
    """Raise the refusal that an earlier request with that key got, if any.

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
    """Return a saga that got past its opening steps, whatever its state is now.

    Raises:
        StillRunning: the saga is still running.
        ServiceError: the reason why it did not get past them.
    """
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.error is not None and saga.error.step in opening:
        raise saga.error.to_error()
    return saga


def succeeded(saga: SagaRecord) -> SagaRecord:
    """Return a saga that completed or waits.

    Raises:
        StillRunning: the saga is still running, or stuck.
        ServiceError: the reason why it failed.
    """
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
        raise failure_of(saga)
    return saga


def failure_of(saga: SagaRecord, *, expired: type[ServiceError] = Unavailable) -> ServiceError:
    """Return why a saga unwinds. Without a stored reason, the deadline of its wait has passed."""
    return expired() if saga.error is None else saga.error.to_error()


def was_refused(saga: SagaRecord) -> bool:
    """Return whether the saga unwound for a reason that the same request would meet again."""
    return saga.error is not None and saga.error.kind not in PASSING


def _may_succeed_next_time(saga: SagaRecord) -> bool:
    return saga.state is SagaState.UNWOUND and saga.error is not None and saga.error.kind in PASSING


def _attempt_id(first_id: uuid.UUID, number: int) -> uuid.UUID:
    return uuid.uuid5(first_id, f"attempt {number}") if number else first_id
