"""Outcomes of sagas for their callers."""

from collections.abc import Collection
from typing import Final, TypeVar

from common.errors import Busy, OutcomeUnknown, ServiceError, TooManyRequests, Unavailable
from orchestrator.saga_engine.engine import StillRunning
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaRecord, SagaState

__all__ = ["check_cancelled", "data_of", "failed_transiently", "failure_of", "opened", "succeeded"]

Data = TypeVar("Data", bound=SagaData)

# The failure was temporary: the same request may succeed later.
TRANSIENT: Final = frozenset({Unavailable.kind, OutcomeUnknown.kind, TooManyRequests.kind, Busy.kind})


def opened(saga: SagaRecord, *, opening: Collection[str], ended: type[ServiceError]) -> SagaRecord:
    """Return a saga that completed its opening steps and waits. A repeated request may find that it has ended since.

    Raises:
        StillRunning: it goes on in the background.
        ServiceError: why an opening step failed; otherwise `ended`.
    """
    if saga.state in {SagaState.RUNNING, SagaState.STUCK}:
        raise StillRunning(saga.saga_id)
    if saga.state is SagaState.WAITING:
        return saga
    if saga.error is not None and saga.error.step in opening:
        raise saga.error.to_error()
    raise ended


def succeeded(saga: SagaRecord) -> SagaRecord:
    """Return a saga that completed, or waits for its signal, as requested.

    Raises:
        StillRunning: it goes on in the background, also if it is stuck.
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


def failed_transiently(saga: SagaRecord) -> bool:
    """Return whether the saga unwound because of a temporary failure."""
    return saga.state is SagaState.UNWOUND and saga.error is not None and saga.error.kind in TRANSIENT
