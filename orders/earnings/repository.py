"""Earnings in PostgreSQL."""

import uuid
from datetime import date
from typing import Final

from sqlalchemy import select

from common.db.engine import Database
from common.db.pages import find_newest
from common.messaging.message import InvalidMessage, Message
from common.pages import Cursor, Total
from common.rows import readable
from common.time_zones import DEFAULT_TIME_ZONE, zone_of
from orders.earnings.models import earnings
from orders.earnings.schemas import Earning, Earnings
from orders.earnings.statements import COMPLETED_ITEM, RECORD, SUMS, TIME_ZONE

CONSUMER: Final = "earnings"


class EarningsRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, item_id: uuid.UUID, message: Message) -> None:
        """Record a completed item, once for a message and once for an item.

        Raises:
            InvalidMessage: there is no such item, or it is not complete.
        """
        item = await self._database.fetch_one(COMPLETED_ITEM, {"item_id": item_id})
        if item is None:
            raise InvalidMessage(item_id=item_id)
        day = item["ended_at"].astimezone(zone_of(item["time_zone"])).date()
        received = {"message_id": message.id, "consumer": CONSUMER}
        await self._database.execute(RECORD, {**item, **received, "item_id": item_id, "day": day})

    async def page(
        self, performer_id: uuid.UUID, *, limit: int, offset: int, after: Cursor | None = None
    ) -> tuple[list[Earning], Total]:
        """Return a page of what a performer earned, newest first, and the number on all pages."""
        found, total = await find_newest(
            self._database,
            select(*(earnings.c[name] for name in Earning.model_fields)).where(earnings.c.performer_id == performer_id),
            at=earnings.c.at,
            key=earnings.c.item_id,
            limit=limit,
            offset=offset,
            after=after,
        )
        return readable(found, Earning.model_validate, of="earnings"), total

    async def time_zone_of(self, performer_id: uuid.UUID) -> str:
        """Return the performer's time zone at the last item they completed."""
        row = await self._database.fetch_one(TIME_ZONE, {"performer_id": performer_id})
        return row["time_zone"] if row else DEFAULT_TIME_ZONE

    async def sums(self, performer_id: uuid.UUID, *, first: date, last: date, today: date) -> Earnings:
        """Return what a performer earned on the days from `first` to `last`, both included."""
        row = await self._database.fetch_one(
            SUMS, {"performer_id": performer_id, "first": first, "last": last, "today": today}
        )
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return Earnings.model_validate(dict(row))
