"""Requests and answers of menus."""

import uuid
from datetime import datetime
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.money import Money
from orchestrator.clients.orders.purchased_items import ExecutionMode, ItemStatus, PurchasedItemFacts
from orchestrator.features.purchased_items.schemas import ItemKey, Message
from orchestrator.http.naming import CamelCaseBody

POINTS: Final = "The item's bonus points, which are awarded with its completion."
_MENU: Final[JsonDict] = {
    "menu_id": "6a4b1f0e-2f3c-4c6e-9a51-0d7b5c1e8f20",
    "performer_id": "45454545-4545-4545-4545-454545454545",
    "name": "Encore",
    "description": "Songs after the show",
    "queue_mode": "ON",
    "visibility": "public",
    "theme": {
        "primary_color": "#3a0ca3",
        "secondary_color": None,
        "background_color": None,
        "text_color": None,
        "banner_url": None,
        "emoji": "🎤",
    },
    "menu_items": [
        {
            "name": "Song dedication",
            "description": "The next song is for the name you send.",
            "category": "songs",
            "position": 1,
            "bonus_loyalty_points": 5,
            "estimated_minutes": 5,
            "daily_limit": 10,
            "daily_limit_per_user": None,
            "device_activation": {"pattern": "pulse", "intensity": None, "duration_seconds": 10},
            "is_active": True,
            "menu_item_id": "0f6d2d4e-7f0f-4d4b-8a6e-3f1b9c2a7d11",
            "token_value": "25.00",
        }
    ],
}


class MenuTheme(BaseModel):
    """How the menu looks. Colors are hexadecimal, such as `#3a0ca3`."""

    primary_color: str | None
    secondary_color: str | None
    background_color: str | None
    text_color: str | None
    banner_url: str | None
    emoji: str | None


class ItemActivation(BaseModel):
    """What the performer's device does for an item: a pattern, or an intensity of 1 to 20."""

    pattern: str | None = None
    intensity: int | None = None
    duration_seconds: int


class MenuItem(BaseModel):
    name: str
    description: str
    category: str
    position: int
    bonus_loyalty_points: int
    estimated_minutes: int
    daily_limit: int | None = Field(description="Of all buyers, in the performer's time zone.")
    daily_limit_per_user: int | None
    device_activation: ItemActivation | None
    is_active: bool
    menu_item_id: uuid.UUID
    token_value: Money = Field(description="Its price in credits.")


class Menu(BaseModel):
    """A menu with its active items in order, as its performer wrote it."""

    model_config = ConfigDict(json_schema_extra={"example": _MENU})

    menu_id: uuid.UUID
    performer_id: uuid.UUID
    name: str
    description: str
    queue_mode: Literal["ON", "OFF"] = Field(description="ON: items wait for the performer. OFF: they happen at once.")
    visibility: Literal["public", "subscribers_only", "private"]
    theme: MenuTheme
    menu_items: list[MenuItem]


class MenuPurchaseRequest(CamelCaseBody):
    """The price is the server's: an amount in the body is refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "menu_id": "6a4b1f0e-2f3c-4c6e-9a51-0d7b5c1e8f20",
                "menu_item_id": "0f6d2d4e-7f0f-4d4b-8a6e-3f1b9c2a7d11",
                "idempotency_key": "song-for-mia-001",
                "message": "A song for Mia, please.",
            }
        }
    )

    menu_id: uuid.UUID
    menu_item_id: uuid.UUID
    idempotency_key: ItemKey | None = Field(
        default=None, description="Unique among your purchases: a repeated one is refused."
    )
    message: Message = ""


class MenuPurchased(BaseModel):
    success: Literal[True] = True
    purchase_id: uuid.UUID
    transaction_type: Literal["immediate", "queued"]
    status: Literal["completed", "pending"]
    token_value: Money = Field(description="The credits that were paid, or are in escrow.")
    loyalty_points_awarded: int = Field(description=POINTS)
    loyalty_points_status: Literal["awarded", "pending"]
    queue_position: int | None = Field(default=None, description="In the performer's queue, from 1.")
    estimated_wait_minutes: int | None = None


class MenuPurchase(BaseModel):
    """A purchase as it is now."""

    purchase_id: uuid.UUID
    performer_id: uuid.UUID
    menu_id: uuid.UUID | None
    menu_item_id: uuid.UUID
    name: str
    token_value: Money
    transaction_type: Literal["immediate", "queued"]
    status: Literal["pending", "in_progress", "completed", "declined", "cancelled", "expired", "failed"]
    loyalty_points_awarded: int = Field(description=f"{POINTS} 0 if it ended otherwise.")
    loyalty_points_status: Literal["awarded", "pending", "none"]
    queue_position: int | None = Field(description="While it is pending.")
    estimated_wait_minutes: int | None
    message: str
    note: str = Field(description="What the performer completed it with.")
    file_url: str
    explanation: str = Field(description="Why it was declined, or has failed.")
    device: dict[str, Any] = Field(description="What became of its device activation, if it has one.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, item: PurchasedItemFacts) -> Self:
        is_open = item.status in {ItemStatus.PENDING, ItemStatus.IN_PROGRESS}
        is_complete = item.status is ItemStatus.SUCCESS
        return cls.model_validate(
            item.model_dump(include=set(cls.model_fields))
            | {
                "purchase_id": item.purchased_item_id,
                "menu_item_id": item.offer_id,
                "token_value": item.price,
                "transaction_type": "queued" if item.execution_mode is ExecutionMode.QUEUED else "immediate",
                "status": "completed" if is_complete else item.status.lower(),
                "loyalty_points_awarded": item.bonus_points if is_open or is_complete else 0,
                "loyalty_points_status": "awarded" if is_complete else "pending" if is_open else "none",
            }
        )
