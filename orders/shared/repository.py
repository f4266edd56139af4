"""Reads and status moves of any aggregate."""

import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, TextClause, func, literal_column, select, text

from common.db.engine import Database, Row
from common.db.idempotency import IdempotencyStore, ParticipantRequest, Refuse
from common.db.pages import find_newest, has_value
from common.errors import Conflict, NotFound
from common.http.calls import RepeatableCall, UndoCall
from common.pages import Cursor, Total
from common.rows import readable
from orders.shared.seat_exclusivity import abandon_owner_change, begin_owner_change, seat_occupied
from orders.shared.transitions import Aggregate, Move, TransitionRunner

__all__ = ["AggregateRepository", "SeatAggregateRepository"]

Item = TypeVar("Item", bound=BaseModel)
Undone = TypeVar("Undone", bound=BaseModel)


class AggregateRepository(Generic[Item]):
    """Reads the rows of one table, each as an `item`."""

    def __init__(self, database: Database, aggregate: Aggregate, item: type[Item]) -> None:
        table, shape = aggregate.table, aggregate.shape(aggregate.table.name)
        self._database = database
        self._store = IdempotencyStore(database)
        self._table = table
        self._item = item
        self._key_column = table.c[aggregate.key]
        self._oldest_first = (table.c.created_at, table.c[aggregate.key])
        self._rows: Select[Any] = select(literal_column(shape).label("found")).select_from(table)
        self._find = text(
            f"SELECT {shape} AS found FROM {table.name} WHERE {aggregate.key} = :key"  # noqa: S608 - constant names
        )

    async def find(self, key: uuid.UUID) -> Item | None:
        row = await self._database.fetch_one(self._find, {"key": key})
        return self._item(**row["found"]) if row else None

    async def oldest(self, event_id: uuid.UUID, *, status: str | None, limit: int, offset: int = 0) -> list[Item]:
        """Return an event's rows, oldest first; of every status if None."""
        conditions = [self._table.c.event_id == event_id, *self._of_status(status)]
        rows = await self._database.fetch_all(
            self._rows.where(*conditions).order_by(*self._oldest_first).limit(limit).offset(offset)
        )
        return readable(rows, self._read, of=self._table.name, key=self._key_column.name)

    async def counts(self, event_id: uuid.UUID) -> dict[str, int]:
        """Return the number of the event's rows by status, without the statuses that have none."""
        columns = self._table.c
        rows = await self._database.fetch_all(
            select(columns.status, func.count().label("rows"))
            .where(columns.event_id == event_id)
            .group_by(columns.status)
        )
        return {row["status"]: row["rows"] for row in rows}

    async def _page(
        self, *conditions: ColumnElement[bool], status: str | None, limit: int, offset: int, after: Cursor | None = None
    ) -> tuple[list[Item], Total]:
        """Return one page, newest first, and the number of rows on all pages, as `find_newest` counts them."""
        found, total = await find_newest(
            self._database,
            self._rows.where(*conditions, *self._of_status(status)),
            at=self._table.c.created_at,
            key=self._key_column,
            limit=limit,
            offset=offset,
            after=after,
        )
        return readable(found, self._read, of=self._table.name, key=self._key_column.name), total

    def _read(self, row: Row) -> Item:
        return self._item(**row["found"])

    def _of_status(self, status: str | None) -> Sequence[ColumnElement[bool]]:
        return () if status is None else (has_value(self._table.c.status, status),)


class SeatAggregateRepository(AggregateRepository[Item], Generic[Item, Undone]):
    """Opens and moves the rows of an aggregate that occupies a seat.

    Args:
        statements: the statement of each move.
        not_found: there is no such row.
        invalid_state: the row's status does not allow the move.
        already_opened: another request opened the row.
    """

    def __init__(
        self,
        database: Database,
        aggregate: Aggregate,
        item: type[Item],
        *,
        undone: type[Undone],
        open_statement: TextClause,
        statements: Mapping[Move, TextClause],
        not_found: type[NotFound],
        invalid_state: type[Conflict],
        already_opened: type[Conflict],
    ) -> None:
        super().__init__(database, aggregate, item)
        self._key = aggregate.key
        self._undone = undone
        self._open_statement = open_statement
        self._statements = statements
        self._begin_owner_change = begin_owner_change(aggregate)
        self._abandon_owner_change = abandon_owner_change(aggregate)
        self._already_opened = already_opened
        self._transitions = TransitionRunner(database, aggregate, not_found=not_found, invalid_state=invalid_state)

    async def open(self, opening: RepeatableCall) -> Item:
        """Store a row.

        Raises:
            TransferInProgress: the seat is in another transfer.
            ListingInvalidState: the seat is on the marketplace.
            Conflict: another request opened that id.
            RequestUndone: the undo of this request came first.
        """
        columns = opening.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(opening.request_id, f"{self._key}.OPEN", **columns)
        attempt = await self._store.attempt(request, self._open_statement, columns)
        if attempt.done is not None:
            return self._item(**attempt.done)
        occupant = attempt.row["occupant"]
        refusal = seat_occupied(occupant) if occupant else self._already_opened()
        return self._item(**await self._store.store_refusal(request, refusal))

    async def move(self, key: uuid.UUID, move: Move, call: RepeatableCall, *, refuse: Refuse | None = None) -> Item:
        """Make a move; see `TransitionRunner.move`."""
        done = await self._transitions.move(key, move, self._statements[move], refuse=refuse, **call.model_dump())
        return self._item(**done)

    async def undo(self, key: uuid.UUID, move: Move, call: UndoCall) -> Undone:
        """Undo what another request did; see `TransitionRunner.undo`."""
        arguments = call.model_dump(exclude={"status"})  # which is the move's
        return self._undone(**await self._transitions.undo(key, move, self._statements[move], **arguments))

    async def begin_owner_change(self, key: uuid.UUID, call: RepeatableCall) -> Item:
        """Note that the ticket is about to change owner: from now on no earlier transfer of it can be disputed.

        Raises:
            NotFound: there is no such row.
            Conflict: its status does not allow it, or the ticket is disputed.
        """
        request = ParticipantRequest.of(call.request_id, f"{self._key}.BEGIN_OWNER_CHANGE", key=key)
        refuse = partial(self._transitions.refusal, key)
        return self._item(
            **await self._store.answer(request, self._begin_owner_change, {self._key: key}, refuse=refuse)
        )

    async def abandon_owner_change(self, key: uuid.UUID, undo: UndoCall) -> Undone:
        """Undo `begin_owner_change`, even if it never arrived.

        Raises:
            Conflict: the ticket has changed owner.
        """
        undone = undo.undoes_request_id
        request = ParticipantRequest.of(
            undo.request_id, f"{self._key}.ABANDON_OWNER_CHANGE", key=key, undoes_request_id=undone
        )
        parameters = {self._key: key, "undoes_request_id": undone}
        done = await self._store.attempt_undo(request, self._abandon_owner_change, parameters, undoes_request_id=undone)
        return self._undone(**(done or await self._store.store_refusal(request, await self._transitions.refusal(key))))
