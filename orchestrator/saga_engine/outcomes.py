"""Outcomes of sagas for their callers, and how a repeated request finds the first request's saga."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from common.db.idempotency import fingerprint_of
from common.errors import (
    Busy,
    OutcomeUnknown,
    ServiceError,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = [
    "Attempts",
    "attempts",
    "check_cancelled",
    "data_of",
    "failure_of",
    "find_settled",
    "opened",
    "refuse_again",
    "request_id_of",
    "signal_once",
    "start_once",
    "succeeded",
    "was_refused",
]

Data = TypeVar("Data", bound=SagaData)
Prepare = Callable[[uuid.UUID], Awaitable[SagaData]]

# A saga that unwound for one of these reasons says nothing of its request: the same request may succeed the next time.
TRANSIENT: Final = frozenset({Unavailable.kind, OutcomeUnknown.kind, TooManyRequests.kind, Busy.kind})


def request_id_of(operation: str, *, user_id: uuid.UUID, key: str | None) -> uuid.UUID:
    """Return a request's id, or that of the saga it starts: the same id for a repeated request with a key."""
    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()


async def start_once(
    engine: SagaEngine,
    kind: str,
    prepare: Prepare,
    *,
    operation: str,
    requested_by: uuid.UUID,
    key: str | None,
    request: Mapping[str, object],
) -> SagaRecord:
    """Return the saga that the same request has started before; otherwise start one.

    A saga that unwound because a service was unavailable does not count: with the same key it is started again.

    Args:
        prepare: checks the request and returns the data of the saga, whose id it is given.
        operation: the operation that the key belongs to.
        request: the request's content, for its fingerprint.

    Raises:
        Unprocessable: the key came with another request.
    """
    fingerprint = fingerprint_of(request)
    saga_id = request_id_of(operation, user_id=requested_by, key=key)
    if key is not None:
        tried = await attempts(engine, saga_id)
        last = tried.done or tried.refused
        if last is not None and last.fingerprint != fingerprint:
            raise Unprocessable
        if last is not None and not _failed_transiently(last):
            return last
        saga_id = saga_id if last is None else tried.next_id
    return await engine.start(kind, await prepare(saga_id), requested_by=requested_by, fingerprint=fingerprint)


async def signal_once(
    engine: SagaEngine, saga_id: uuid.UUID, signal: str, *, kind: str, signalled_by: uuid.UUID, key: str | None
) -> SagaRecord | None:
    """Signal a saga and return it; a repeated or late signal finds how the saga settled, or None when there is none.

    The caller has checked who may signal the saga.

    Raises:
        Busy: another signal is being handled.
        Unprocessable: the key signalled another saga.
        StillRunning: it goes on in the background.
        ServiceError: the refusal that the same signal got before.
    """
    saga = await engine.signal(saga_id, signal, kind=kind, signalled_by=signalled_by, key=key, by_starter_only=False)
    if saga is not None:
        return saga
    await refuse_again(engine, saga_id, signal, signalled_by=signalled_by, key=key)
    return await find_settled(engine, saga_id)


async def find_settled(engine: SagaEngine, saga_id: uuid.UUID) -> SagaRecord | None:
    """Return a saga that did not wait for a signal.

    Raises:
        Busy: it runs, or waits again by now.
    """
    saga = await engine.find(saga_id)
    if saga is not None and saga.state in {SagaState.RUNNING, SagaState.WAITING}:
        raise Busy(retry_after_seconds=1)
    return saga


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts at a unique operation: `done` did it or is doing it, otherwise `next_id` is free to try.

    `refused` is the last refused attempt.
    """

    next_id: uuid.UUID
    done: SagaRecord | None = None
    refused: SagaRecord | None = None


async def attempts(engine: SagaEngine, first_id: uuid.UUID) -> Attempts:
    """Find the last attempt at an operation. A refused attempt changed nothing; the next attempt gets the next id.

    Attempts are numbered without a gap, so the last one is found by doubling and bisection: the cost grows with the
    logarithm of the number of attempts.
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
    """Raise the refusal that the signal with this key got before, if there is one.

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
    """Return a saga that completed its opening steps, whatever its state is now.

    Raises:
        StillRunning: it goes on in the background.
        ServiceError: why an opening step failed.
    """
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.error is not None and saga.error.step in opening:
        raise saga.error.to_error()
    return saga


def succeeded(saga: SagaRecord) -> SagaRecord:
    """Return a saga that completed, or waits for its signal, as requested.

    Raises:
        StillRunning: it goes on in the background; if it is stuck, an admin retries it.
        ServiceError: why it failed.
    """
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.state in {SagaState.UNWINDING, SagaState.UNWOUND}:
        raise failure_of(saga)
    return saga


def check_cancelled(saga: SagaRecord, reason: type[ServiceError], *, otherwise: ServiceError) -> None:
    """Check that a saga was ended while it waited, for `reason`.

    Raises:
        Busy: it runs.
        StillRunning: it is being unwound.
        ServiceError: `otherwise`, it ended differently.
    """
    if saga.state is SagaState.RUNNING:
        raise Busy(retry_after_seconds=1)
    if saga.error is None or saga.error.code != reason.code:
        raise otherwise
    if saga.state is not SagaState.UNWOUND:
        raise StillRunning(saga.saga_id)


def data_of(saga: SagaRecord | None, model: type[Data], *, otherwise: type[ServiceError]) -> Data:
    """Return a saga's data.

    Raises:
        ServiceError: `otherwise`, there is no such saga, or it is of another kind.
    """
    if saga is None or not isinstance(saga.data, model):
        raise otherwise
    return saga.data


def failure_of(saga: SagaRecord, *, expired: type[ServiceError] = Unavailable) -> ServiceError:
    """Return why a saga unwinds. Without a stored error, it was just claimed because its deadline has passed."""
    return expired() if saga.error is None else saga.error.to_error()


def was_refused(saga: SagaRecord) -> bool:
    """Return whether the saga unwound for a reason that the same request would meet again."""
    return saga.error is not None and saga.error.kind not in TRANSIENT


def _failed_transiently(saga: SagaRecord) -> bool:
    return saga.state is SagaState.UNWOUND and saga.error is not None and saga.error.kind in TRANSIENT


def _attempt_id(first_id: uuid.UUID, number: int) -> uuid.UUID:
    return uuid.uuid5(first_id, f"attempt {number}") if number else first_id
