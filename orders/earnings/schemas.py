"""The answers of the earnings routes."""

import re
import uuid
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field

from common.fields import StoredInstant
from common.money import Money

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _require_date(day: Any) -> Any:
    """Refuse seconds since 1970, which pydantic would accept."""
    if isinstance(day, date) or (isinstance(day, str) and _DATE.fullmatch(day)):
        return day
    raise ValueError("a date is written as 2027-03-20")


CalendarDate = Annotated[date, BeforeValidator(_require_date)]


class Earning(BaseModel):
    """What a performer earned with one item. `day` is that of the performer's time zone."""

    item_id: uuid.UUID
    type: str
    name: str
    amount: Money
    day: date
    at: StoredInstant


class EarnedByType(BaseModel):
    type: str = Field(description="tip_grid_item, menu_item or subscription")
    count: int
    amount: Money


class EarnedByItem(BaseModel):
    """`name` is the latest one."""

    offer_id: uuid.UUID = Field(description="The tip grid item, the menu item, or the performer for subscriptions.")
    type: str
    name: str
    count: int
    amount: Money


class EarnedByDay(BaseModel):
    day: date
    count: int
    amount: Money


class Earnings(BaseModel):
    """What a performer earned. Days are those of the performer's time zone."""

    today: Money
    total: Money = Field(description="From `from` to `to`, as the lists below.")
    pending: Money = Field(description="Earned at any time, and not paid out yet.")
    by_type: list[EarnedByType]
    by_item: list[EarnedByItem] = Field(description="The largest amounts first, 1,000 at most.")
    by_day: list[EarnedByDay] = Field(description="Days without earnings are left out.")
