"""Commissions in PostgreSQL."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, TextClause, or_

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from common.db.pages import has_value
from common.errors import Busy, ServiceError
from common.http.calls import RepeatableCall, UndoCall
from common.pages import Cursor, Total
from common.rows import readable
from common.telemetry.correlation import correlation_id
from orders.commissions import statements
from orders.commissions.changes import changes_of
from orders.commissions.models import commissions
from orders.commissions.schemas import (
    AddVersion,
    Commission,
    MovedCommission,
    MoveName,
    OpenCommission,
    Stats,
    UndoName,
    UndoneCommission,
)
from orders.commissions.status import CommissionStatus, CommissionType, ShownStatus
from orders.shared.repository import AggregateRepository
from orders.ticket_orders.errors import OrderAlreadyOpened, OrderInvalidState, OrderNotFound

_VISIBLE: Final = commissions.c.status != CommissionStatus.OPENING


class CommissionRepository(AggregateRepository[Commission]):
    """Lists have the versions of each order only `with_versions`."""

    def __init__(self, database: Database, *, with_versions: bool = False) -> None:
        aggregate = statements.WITH_VERSIONS if with_versions else statements.COMMISSIONS
        super().__init__(database, aggregate, Commission)

    async def open(self, opening: OpenCommission) -> MovedCommission:
        """Store an OPENING order.

        Raises:
            OrderInvalidState: another backlink into the article is not finished; or another request opened that id.
            RequestUndone: the undo of this request came first.
        """
        facts = opening.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(opening.request_id, "commission.open", **facts)
        refuse = partial(self._why_not_opened, opening)
        return MovedCommission(**await self._store.answer(request, statements.OPEN, facts, refuse=refuse))

    async def move(self, order_id: uuid.UUID, name: MoveName, call: RepeatableCall) -> MovedCommission:
        """Move an order.

        Raises:
            OrderNotFound: there is no such order.
            OrderInvalidState: its status does not allow the move, or its round is another.
        """
        facts = call.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(call.request_id, f"commission.{name}", key=order_id, **facts)
        parameters = facts | _parameters(order_id)
        if isinstance(call, AddVersion):
            parameters["changes"] = await self._changes(order_id, call)
        refuse = partial(self._why_not_accepted if name == "accept" else self._refusal, order_id)
        return MovedCommission(**await self._store.answer(request, statements.MOVES[name], parameters, refuse=refuse))

    async def undo(self, order_id: uuid.UUID, name: UndoName, call: UndoCall) -> UndoneCommission:
        """Undo the opening, or the beginning of the publication, even if it never arrived: then it will be refused.

        Raises:
            OrderInvalidState: the order is COMPLETED.
        """
        facts = call.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(call.request_id, f"commission.{name}", key=order_id, **facts)
        done = await self._store.attempt_undo(
            request,
            statements.UNDOS[name],
            facts | _parameters(order_id),
            undoes_request_id=call.undoes_request_id,
        )
        return UndoneCommission(**(done or await self._store.store_refusal(request, await self._refusal(order_id))))

    async def resume(self, order_id: uuid.UUID, *, round_number: int) -> Commission:
        """Make an order PROCESSING that had FAILED in this round, and return it.

        Raises:
            OrderNotFound: there is no such order.
            OrderInvalidState: this round is written, or the order has ended.
        """
        await self._database.execute(statements.RESUME, {"order_id": order_id, "round": round_number})
        commission = await self.find(order_id)
        if commission is None:
            raise OrderNotFound
        if (commission.status, commission.round) != (CommissionStatus.PROCESSING, round_number):
            raise OrderInvalidState(details={"status": commission.status})
        return commission

    async def find(self, key: uuid.UUID) -> Commission | None:
        """Return an order that is not OPENING, with its versions."""
        return await self._found(statements.FIND, {"order_id": key})

    async def find_latest(self, order_id: uuid.UUID) -> Commission | None:
        """Return the same with its latest versions, of which only the current one has its content."""
        return await self._found(statements.FIND_LATEST, {"order_id": order_id})

    async def find_by_checkout(self, session_id: str) -> Commission | None:
        """Return the order of a checkout session as `find_latest` does."""
        return await self._found(statements.FIND_BY_CHECKOUT, {"session_id": session_id})

    async def page(
        self,
        *,
        customer_user_id: uuid.UUID | None = None,
        commission_type: CommissionType | None = None,
        status: ShownStatus | None = None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[Commission], Total]:
        """Return a page of orders, newest first, and the number on all pages."""
        columns, wanted = commissions.c, [_VISIBLE]
        if customer_user_id is not None:
            wanted.append(columns.customer_user_id == customer_user_id)
        if commission_type is not None:
            wanted.append(has_value(columns.type, commission_type))
        if status is not None:
            wanted.append(_is_shown_as(status))
        return await self._page(*wanted, status=None, limit=limit, offset=offset, after=after)

    async def stalled(
        self, status: CommissionStatus, *, before: datetime, after: uuid.UUID | None, limit: int
    ) -> list[Commission]:
        """Return the orders that have had a status since before a time, by id, without versions."""
        columns = commissions.c
        wanted = [has_value(columns.status, status), columns.status_at < before]
        if after is not None:
            wanted.append(columns.order_id > after)
        rows = await self._database.fetch_all(self._rows.where(*wanted).order_by(columns.order_id).limit(limit))
        return readable(rows, self._read, of="commissions", key="order_id")

    async def stats(self) -> Stats:
        row = await self._database.fetch_one(statements.STATS)
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY has one row
        return Stats(**row)

    async def _changes(self, order_id: uuid.UUID, version: AddVersion) -> str:
        """Return the changes to the latest version. None can come between the two: a round has one version."""
        before = await self._database.fetch_one(statements.LATEST_TEXT, {"order_id": order_id})
        if before is None:
            return ""
        return changes_of((before["title"], before["content"]), (version.title, version.content))

    async def _found(self, statement: TextClause, parameters: Mapping[str, Any]) -> Commission | None:
        row = await self._database.fetch_one(statement, parameters)
        return self._read(row) if row else None

    async def _refusal(self, order_id: uuid.UUID) -> ServiceError:
        row = await self._database.fetch_one(statements.STATUS_OF, {"order_id": order_id})
        return OrderInvalidState(details={"status": row["status"]}) if row else OrderNotFound()

    async def _why_not_accepted(self, order_id: uuid.UUID) -> ServiceError:
        return await self._other_backlink(order_id) or await self._refusal(order_id)

    async def _other_backlink(self, order_id: uuid.UUID, *, article_id: uuid.UUID | None = None) -> ServiceError | None:
        """Return the refusal of a backlink into this article, or that of the order, while another one is not finished."""
        parameters = {"order_id": order_id, "article_id": article_id}
        row = await self._database.fetch_one(statements.UNFINISHED_BACKLINK, parameters)
        if row is None:
            return None
        details = {"article_id": str(row["article_id"])}
        return OrderInvalidState("Another backlink into that article is not finished.", details=details)

    async def _why_not_opened(self, opening: OpenCommission) -> ServiceError:
        """Return the reason.

        Raises:
            Busy: it is gone: the other backlink is finished meanwhile.
        """
        if await self._database.fetch_one(statements.STATUS_OF, {"order_id": opening.order_id}):
            return OrderAlreadyOpened()
        if refusal := await self._other_backlink(opening.order_id, article_id=opening.article_id):
            return refusal
        raise Busy(request_id=opening.request_id)


def _parameters(order_id: uuid.UUID) -> dict[str, Any]:
    return {"order_id": order_id, "correlation_id": correlation_id()}


def _is_shown_as(status: ShownStatus) -> ColumnElement[bool]:
    hidden = [CommissionStatus.PUBLISHING] if status == "ADMIN_REVIEW" else []
    return or_(*(has_value(commissions.c.status, each) for each in (status, *hidden)))
