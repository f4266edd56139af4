"""Moves of the status of transfers and listings, and the undo of a move, each repeatable by its request id.

`moved_by_request_id` of a row is the request that brought it to its status. So an undo reverses the move of the request
that it names, and never a move of another request to the same status.
"""

import enum
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Table, TextClause, text

from common.db.engine import Database
from common.db.idempotency import PRIOR, SELECT_ANSWER, IdempotencyStore, ParticipantRequest, Refuse, stored_answer
from common.errors import Conflict, NotFound, ServiceError

__all__ = ["Aggregate", "Move", "TransitionRunner"]

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Move(enum.Enum):
    """A move of a status machine: the status before and after; None after if the row is deleted."""

    @property
    def from_status(self) -> str:
        return str(self.value[0])

    @property
    def to_status(self) -> str | None:
        return None if self.value[1] is None else str(self.value[1])


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A table with a status and a history.

    Attributes:
        shape: takes the name of a row and returns the SQL expression of its JSON.
        changes_owner_at: the status in which a ticket changes owner.
    """

    table: Table
    history: Table
    shape: Callable[[str], str]
    changes_owner_at: str = ""

    @property
    def key(self) -> str:
        return next(iter(self.table.primary_key)).name

    def move(self, changes: str = "", *, only: str = "true", noted: Mapping[str, str] = NOTHING) -> TextClause:
        """Return the statement that moves a row from `:from_status` to `:to_status`.

        Args:
            changes: more assignments, beginning with a comma.
            only: a condition on the row besides its status.
            noted: more columns of the history, and the columns of the moved row that they copy.
        """
        return text(
            f"""
            WITH {PRIOR},
            moved AS ({self._update(changes)} AND {only} RETURNING *),
            {self._noted(noted)},
            {stored_answer(self.shape("moved"), rows="moved")}
            {SELECT_ANSWER}
            """
        )

    def undo(self, changes: str = "", *, only: str = "true", noted: Mapping[str, str] = NOTHING) -> TextClause:
        """Return the statement that undoes the move of `:undoes_request_id`; its tombstone is written before it.

        The answer is the row's status, NULL if there is no row. If the row has moved on, no answer is stored.
        """
        undone = f"moved_by_request_id = :undoes_request_id AND {only}"
        return text(
            f"""
            WITH {PRIOR},
            moved AS ({self._update(changes)} AND {undone} RETURNING *),
            {self._noted(noted)},
            standing AS (
                SELECT (SELECT status FROM {self.table.name} WHERE {self.key} = :{self.key}) AS status
                WHERE NOT EXISTS (SELECT FROM moved)),
            outcome AS (
                SELECT status FROM moved
                UNION ALL
                SELECT status FROM standing WHERE status = :to_status OR NOT EXISTS (
                    SELECT FROM requests WHERE request_id = :undoes_request_id AND result -> 'done' IS NOT NULL)),
            {self.stored_outcome}
            {SELECT_ANSWER}
            """  # noqa: S608 - constant names
        )

    @property
    def stored_outcome(self) -> str:
        """The CTE of an undo that answers with the status in `outcome`."""
        return stored_answer(
            f"jsonb_build_object('{self.key}', CAST(:{self.key} AS uuid), 'status', status)",
            rows="outcome WHERE NOT EXISTS (SELECT FROM prior)",
        )

    def opened(self, noted_user: str) -> str:
        """Return the CTEs that note the row in `opened` and answer with it."""
        return f"""
            noted AS (
                INSERT INTO {self.history.name} ({self.key}, to_status, request_id, user_id)
                SELECT {self.key}, status, :request_id, {noted_user} FROM opened),
            {stored_answer(self.shape("opened"), rows="opened")}
        """  # noqa: S608 - constant names

    def _update(self, changes: str) -> str:
        return f"""
            UPDATE {self.table.name} SET status = :to_status, moved_by_request_id = :request_id {changes}
            WHERE {self.key} = :{self.key} AND status = :from_status AND NOT EXISTS (SELECT FROM prior)
        """  # noqa: S608 - constant names

    def _noted(self, more: Mapping[str, str]) -> str:
        columns, values = "".join(f", {column}" for column in more), "".join(f", {value}" for value in more.values())
        return f"""
            noted AS (
                INSERT INTO {self.history.name} ({self.key}, from_status, to_status, request_id {columns})
                SELECT {self.key}, :from_status, status, :request_id {values} FROM moved)
        """  # noqa: S608 - constant names


class TransitionRunner:
    """Runs the moves of one aggregate, and finds the reason of a refusal."""

    def __init__(
        self, database: Database, aggregate: Aggregate, *, not_found: type[NotFound], invalid_state: type[Conflict]
    ) -> None:
        self._database = database
        self._store = IdempotencyStore(database)
        self._key = aggregate.key
        self._status_of = text(
            f"SELECT status FROM {aggregate.table.name} WHERE {self._key} = :key"  # noqa: S608 - constant names
        )
        self._not_found, self._invalid_state = not_found, invalid_state

    async def move(
        self,
        key: uuid.UUID,
        move: Move,
        statement: TextClause,
        *,
        request_id: uuid.UUID,
        refuse: Refuse | None = None,
        **arguments: object,
    ) -> dict[str, Any]:
        """Make the move once, and return the same answer when it is repeated.

        Args:
            refuse: finds the reason of a refusal if it is not the row's status.

        Raises:
            NotFound: there is no such row.
            Conflict: its status does not allow the move.
        """
        request = self._request(key, move, request_id=request_id, **arguments)
        parameters = self._parameters(key, move, arguments)
        return await self._store.answer(request, statement, parameters, refuse=refuse or partial(self.refusal, key))

    async def undo(
        self,
        key: uuid.UUID,
        move: Move,
        statement: TextClause,
        *,
        request_id: uuid.UUID,
        undoes_request_id: uuid.UUID,
        **arguments: object,
    ) -> dict[str, Any]:
        """Undo what another request did, even if it never arrived: then it will be refused.

        Raises:
            Conflict: the row has moved on since.
        """
        arguments["undoes_request_id"] = undoes_request_id
        request = self._request(key, move, request_id=request_id, **arguments)
        parameters = self._parameters(key, move, arguments)
        done = await self._store.attempt_undo(request, statement, parameters, undoes_request_id=undoes_request_id)
        return done or await self._store.store_refusal(request, await self.refusal(key))

    async def refusal(self, key: uuid.UUID) -> ServiceError:
        """Return the reason why a row did not move."""
        row = await self._database.fetch_one(self._status_of, {"key": key})
        return self._invalid_state(details={"status": row["status"]}) if row else self._not_found()

    def _request(self, key: uuid.UUID, move: Move, *, request_id: uuid.UUID, **arguments: object) -> ParticipantRequest:
        return ParticipantRequest.of(request_id, f"{self._key}.{move.name}", key=key, **arguments)

    def _parameters(self, key: uuid.UUID, move: Move, arguments: Mapping[str, object]) -> dict[str, object]:
        return {self._key: key, "from_status": move.from_status, "to_status": move.to_status, **arguments}
