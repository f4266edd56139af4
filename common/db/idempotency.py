"""A participant's memory: request id → answer, refusals included.

A saga repeats a call when the answer was lost. The repeated id gives the first answer again; a refused id stays
refused; the same id with other arguments is refused. An undo leaves a *tombstone* under the id of the action it
undoes, so that an action that arrives after its undo is refused.

A hot action is one statement. It reads the memory in a CTE called ``prior``, does its work only when ``prior`` is
empty, writes its answer in a CTE called ``remembered``, and ends in ``SELECT_ANSWER``::

    WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id),
    sold AS (UPDATE … WHERE … AND NOT EXISTS (SELECT FROM prior) RETURNING …),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', …) FROM sold
        RETURNING result)
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint,
           coalesce((SELECT result FROM prior), (SELECT result FROM remembered)) AS result

`IdempotencyStore.answer` runs it, replays what is remembered, and remembers the refusal when the work was not done.
"""

import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Column, DateTime, MetaData, Table, Text, bindparam, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from common.db.engine import (
    DEADLOCK_DETECTED,
    FOREIGN_KEY_VIOLATION,
    LOCK_NOT_AVAILABLE,
    UNIQUE_VIOLATION,
    Database,
    Row,
    sqlstate_of,
)
from common.errors import Busy, Conflict, ServiceError, Unprocessable, error_of_kind

__all__ = [
    "SELECT_ANSWER",
    "Attempt",
    "IdempotencyStore",
    "ParticipantRequest",
    "Refuse",
    "RequestUndone",
    "fingerprint_of",
    "load_result",
    "remember",
    "replay",
    "requests_table",
    "write_tombstone",
]

SELECT_ANSWER: Final = """
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint,
           coalesce((SELECT result FROM prior), (SELECT result FROM remembered)) AS result
"""
TOMBSTONE_FINGERPRINT: Final = ""
LOCKED_OUT: Final = frozenset({LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED})
# The same id was answered next to us, or a row we refer to came or went meanwhile; the second look sees it.
OVERTAKEN: Final = frozenset({UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION})

Refuse = Callable[[], Awaitable[ServiceError]]
"""Finds out why the work could not be done and returns the error to answer with."""


class RequestUndone(Conflict):
    """The action came after its own undo."""

    code = "REQUEST_UNDONE"
    public_message = "That request was withdrawn."


@dataclass(frozen=True, slots=True)
class ParticipantRequest:
    """A call that may come twice: its id, and what its arguments were."""

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
    """What came of running an action: `done` is its answer, now or the first time, and None when it did nothing."""

    done: dict[str, Any] | None
    is_replay: bool
    row: Row


def fingerprint_of(arguments: Mapping[str, object]) -> str:
    """Return a short digest that is equal when the arguments are."""
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
    )


_REMEMBER: Final = text(
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

_RECALL: Final = text("SELECT fingerprint, result FROM requests WHERE request_id = :request_id")

_REMEMBER_NEW: Final = text(
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
        """Return what the action answers: now, or the first time it was asked.

        Args:
            statement: does the work and remembers it, as the module docstring shows.
            refuse: called when no work was done and nothing was remembered.

        Raises:
            Unprocessable: the id was used with other arguments.
            Busy: somebody else holds a lock; nothing is remembered, unless `refuse` handles it.
            ServiceError: the refusal, new or remembered.
        """
        attempt = await self.attempt(request, statement, parameters)
        if attempt.done is None:
            return await self.remember_refusal(request, await refuse())
        return attempt.done

    async def attempt(
        self,
        request: ParticipantRequest,
        statement: Executable,
        parameters: Mapping[str, object],
        *,
        undoes_request_id: uuid.UUID | None = None,
    ) -> "Attempt":
        """Run the action, or replay it; the caller decides what it means when neither gave an answer.

        Args:
            undoes_request_id: the action this one undoes. It gets its tombstone first, in the same transaction.

        Raises:
            Unprocessable: the id was used with other arguments.
            Busy: somebody else holds a lock; nothing is remembered.
            ServiceError: the remembered refusal.
        """
        row = await self._run(request, statement, parameters, undoes_request_id)
        is_replay = row["prior_fingerprint"] is not None
        if is_replay:
            _check_same(request, row["prior_fingerprint"])
        done = replay(row["result"]) if row["result"] is not None else None
        return Attempt(done=done, is_replay=is_replay, row=row)

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

    async def remember_refusal(self, request: ParticipantRequest, refusal: ServiceError) -> dict[str, Any]:
        """Store the refusal and raise it; when another answer was stored meanwhile, give that one."""
        return await self._remember(request, refused(refusal))

    async def remember_done(self, request: ParticipantRequest, done: Mapping[str, Any]) -> dict[str, Any]:
        """Store an answer found outside the statement; when another was stored meanwhile, give that one."""
        return await self._remember(request, {"done": dict(done)})

    @asynccontextmanager
    async def transaction(self, request: ParticipantRequest) -> AsyncIterator[AsyncConnection]:
        """Do a request in several statements: lock what it is about, `load_result`, do the work, `remember`.

        Raises:
            Busy: somebody else holds a lock; nothing was changed.
        """
        with _locked_out_as_busy(request):
            async with self._database.transaction() as connection:
                yield connection

    async def _remember(self, request: ParticipantRequest, result: dict[str, Any]) -> dict[str, Any]:
        row = None
        while row is None:
            # No row: another answer was committed while we waited for it, and only the next statement sees it.
            with _locked_out_as_busy(request):
                row = await self._database.fetch_one(_REMEMBER, {**request.parameters, "result": result})
        _check_same(request, row["fingerprint"])
        return replay(row["result"])


async def write_tombstone(connection: AsyncConnection, request_id: uuid.UUID) -> None:
    """Leave a tombstone for an action that never came. Run it first in the undo's transaction.

    An action in flight holds its row's lock, so this waits until it is decided; then the undo sees its effect.
    """
    tombstone = {"request_id": request_id, "fingerprint": TOMBSTONE_FINGERPRINT, "result": refused(RequestUndone())}
    await connection.execute(_REMEMBER_NEW, tombstone)


async def load_result(connection: AsyncConnection, request: ParticipantRequest) -> dict[str, Any] | None:
    """Return what was answered before, None for a new request.

    Lock what the request is about first: repetitions then take turns, and each sees what the one before it remembered.

    Raises:
        Unprocessable: the id was used with other arguments.
        ServiceError: the remembered refusal.
    """
    row = (await connection.execute(_RECALL, {"request_id": request.request_id})).mappings().first()
    if row is None:
        return None
    _check_same(request, row["fingerprint"])
    return replay(row["result"])


async def remember(connection: AsyncConnection, request: ParticipantRequest, done: Mapping[str, Any]) -> None:
    """Store the answer with the work, as the transaction's last statement.

    Raises:
        Unprocessable: the id was used meanwhile for what another lock guards.
    """
    result = {"done": dict(done)}
    stored = await connection.execute(_REMEMBER_NEW, {**request.parameters, "result": result})
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
        }
    }


def replay(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a remembered answer, or raise a remembered refusal."""
    if refusal := result.get("refused"):
        raise error_of_kind(
            refusal["kind"],
            code=refusal["code"],
            public_message=refusal["public_message"],
            details=refusal["details"],
        )
    return dict(result["done"])


def _check_same(request: ParticipantRequest, prior_fingerprint: str) -> None:
    if prior_fingerprint not in {request.fingerprint, TOMBSTONE_FINGERPRINT}:
        raise Unprocessable(request_id=request.request_id)
