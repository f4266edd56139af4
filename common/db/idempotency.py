"""The store of requests: request id → answer, refusals included, so that a participant's calls are repeatable.

A saga repeats a call if the answer was lost. A repeated id gets the first answer again; a refused id stays refused, and
its error is raised with ``is_remembered``; the same id with other arguments is refused, and that is not stored: the first
call may have done its work. An undo leaves a *tombstone* under the id of the action it undoes, so that an
action that arrives after its undo is refused.

A hot action is one statement. It reads the stored answer in a CTE named ``prior``, does its work only if ``prior`` is
empty, writes its answer in a CTE named ``remembered``, and ends in ``SELECT_ANSWER``::

    WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id),
    sold AS (UPDATE … WHERE … AND NOT EXISTS (SELECT FROM prior) RETURNING …),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', …) FROM sold
        RETURNING result)
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint,
           coalesce((SELECT result FROM prior), (SELECT result FROM remembered)) AS result

`PRIOR`, `stored_answer` and `SELECT_ANSWER` are its parts. `IdempotencyStore.answer` runs it, replays a stored answer,
and stores the refusal if the statement did no work.
"""

import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, bindparam, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from common.db.engine import (
    DEADLOCK_DETECTED,
    EXCLUSION_VIOLATION,
    FOREIGN_KEY_VIOLATION,
    LOCK_NOT_AVAILABLE,
    UNIQUE_VIOLATION,
    Database,
    Row,
    sqlstate_of,
)
from common.db.retention import Retention
from common.errors import Busy, Conflict, ServiceError, Unprocessable, error_of_kind

__all__ = [
    "PRIOR",
    "REQUESTS_RETENTION",
    "SELECT_ANSWER",
    "Attempt",
    "IdempotencyStore",
    "ParticipantRequest",
    "Refuse",
    "RequestUndone",
    "fingerprint_of",
    "load_result",
    "replay",
    "requests_table",
    "store_result",
    "stored_answer",
    "write_tombstone",
]

PRIOR: Final = "prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)"
SELECT_ANSWER: Final = """
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint,
           coalesce((SELECT result FROM prior), (SELECT result FROM remembered)) AS result
"""
TOMBSTONE_FINGERPRINT: Final = ""
LOCKED_OUT: Final = frozenset({LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED})
# A concurrent call stored an answer for the same id, inserted or deleted a referenced row, or inserted a row that excludes
# this one; a second try sees that.
OVERTAKEN: Final = frozenset({UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION, EXCLUSION_VIOLATION})
# Only an unfinished saga or job repeats a request: the longest waits a day, and one that is stuck has an alert. Later
# copies meet the state that the first one left (docs/operations.md#retention).
REQUESTS_RETENTION: Final = Retention(table="requests", aged_by="created_at", keep_days=90)
# The first attempt of an undo may wait for an action, or another undo, in progress; the second sees its effect.
UNDO_ATTEMPTS: Final = 2

Refuse = Callable[[], Awaitable[ServiceError]]
"""Finds out why the work was not done and returns the error to answer with."""


class RequestUndone(Conflict):
    """The action arrived after its own undo."""

    code = "REQUEST_UNDONE"
    public_message = "That request was withdrawn."


