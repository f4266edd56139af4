"""Finds the saga of a request that is repeated, and starts or signals it once."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from common.db.idempotency import fingerprint_of
from common.errors import Busy, Unprocessable
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.outcomes import failed_transiently
from orchestrator.saga_engine.plan import SagaData
from orchestrator.saga_engine.record import SagaRecord, SagaState
from orchestrator.saga_engine.repository import SagaLog

Data = TypeVar("Data", bound=SagaData)


def request_id_of(operation: str, *, user_id: uuid.UUID, key: str | None) -> uuid.UUID:
    """Return a request's id, or that of the saga it starts: the same id for a repeated request with a key."""
    return uuid.uuid5(user_id, f"{operation}/{key}") if key else uuid.uuid4()


async def start_once(
    engine: SagaEngine,
    kind: str | Callable[[Data], str],
    prepare: Callable[[uuid.UUID], Awaitable[Data]],
    *,
    operation: str,
    requested_by: uuid.UUID,
    key: str | None,
    request: Mapping[str, object],
    repeatable: Collection[str] = (),
    was_accepted: Callable[[SagaRecord], bool] = lambda _: False,
) -> SagaRecord:
    """Return the saga that the same request has started before; otherwise start one.

    A saga that unwound because a service was unavailable does not count: with the same key it is started again.

    Args:
        kind: of the saga; a function of its data where that decides.
        prepare: checks the request and returns the data of the saga, whose id it is given.
        operation: the operation that the key belongs to.
        request: the request's content, for its fingerprint.
        repeatable: codes of refusals that do not count either: the requester mends the cause and repeats the request.
        was_accepted: whether the first answer was a success, before the saga unwound for whatever reason: it counts.

    Raises:
        Unprocessable: the key came with another request.
    """
    fingerprint = fingerprint_of(request)
    saga_id = request_id_of(operation, user_id=requested_by, key=key)
    if key is not None:
        previous = await find_previous_sagas(engine.log, saga_id)
        last = previous.accepted or previous.refused
        if last is not None and last.fingerprint != fingerprint:
            raise Unprocessable
        if last is not None and (was_accepted(last) or not _may_be_repeated(last, repeatable)):
            return last
        saga_id = saga_id if last is None else previous.next_id
    data = await prepare(saga_id)
    kind = kind if isinstance(kind, str) else kind(data)
    return await engine.start(kind, data, requested_by=requested_by, fingerprint=fingerprint)


async def signal_once(
    engine: SagaEngine,
    saga_id: uuid.UUID,
    signal: str,
    *,
    kind: str,
    signalled_by: uuid.UUID,
    key: str | None,
    more: Mapping[str, object] | None = None,
) -> SagaRecord | None:
    """Signal a saga and return it; a repeated or late signal finds how the saga settled, or None when there is none.

    The caller has checked who may signal the saga. `more` are fields of its data that the signal sets, as JSON.

    Raises:
        Busy: another signal is being handled.
        Unprocessable: the key signalled another saga.
        StillRunning: it goes on in the background.
    """
    saga = await engine.signal(
        saga_id, signal, kind=kind, signalled_by=signalled_by, key=key, by_starter_only=False, more=more
    )
    if saga is not None:
        return saga
    await check_key(engine, saga_id, signal, signalled_by=signalled_by, key=key)
    return await find_settled(engine, saga_id)


async def find_settled(engine: SagaEngine, saga_id: uuid.UUID) -> SagaRecord | None:
    """Return the saga if it is neither running nor waiting; None if there is none.

    Raises:
        Busy: it runs, or waits again by now.
    """
    saga = await engine.log.find(saga_id)
    if saga is not None and saga.state in {SagaState.RUNNING, SagaState.WAITING}:
        raise Busy(retry_after_seconds=1)
    return saga


@dataclass(frozen=True, slots=True)
class PreviousSagas:
    """The sagas that were started for one operation, which succeeds at most once.

    `accepted` did it or is doing it; if it is None, `next_id` is the next saga's id. `refused` is the last refused one.
    """

    next_id: uuid.UUID
    accepted: SagaRecord | None = None
    refused: SagaRecord | None = None


async def find_previous_sagas(log: SagaLog, first_id: uuid.UUID) -> PreviousSagas:
    """Find the last saga of an operation. A refused saga changed nothing; the next one gets the next id.

    The sagas are numbered without a gap, so the last one is found by doubling and bisection: the cost grows with the
    logarithm of their number.
    """
    last, last_saga, missing = -1, None, 0
    while (saga := await log.find(_numbered_id(first_id, missing))) is not None:
        last, last_saga, missing = missing, saga, 2 * missing + 1
    while missing - last > 1:
        middle = (last + missing) // 2
        saga = await log.find(_numbered_id(first_id, middle))
        if saga is None:
            missing = middle
        else:
            last, last_saga = middle, saga
    if last_saga is None or last_saga.state is SagaState.UNWOUND:
        return PreviousSagas(_numbered_id(first_id, missing), refused=last_saga)
    return PreviousSagas(last_saga.saga_id, accepted=last_saga)


async def start_unless_accepted(engine: SagaEngine, kind: str, data: SagaData, *, requested_by: uuid.UUID) -> bool:
    """Start a saga unless it was started before, and return whether it was started. A refused one is started again."""
    previous = await find_previous_sagas(engine.log, data.saga_id)
    if previous.accepted is not None:
        return False
    await engine.start(kind, data.model_copy(update={"saga_id": previous.next_id}), requested_by=requested_by)
    return True


async def check_key(
    engine: SagaEngine, saga_id: uuid.UUID, signal: str, *, signalled_by: uuid.UUID, key: str | None
) -> bool:
    """Check that the key of a signal is new, or signalled the same saga; return whether it did.

    Raises:
        Unprocessable: it signalled another saga.
    """
    if key is None:
        return False
    used_for = await engine.log.find_key_use(requested_by=signalled_by, operation=signal, key=key)
    if used_for not in {None, saga_id}:
        raise Unprocessable
    return used_for is not None


async def use_key(
    engine: SagaEngine, saga_id: uuid.UUID, operation: str, *, used_by: uuid.UUID, key: str | None
) -> None:
    """Note that the key of an operation, which may be repeated by itself, is used for a saga.

    Raises:
        Unprocessable: it was used for another saga.
    """
    if key is None:
        return
    if await engine.log.use_key(saga_id, used_by=used_by, operation=operation, key=key) != saga_id:
        raise Unprocessable


def _may_be_repeated(saga: SagaRecord, codes: Collection[str]) -> bool:
    """Return whether the saga unwound because of a temporary failure, or of a refusal with one of the codes."""
    was_refused = saga.state is SagaState.UNWOUND and saga.error is not None and saga.error.code in codes
    return was_refused or failed_transiently(saga)


def _numbered_id(first_id: uuid.UUID, number: int) -> uuid.UUID:
    return uuid.uuid5(first_id, f"attempt {number}") if number else first_id
