"""Digital orders in PostgreSQL."""

import base64
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TextClause, and_, exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import UNIQUE_VIOLATION, Database, Row, sqlstate_of
from common.db.idempotency import ParticipantRequest
from common.db.pages import find_newest, has_value
from common.errors import ServiceError
from common.http.calls import RepeatableCall
from common.pages import Cursor, Total
from common.rows import readable
from common.telemetry.correlation import correlation_id
from orders.digital_orders import statements
from orders.digital_orders.errors import UnpaidLimitReached
from orders.digital_orders.models import digital_order_items, digital_orders
from orders.digital_orders.schemas import (
    DigitalOrder,
    EndedOrder,
    EndOrder,
    FailOrder,
    MovedOrder,
    MoveName,
    OpenOrder,
    Reservation,
    ReservedItem,
    SealedCodes,
)
from orders.digital_orders.status import DigitalItemStatus, DigitalOrderStatus, ShownStatus
from orders.shared.repository import AggregateRepository
from orders.ticket_orders.errors import OrderAlreadyOpened, OrderInvalidState, OrderNotFound

_RESERVATIONS: Final[Select[Any]] = (
    select(
        digital_orders.c.order_id,
        digital_orders.c.status.label("order_status"),
        digital_order_items.c.item_id,
        digital_order_items.c.reservation_id,
        digital_order_items.c.reserved_at.label("created_at"),
    )
    .join_from(digital_order_items, digital_orders)
    .where(digital_order_items.c.reserved_at.is_not(None))
)
_VISIBLE: Final = digital_orders.c.status != DigitalOrderStatus.OPENING
_RESUMED: Final = frozenset({"PAID", "WAITING", "READY", "FAILED"})
_STORED: Final = frozenset({"READY", "FULFILLED"})
_DELETABLE: Final = frozenset({"READY", "FULFILLED", "REFUNDED"})


@dataclass(frozen=True, slots=True)
class _Locked:
    """An order whose row is locked by a transaction, so that its items change one at a time."""

    connection: AsyncConnection
    parameters: dict[str, Any]
    status: str

    async def run(self, statement: TextClause, **parameters: object) -> bool:
        """Return whether the statement has changed something."""
        return (await self.connection.execute(statement, self.parameters | parameters)).first() is not None

    @property
    def refusal(self) -> ServiceError:
        return OrderInvalidState(details={"status": self.status})