@dataclass(frozen=True, slots=True)
class ParticipantRequest:
    """A call that may arrive twice: its id, and the digest of its arguments."""

    request_id: uuid.UUID
    fingerprint: str

    @classmethod
    def of(cls, request_id: uuid.UUID, operation: str, **arguments: object) -> "ParticipantRequest":
        return cls(request_id, fingerprint_of({"operation": operation, **arguments}))

    @property
    def parameters(self) -> dict[str, object]:
        return {"request_id": self.request_id, "fingerprint": self.fingerprint}


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of running an action: `done` is its answer, now or the first time, and None if it did nothing."""

    done: dict[str, Any] | None
    is_replay: bool
    row: Row


def stored_answer(done: str, *, rows: str) -> str:
    """Return the CTE that stores an action's answer.

    Args:
        done: the SQL expression of the answer.
        rows: what it is selected from, one row if the work was done.
    """
    return f"""
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', {done}) FROM {rows}
        RETURNING result)
    """  # noqa: S608 - no value is put in


def fingerprint_of(arguments: Mapping[str, object]) -> str:
    """Return a short digest, equal for equal arguments."""
    canonical = orjson.dumps(arguments, default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def requests_table(metadata: MetaData) -> Table:
    """Define the table in a service's metadata."""
    return Table(
        "requests",
        metadata,
        Column("request_id", UUID(as_uuid=True), primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("result", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("ix_requests_created_at", "created_at"),
    )


_STORE: Final = text(
    """
    WITH remembered AS (
        INSERT INTO requests (request_id, fingerprint, result) VALUES (:request_id, :fingerprint, :result)
        ON CONFLICT (request_id) DO NOTHING
        RETURNING fingerprint, result)
    SELECT fingerprint, result FROM remembered
    UNION ALL
    SELECT fingerprint, result FROM requests WHERE request_id = :request_id
    LIMIT 1
    """
).bindparams(bindparam("result", type_=JSONB))

_LOAD: Final = text("SELECT fingerprint, result FROM requests WHERE request_id = :request_id")

_STORE_NEW: Final = text(
    """
    INSERT INTO requests (request_id, fingerprint, result) VALUES (:request_id, :fingerprint, :result)
    ON CONFLICT (request_id) DO NOTHING
    """
).bindparams(bindparam("result", type_=JSONB))


class IdempotencyStore:
    """Runs a participant's repeatable actions against the service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(
        self,
        request: ParticipantRequest,
        statement: Executable,
        parameters: Mapping[str, object],
        *,
        refuse: Refuse,
    ) -> dict[str, Any]:
        """Return the action's answer, from now or from the first time.

        Args:
            statement: does the work and stores the answer, as the module docstring shows.
            refuse: called if no work was done and nothing is stored.

        Raises:
            Unprocessable: the id was used with other arguments.
            Busy: another transaction holds a lock; nothing is stored, unless `refuse` handles it.
            ServiceError: the refusal, new or stored.
        """
        attempt = await self.attempt(request, statement, parameters)
        if attempt.done is None:
            return await self.store_refusal(request, await refuse())
        return attempt.done

    async def attempt(
        self,
        request: ParticipantRequest,
        statement: Executable,
        parameters: Mapping[str, object],
        *,
        undoes_request_id: uuid.UUID | None = None,
    ) -> "Attempt":
        """Run the action, or return its stored answer; `done` is None if there is neither.

        Args:
            undoes_request_id: the action that this one undoes. Its tombstone is written first, in the same transaction.

        Raises:
            Unprocessable: the id was used with other arguments.
            Busy: another transaction holds a lock; nothing is stored.
            ServiceError: the stored refusal.
        """
        row = await self._run(request, statement, parameters, undoes_request_id)
        is_replay = row["prior_fingerprint"] is not None
        if is_replay:
            _check_same(request, row["prior_fingerprint"])
        done = replay(row["result"]) if row["result"] is not None else None
        return Attempt(done=done, is_replay=is_replay, row=row)

    async def attempt_undo(
        self,
        request: ParticipantRequest,
        statement: Executable,
        parameters: Mapping[str, object],
        *,
        undoes_request_id: uuid.UUID | None,
    ) -> dict[str, Any] | None:
        """Return the undo's answer; None if the action can no longer be undone.

        Args:
            undoes_request_id: as in `attempt`; None if the statement writes the tombstone itself.
        """
        for _ in range(UNDO_ATTEMPTS):
            attempt = await self.attempt(request, statement, parameters, undoes_request_id=undoes_request_id)
            if attempt.done is not None:
                return attempt.done
        return None

    async def _run(
        self,
        request: ParticipantRequest,
        statement: Executable,
        parameters: Mapping[str, object],
        undoes_request_id: uuid.UUID | None,
    ) -> Row:
        for is_last_try in (False, True):
            try:
                return await self._run_once(statement, {**parameters, **request.parameters}, undoes_request_id)
            except IntegrityError as error:
                if sqlstate_of(error) not in OVERTAKEN or is_last_try:
                    raise
            except DBAPIError as error:
                if sqlstate_of(error) in LOCKED_OUT:
                    raise Busy(request_id=request.request_id) from error
                raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def _run_once(
        self, statement: Executable, parameters: Mapping[str, object], undoes_request_id: uuid.UUID | None
    ) -> Row:
        if undoes_request_id is None:
            row = await self._database.fetch_one(statement, parameters)
            assert row is not None  # noqa: S101 - SELECT_ANSWER always has one row
            return row
        async with self._database.transaction() as connection:
            await write_tombstone(connection, undoes_request_id)
            return (await connection.execute(statement, parameters)).mappings().one()

    async def store_refusal(self, request: ParticipantRequest, refusal: ServiceError) -> dict[str, Any]:
        """Store the refusal and raise it; if another answer was stored meanwhile, return that one."""
        return await self._store(request, refused(refusal))

    async def store_done(self, request: ParticipantRequest, done: Mapping[str, Any]) -> dict[str, Any]:
        """Store an answer found outside the statement; if another was stored meanwhile, return that one."""
        return await self._store(request, {"done": dict(done)})

    @asynccontextmanager
    async def transaction(self, request: ParticipantRequest) -> AsyncIterator[AsyncConnection]:
        """Run a request in several statements: lock its rows, `load_result`, do the work, `store_result`.

        Raises:
            Busy: another transaction holds a lock; nothing was changed.
        """
        with _locked_out_as_busy(request):
            async with self._database.transaction() as connection:
                yield connection

    async def _store(self, request: ParticipantRequest, result: dict[str, Any]) -> dict[str, Any]:
        row = None
        while row is None:
            # No row: another answer was committed during the wait for it, and only the next statement sees it.
            with _locked_out_as_busy(request):
                row = await self._database.fetch_one(_STORE, {**request.parameters, "result": result})
        _check_same(request, row["fingerprint"])
        return replay(row["result"])


async def write_tombstone(connection: AsyncConnection, request_id: uuid.UUID) -> None:
    """Write the tombstone of an action that may never arrive. Run it first in the undo's transaction.

    If the action is in progress, this waits for its transaction to end. The undo then sees the action's effect.
    """
    tombstone = {"request_id": request_id, "fingerprint": TOMBSTONE_FINGERPRINT, "result": refused(RequestUndone())}
    await connection.execute(_STORE_NEW, tombstone)


async def load_result(connection: AsyncConnection, request: ParticipantRequest) -> dict[str, Any] | None:
    """Return the stored answer, None for a new request.

    Lock the request's rows first: repetitions then run one after the other, and each sees the answer stored before it.

    Raises:
        Unprocessable: the id was used with other arguments.
        ServiceError: the stored refusal.
    """
    row = (await connection.execute(_LOAD, {"request_id": request.request_id})).mappings().first()
    if row is None:
        return None
    _check_same(request, row["fingerprint"])
    return replay(row["result"])


async def store_result(connection: AsyncConnection, request: ParticipantRequest, done: Mapping[str, Any]) -> None:
    """Store the answer with the work, as the transaction's last statement.

    Raises:
        Unprocessable: the id was used meanwhile by a request under another lock.
    """
    result = {"done": dict(done)}
    stored = await connection.execute(_STORE_NEW, {**request.parameters, "result": result})
    if stored.rowcount == 0:
        raise Unprocessable(request_id=request.request_id)


@contextmanager
def _locked_out_as_busy(request: ParticipantRequest) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if sqlstate_of(error) in LOCKED_OUT:
            raise Busy(request_id=request.request_id) from error
        raise


def refused(error: ServiceError) -> dict[str, Any]:
    return {
        "refused": {
            "kind": error.kind,
            "code": error.code,
            "public_message": error.public_message,
            "details": error.details,
            "retry_after_seconds": error.retry_after_seconds,
        }
    }


def replay(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored answer, or raise a stored refusal."""
    if refusal := result.get("refused"):
        raise error_of_kind(
            refusal["kind"],
            code=refusal["code"],
            public_message=refusal["public_message"],
            details=refusal["details"],
            is_remembered=True,
            retry_after_seconds=refusal.get("retry_after_seconds"),
        )
    return dict(result["done"])


def _check_same(request: ParticipantRequest, prior_fingerprint: str) -> None:
    if prior_fingerprint not in {request.fingerprint, TOMBSTONE_FINGERPRINT}:
        raise Unprocessable(request_id=request.request_id)
