"""Performers, their menus and what they sell there, from the events service."""

import enum
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money
from common.rows import readable

__all__ = [
    "DeviceSettings",
    "MenuFacts",
    "MenuItemFacts",
    "MenuKind",
    "PerformerFacts",
    "PerformersClient",
    "Settlement",
]

SUBSCRIPTION_PERIOD: Final = timedelta(days=30)


class MenuKind(enum.StrEnum):
    TIP = "TIP"  # a tip grid
    PERFORMANCE = "PERFORMANCE"


class Settlement(enum.StrEnum):
    """Whether a performer's credits reach the wallet at once, or are paid out in batches (Q6)."""

    INSTANT = "INSTANT"
    BATCHED = "BATCHED"


class Visibility(enum.StrEnum):
    PUBLIC = "public"
    SUBSCRIBERS_ONLY = "subscribers_only"
    PRIVATE = "private"


class DeviceSettings(BaseModel):
    """What a device does for an item: a pattern, or a strength of 1 to 20."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    pattern: str | None = None
    strength: int | None = None
    seconds: int


class PerformerFacts(BaseModel):
    """A performer. `performer_id` is the id of the performer's user."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    performer_id: uuid.UUID
    display_name: str
    is_active: bool
    time_zone: str
    subscription_price: Money | None
    settlement: Settlement
    device_uid: str | None


class MenuItemFacts(BaseModel):
    """An item as it is sold, with its menu and its performer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    item_id: uuid.UUID
    menu_id: uuid.UUID
    performer: PerformerFacts
    name: str
    description: str
    price: Money
    bonus_points: int
    estimated_minutes: int
    daily_limit: int | None
    daily_limit_per_user: int | None
    device: DeviceSettings | None
    is_active: bool  # the item, its menu and its performer are
    is_queued: bool  # the menu's queue mode is ON; False for a tip grid
    visibility: Visibility
    is_whitelisted: bool  # the buyer in question is on the menu's whitelist


class MenuFacts(BaseModel):
    """A menu. `menu` is the events service's public representation of it, with its active items."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    menu_id: uuid.UUID
    performer_id: uuid.UUID
    is_active: bool
    visibility: Visibility
    is_whitelisted: bool
    menu: dict[str, object]


class PerformersClient:
    def __init__(self, events: ServiceClient) -> None:
        self._events = events

    async def find(self, performer_id: uuid.UUID) -> PerformerFacts:
        """Return a performer, also an inactive one.

        Raises:
            NotFound: PERFORMER_NOT_FOUND.
        """
        return PerformerFacts.model_validate(await self._events.get(f"/internal/performers/{performer_id}"))

    async def lookup(self, performer_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PerformerFacts]:
        """Return the performers that exist, by id; at most 100."""
        wanted = sorted(set(performer_ids))
        if not wanted:
            return {}
        rows = await self._events.post("/internal/performers/lookup", {"performer_ids": wanted})
        performers = readable(rows, PerformerFacts.model_validate, of="performers", key="performer_id")
        return {performer.performer_id: performer for performer in performers}

    async def menu_item(self, item_id: uuid.UUID, *, kind: MenuKind, buyer_user_id: uuid.UUID) -> MenuItemFacts:
        """Return an item of a menu of that kind, as it is for this buyer.

        Raises:
            NotFound: ITEM_NOT_FOUND.
        """
        query = {"kind": kind.value, "buyer_user_id": str(buyer_user_id)}
        return MenuItemFacts.model_validate(await self._events.get(f"/internal/menu-items/{item_id}", query))

    async def menu(self, menu_id: uuid.UUID, *, reader_user_id: uuid.UUID) -> MenuFacts:
        """Return a performance menu, also an inactive one.

        Raises:
            NotFound: MENU_NOT_FOUND.
        """
        query = {"reader_user_id": str(reader_user_id)}
        return MenuFacts.model_validate(await self._events.get(f"/internal/menus/{menu_id}", query))

    async def menus_of(self, performer_id: uuid.UUID, *, reader_user_id: uuid.UUID) -> list[MenuFacts]:
        """Return a performer's performance menus in their order, also inactive ones.

        Raises:
            NotFound: PERFORMER_NOT_FOUND.
        """
        query = {"reader_user_id": str(reader_user_id)}
        rows = await self._events.get(f"/internal/performers/{performer_id}/menus", query)
        return readable(rows, MenuFacts.model_validate, of="menus", key="menu_id")
