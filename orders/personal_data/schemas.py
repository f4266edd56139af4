"""The answers of the personal data routes."""

import enum
from typing import Any

from pydantic import BaseModel


class SectionName(enum.StrEnum):
    ORDERS = "orders"
    TRANSFERS = "transfers"
    LISTINGS = "listings"
    PURCHASED_ITEMS = "purchased_items"
    SUBSCRIPTIONS = "subscriptions"
    SALES = "sales"
    EARNINGS = "earnings"
    COMMISSIONS = "commissions"
    DIGITAL_ORDERS = "digital_orders"


class Section(BaseModel):
    """A part of an export, newest first. `next` leads to the following part as `after`; null after the last one."""

    items: list[dict[str, Any]]
    next: str | None


class OpenDeals(BaseModel):
    """How many of a user's orders wait for payment, transfers are not decided, and listings are not over.

    Also the items that the user bought or sold as a performer and that are not over, and earnings that are not paid out;
    and the articles, backlinks and digital goods that the user ordered and that are not over.
    """

    orders: int
    transfers: int
    listings: int
    purchased_items: int
    earnings: int
    commissions: int
    digital_orders: int
