"""What a saga means to whoever asked for it, and how a repeated request finds the first one's saga."""

import uuid

from common.errors import ServiceError, Unavailable, Unprocessable
from orchestrator.engine.engine import SagaEngine, StillRunning
from orchestrator.engine.record import SagaRecord, SagaState

__all__ = ["earlier", "failure_of", "last_attempt", "saga_id_of", "succeeded"]


def saga_id_of(operation: str, *, user_id: uuid.UUID, key: str | None) -> uuid.UUID:
    """Return the id of the saga that a request starts: the same one for a repeated request with a key."""
    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()


async def earlier(engine: SagaEngine, saga_id: uuid.UUID, *, key: str | None, fingerprint: str) -> SagaRecord | None:
    """Return the saga that the same request has started before.

    Raises:
        Unprocessable: the key came with another request.
    """
    if key is None or (saga := await engine.find(saga_id)) is None:
        return None
    if saga.fingerprint != fingerprint:
        raise Unprocessable
    return saga


async def last_attempt(engine: SagaEngine, saga_id: uuid.UUID) -> tuple[uuid.UUID, SagaRecord | None]:
    """Return the saga that did what may be done once, or is at it; or the id to try under, and None.

    One that was refused did nothing: the next attempt gets the next id.
    """
    while (saga := await engine.find(saga_id)) is not None and saga.state is SagaState.UNWOUND:
        saga_id = uuid.uuid5(saga_id, "again")
    return saga_id, saga


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


def failure_of(saga: SagaRecord) -> ServiceError:
    return Unavailable(saga_id=saga.saga_id) if saga.error is None else saga.error.to_error()