class DigitalOrderRepository(AggregateRepository[DigitalOrder]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, statements.ORDERS, DigitalOrder)

    async def open(self, opening: OpenOrder) -> MovedOrder:
        """Store an OPENING order.

        Raises:
            OrderInvalidState: another request opened that id.
            UnpaidLimitReached: too many crypto orders of the buyer are unpaid.
            RequestUndone: the undo of this request came first.
        """
        facts = opening.model_dump(exclude={"request_id", "items"})
        facts["items"] = [item.model_dump(mode="json") for item in opening.items]
        request = ParticipantRequest.of(opening.request_id, "digital_order.open", **facts)
        refuse = partial(self._refusal_to_open, opening.order_id)
        return MovedOrder(**await self._store.answer(request, statements.OPEN, facts, refuse=refuse))

    async def _refusal_to_open(self, order_id: uuid.UUID) -> ServiceError:
        if await self._database.fetch_one(statements.STATUS_OF, {"order_id": order_id}) is not None:
            return OrderAlreadyOpened()
        return UnpaidLimitReached(details={"limit": statements.UNPAID_AT_MOST})

    async def move(self, order_id: uuid.UUID, name: MoveName, call: RepeatableCall) -> MovedOrder:
        """Move an order.

        Raises:
            OrderNotFound: there is no such order.
            OrderInvalidState: its status does not allow the move.
        """
        request = ParticipantRequest.of(call.request_id, f"digital_order.{name}", key=order_id)
        refuse = partial(self._refusal, order_id)
        statement = statements.MOVES[name]
        return MovedOrder(**await self._store.answer(request, statement, _parameters(order_id), refuse=refuse))

    async def end(self, order_id: uuid.UUID, undo: EndOrder) -> EndedOrder:
        """Undo the opening, even if it never arrived: then it will be refused.

        Raises:
            OrderInvalidState: the order is FULFILLED.
        """
        facts = undo.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(undo.request_id, "digital_order.end", key=order_id, **facts)
        done = await self._store.attempt_undo(
            request, statements.END, facts | _parameters(order_id), undoes_request_id=undo.undoes_request_id
        )
        return EndedOrder(**(done or await self._store.store_refusal(request, await self._refusal(order_id))))

    async def resume(self, order_id: uuid.UUID) -> None:
        """Make an order PAID or WAITING that had FAILED, unless all its items have failed.

        Raises:
            OrderNotFound: there is no such order.
            OrderInvalidState: it is not paid, or it has ended.
        """
        async with self._locked(order_id) as order:
            if order.status not in _RESUMED:
                raise order.refusal
            await order.run(statements.RESUME)
            await order.run(statements.ADVANCE)

    async def note_reservation(self, order_id: uuid.UUID, item_id: uuid.UUID, reservation_id: str) -> None:
        """Store an item's reservation; a repeated call changes nothing.

        Raises:
            OrderNotFound: there is no such order or item.
            OrderInvalidState: the item has another reservation, another item has it, or the order has ended.
        """
        async with self._locked(order_id, item_id) as order:
            try:
                is_noted = await order.run(statements.NOTE_RESERVATION, reservation_id=reservation_id)
            except IntegrityError as error:
                if sqlstate_of(error) != UNIQUE_VIOLATION:
                    raise
                raise OrderInvalidState("Another item has that reservation.") from error
            if not is_noted:
                raise order.refusal
            await order.run(statements.ADVANCE)

    async def add_codes(self, order_id: uuid.UUID, item_id: uuid.UUID, sealed: bytes) -> None:
        """Store an item's sealed codes, unless it has some or the order is decided.

        Raises:
            OrderNotFound: there is no such order or item.
        """
        async with self._locked(order_id, item_id) as order:
            await order.run(statements.ADD_CODES, sealed=sealed)
            await order.run(statements.ADVANCE)

    async def fail_item(self, order_id: uuid.UUID, item_id: uuid.UUID, failure: str) -> None:
        """Make an item FAILED, unless its codes are here or the order is decided.

        Raises:
            OrderNotFound: there is no such order or item.
        """
        async with self._locked(order_id, item_id) as order:
            await order.run(statements.FAIL_ITEM, failure=failure)
            await order.run(statements.ADVANCE)

    async def make_ready(self, order_id: uuid.UUID, storage_ref: str) -> None:
        """Make a WAITING order READY of which no item is open and one is READY; a repeated call changes nothing.

        Raises:
            OrderNotFound: there is no such order.
            OrderInvalidState: it is not WAITING, or its items are not that far.
        """
        async with self._locked(order_id) as order:
            if order.status not in _STORED and not await order.run(statements.MAKE_READY, storage_ref=storage_ref):
                raise order.refusal

    async def fail(self, order_id: uuid.UUID, failure: FailOrder) -> None:
        """Make an order FAILED that is PAID, or WAITING without an item that may still come. The first cause stays.

        Raises:
            OrderNotFound: there is no such order.
            OrderInvalidState: it is neither.
        """
        async with self._locked(order_id) as order:
            if order.status != "FAILED" and not await order.run(statements.FAIL, **failure.model_dump()):
                raise order.refusal

    async def note_download(self, order_id: uuid.UUID) -> None:
        """Note the first download of the stored codes.

        Raises:
            OrderNotFound: there is no such order.
        """
        async with self._locked(order_id) as order:
            await order.run(statements.NOTE_DOWNLOAD)

    async def delete_codes(self, order_id: uuid.UUID) -> None:
        """Delete the sealed codes; a repeated call changes nothing.

        Raises:
            OrderNotFound: there is no such order.
            OrderInvalidState: its codes are still collected, or were never due.
        """
        async with self._locked(order_id) as order:
            if order.status not in _DELETABLE:
                raise order.refusal
            await order.run(statements.DELETE_CODES)

    async def codes(self, order_id: uuid.UUID) -> list[SealedCodes]:
        rows = await self._database.fetch_all(statements.CODES, {"order_id": order_id})
        return [_sealed(row) for row in rows]

    async def all_codes(self, *, after: uuid.UUID | None, limit: int) -> list[SealedCodes]:
        """Return sealed codes of all orders, by the id of their item."""
        rows = await self._database.fetch_all(statements.ALL_CODES, {"after": after, "limit": limit})
        return [_sealed(row) for row in rows]

    async def replace_codes(self, item_id: uuid.UUID, *, replaced: bytes, sealed: bytes) -> bool:
        """Store the codes as they were sealed again; return whether `replaced` was stored."""
        parameters = {"item_id": item_id, "replaced": replaced, "sealed": sealed}
        return await self._database.execute(statements.REPLACE_CODES, parameters) > 0

    async def find(self, key: uuid.UUID) -> DigitalOrder | None:
        """Return an order that is not OPENING."""
        row = await self._database.fetch_one(statements.FIND, {"order_id": key})
        return self._read(row) if row else None

    async def find_by_reservation(self, reservation_id: str) -> ReservedItem | None:
        row = await self._database.fetch_one(statements.FIND_BY_RESERVATION, {"reservation_id": reservation_id})
        if row is None:
            return None
        order = self._read(row)
        return ReservedItem(order=order, item=next(item for item in order.items if item.item_id == row["item_id"]))

    async def reservations(
        self, *, order_id: uuid.UUID | None = None, limit: int, offset: int
    ) -> tuple[list[Reservation], Total]:
        """Return a page of the items that have a reservation, newest first, and the number on all pages."""
        items = digital_order_items.c
        wanted = _RESERVATIONS if order_id is None else _RESERVATIONS.where(items.order_id == order_id)
        found, total = await find_newest(
            self._database, wanted, at=items.reserved_at, key=items.item_id, limit=limit, offset=offset
        )
        return readable(
            found, lambda row: Reservation.model_validate(dict(row)), of="reservations", key="item_id"
        ), total

    async def page(
        self,
        *,
        buyer_user_id: uuid.UUID | None = None,
        status: ShownStatus | None = None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[DigitalOrder], Total]:
        """Return a page of orders, newest first, and the number on all pages."""
        bought = () if buyer_user_id is None else (digital_orders.c.buyer_user_id == buyer_user_id,)
        return await self._page(_VISIBLE, *bought, status=status, limit=limit, offset=offset, after=after)

    async def silent(self, *, before: datetime, after: uuid.UUID | None, limit: int) -> list[DigitalOrder]:
        """Return WAITING orders of which nothing was heard since before a time, by id.

        They have an item that has been RESERVED since then, or no RESERVED item at all: then the process that was to
        settle the order has crashed.
        """
        items = digital_order_items.c
        has_item = exists().where(items.order_id == digital_orders.c.order_id)
        has_reserved = has_item.where(has_value(items.status, DigitalItemStatus.RESERVED))
        has_changed = has_item.where(items.status_at >= before)
        is_silent = or_(has_reserved.where(items.status_at < before), ~has_reserved & ~has_changed)
        return await self._by_id(DigitalOrderStatus.WAITING, is_silent, after=after, limit=limit)

    async def stalled(
        self, status: DigitalOrderStatus, *, before: datetime, after: uuid.UUID | None, limit: int
    ) -> list[DigitalOrder]:
        """Return the orders that have had a status since before a time, by id."""
        return await self._by_id(status, digital_orders.c.status_at < before, after=after, limit=limit)

    async def downloaded(self, *, before: datetime, limit: int) -> list[DigitalOrder]:
        """Return orders whose codes are due for deletion: those downloaded before a time, and once each refunded order.

        A refunded order may have an object that it does not know: the storage's answer was lost, or a process crashed.
        """
        columns = digital_orders.c
        is_old = and_(columns.storage_ref.is_not(None), columns.downloaded_at < before)
        is_refunded = and_(has_value(columns.status, DigitalOrderStatus.REFUNDED), columns.keys_deleted_at.is_(None))
        found = await self._database.fetch_all(self._rows.where(or_(is_old, is_refunded)).limit(limit))
        return readable(found, self._read, of="digital orders", key="order_id")

    async def _by_id(
        self, status: DigitalOrderStatus, wanted: ColumnElement[bool], *, after: uuid.UUID | None, limit: int
    ) -> list[DigitalOrder]:
        key = digital_orders.c.order_id
        behind = () if after is None else (key > after,)
        rows = self._rows.where(has_value(digital_orders.c.status, status), wanted, *behind)
        found = await self._database.fetch_all(rows.order_by(key).limit(limit))
        return readable(found, self._read, of="digital orders", key="order_id")

    @asynccontextmanager
    async def _locked(self, order_id: uuid.UUID, item_id: uuid.UUID | None = None) -> AsyncIterator[_Locked]:
        """Lock an order's row until the end of the transaction.

        Raises:
            OrderNotFound: there is no such order, or it has no such item.
            Busy: another transaction holds the lock for too long.
        """
        parameters = _parameters(order_id) | {"item_id": item_id}
        async with self._store.transaction(ParticipantRequest.of(order_id, "digital_order.change")) as connection:
            row = (await connection.execute(statements.LOCK, parameters)).mappings().first()
            if row is None or row["item_id"] != item_id:
                raise OrderNotFound
            yield _Locked(connection, parameters, row["status"])

    async def _refusal(self, order_id: uuid.UUID) -> ServiceError:
        row = await self._database.fetch_one(statements.STATUS_OF, {"order_id": order_id})
        return OrderInvalidState(details={"status": row["status"]}) if row else OrderNotFound()


def _parameters(order_id: uuid.UUID) -> dict[str, Any]:
    return {"order_id": order_id, "correlation_id": correlation_id()}


def _sealed(row: Row) -> SealedCodes:
    return SealedCodes(item_id=row["item_id"], sealed=base64.b64encode(row["sealed"]).decode())
