"""Subscriptions in PostgreSQL."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Select, TextClause, func, literal_column, select

from common.db.engine import Database, Row
from common.db.pages import find_newest
from common.pages import Cursor, Total
from common.rows import readable
from common.telemetry.correlation import correlation_id
from orders.subscriptions.models import subscriptions
from orders.subscriptions.schemas import Subscription
from orders.subscriptions.statements import (
    CANCEL,
    DUE,
    END,
    END_OF_FAN,
    END_OF_PERFORMER,
    REMIND,
    RESUME,
    subscription_json,
)

_ROWS: Final[Select[Any]] = select(literal_column(subscription_json("subscriptions")).label("found")).select_from(
    subscriptions
)


class SubscriptionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, subscription_id: uuid.UUID) -> Subscription | None:
        row = await self._database.fetch_one(_ROWS.where(subscriptions.c.subscription_id == subscription_id))
        return _read(row) if row else None

    async def find_of(self, user_id: uuid.UUID, *, performer_id: uuid.UUID) -> Subscription | None:
        """Return a fan's subscription to a performer, also one that has ended."""
        columns = subscriptions.c
        row = await self._database.fetch_one(
            _ROWS.where(columns.user_id == user_id, columns.performer_id == performer_id)
        )
        return _read(row) if row else None

    async def page_of(
        self, user_id: uuid.UUID, *, limit: int, offset: int, after: Cursor | None = None
    ) -> tuple[list[Subscription], Total]:
        """Return a page of a fan's subscriptions, newest first, and the number on all pages."""
        return await self._page(
            _ROWS.where(subscriptions.c.user_id == user_id), limit=limit, offset=offset, after=after
        )

    async def page_of_subscribers(
        self, performer_id: uuid.UUID, *, limit: int, offset: int, after: Cursor | None
    ) -> tuple[list[Subscription], Total]:
        """Return a page of a performer's active subscriptions, newest first, and the number on all pages."""
        columns = subscriptions.c
        rows = _ROWS.where(columns.performer_id == performer_id, columns.ends_at > func.now())
        return await self._page(rows, limit=limit, offset=offset, after=after)

    async def cancel(self, user_id: uuid.UUID, *, performer_id: uuid.UUID) -> bool:
        """Stop the renewals, and announce it; return False if there were none."""
        return bool(await self._change(CANCEL, {"user_id": user_id, "performer_id": performer_id}))

    async def resume(self, subscription_id: uuid.UUID) -> Subscription | None:
        """Let a subscription renew; return None if it has ended."""
        row = await self._database.fetch_one(RESUME, {"subscription_id": subscription_id})
        return _read(row) if row else None

    async def due(self, *, limit: int, after: Cursor | None) -> list[Subscription]:
        place = {"after_end": after and after.at, "after_id": after and after.key}
        rows = await self._database.fetch_all(DUE, {**place, "limit": limit})
        return readable(rows, _read, of="subscriptions", key="subscription_id")

    async def end(self, subscription_id: uuid.UUID, *, periods: int, reason: str) -> bool:
        """End a subscription that could not be renewed, and announce it; return False if nothing was changed."""
        parameters = {"subscription_id": subscription_id, "periods": periods, "reason": reason}
        return bool(await self._change(END, parameters))

    async def remind(self, *, days_before: int, limit: int) -> int:
        return await self._change(REMIND, {"days_before": days_before, "limit": limit})

    async def end_of_performer(self, user_id: uuid.UUID, *, batch: int) -> int:
        """End subscriptions to a performer whose account was deleted; return how many, `batch` at most."""
        return await self._change(END_OF_PERFORMER, {"user_id": user_id, "limit": batch})

    async def end_of_fan(self, user_id: uuid.UUID) -> None:
        await self._database.execute(END_OF_FAN, {"user_id": user_id})

    async def _change(self, statement: TextClause, parameters: Mapping[str, object]) -> int:
        """Run a change that announces each changed subscription; return how many there are."""
        return len(await self._database.fetch_all(statement, {**parameters, "correlation_id": correlation_id()}))

    async def _page(
        self, rows: Select[Any], *, limit: int, offset: int, after: Cursor | None
    ) -> tuple[list[Subscription], Total]:
        found, total = await find_newest(
            self._database,
            rows,
            at=subscriptions.c.created_at,
            key=subscriptions.c.subscription_id,
            limit=limit,
            offset=offset,
            after=after,
        )
        return readable(found, _read, of="subscriptions", key="subscription_id"), total


def _read(row: Row) -> Subscription:
    return Subscription(**row["found"])
