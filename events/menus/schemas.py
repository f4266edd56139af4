"""Menus and their items: what performers send, what the public sees, what sagas read.

A tip grid's item has a `price`, an item of a performance menu a `token_value`; both are credits. The fields' own names are
those of the columns.
"""

import enum
import uuid
from typing import Annotated, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from common.fields import HttpsUrl, LineText, PlainText, StoredInstant
from common.http.body import PartialBody, RequestBody
from common.money import Money
from events.performers.schemas import PerformerFacts, Price

LARGEST_POSITION: Final = 1_000_000
# Performers give away points of the platform, in proportion to what they sell.
POINTS_PER_CREDIT: Final = 10
MINUTES_OF_A_DAY: Final = 1_440

_ITEM: Final[JsonDict] = {
    "name": "Song dedication",
    "description": "The next song is for the name you send.",
    "category": "songs",
    "position": 1,
    "bonus_loyalty_points": 5,
    "estimated_minutes": 5,
    "daily_limit": 10,
    "daily_limit_per_user": 2,
    "device_activation": {"intensity": 12, "duration_seconds": 10},
    "is_active": True,
}
_MENU: Final[JsonDict] = {
    "name": "Encore",
    "description": "For the last half hour.",
    "queue_mode": "ON",
    "visibility": "public",
    "theme": {"primary_color": "#3a0ca3", "emoji": "🎤"},
}
_GRID: Final[JsonDict] = {"name": "Tips", "description": "They happen at once."}


class MenuKind(enum.StrEnum):
    TIP = "TIP"  # a tip grid
    PERFORMANCE = "PERFORMANCE"


class QueueMode(enum.StrEnum):
    """ON: the credits wait in escrow until the performer completes the item. OFF: they move at once (M3)."""

    ON = "ON"
    OFF = "OFF"


class Visibility(enum.StrEnum):
    PUBLIC = "public"
    SUBSCRIBERS_ONLY = "subscribers_only"
    PRIVATE = "private"  # for the users of its whitelist


Name = Annotated[LineText, Field(min_length=1, max_length=80)]
Description = Annotated[PlainText, Field(max_length=1_000)]
Category = Annotated[LineText, Field(max_length=50)]
Position = Annotated[int, Field(strict=True, ge=0, le=LARGEST_POSITION)]
Points = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Minutes = Annotated[int, Field(strict=True, ge=0, le=MINUTES_OF_A_DAY)]
DailyLimit = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Color = Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$", examples=["#3a0ca3"])]
LAST: Final = "After the last one if omitted."
POINTS: Final = f"At most {POINTS_PER_CREDIT} for each credit of the price."


class DeviceActivation(RequestBody):
    """What a device does for an item: a pattern, or an intensity."""

    model_config = ConfigDict(json_schema_extra={"example": {"intensity": 12, "duration_seconds": 10}})

    pattern: Annotated[LineText, Field(min_length=1, max_length=40)] | None = None
    intensity: Annotated[int, Field(strict=True, ge=1, le=20)] | None = None
    duration_seconds: Annotated[int, Field(strict=True, ge=1, le=600)]

    @model_validator(mode="after")
    def _says_what_to_do(self) -> Self:
        if (self.pattern is None) == (self.intensity is None):
            raise ValueError("either pattern or intensity is needed, and not both")
        return self


class Theme(RequestBody):
    """How a menu looks. A change replaces it as a whole."""

    primary_color: Color | None = None
    secondary_color: Color | None = None
    background_color: Color | None = None
    text_color: Color | None = None
    banner_url: HttpsUrl | None = None
    emoji: Annotated[LineText, Field(min_length=1, max_length=16)] | None = None


# --- what performers send --------------------------------------------------------------------------------------------


class NewItem(RequestBody):
    name: Name
    description: Description = ""
    category: Category = ""
    position: Position | None = Field(default=None, description=LAST)
    bonus_loyalty_points: Points = Field(default=0, description=POINTS)
    estimated_minutes: Minutes = 0
    daily_limit: DailyLimit | None = Field(default=None, description="Of all buyers, in the performer's time zone.")
    daily_limit_per_user: DailyLimit | None = None
    device_activation: DeviceActivation | None = None
    is_active: bool = True


class NewTipItem(NewItem):
    model_config = ConfigDict(json_schema_extra={"example": _ITEM | {"price": "5.00"}})

    price: Price


class NewMenuItem(NewItem):
    model_config = ConfigDict(json_schema_extra={"example": _ITEM | {"token_value": "25.00"}})

    price: Price = Field(alias="token_value", description="Its price in credits.")


class ItemChanges(PartialBody):
    """At least one field; the others stay as they are. null ends a daily limit or the device's activation."""

    clearable: ClassVar[frozenset[str]] = frozenset({"daily_limit", "daily_limit_per_user", "device_activation"})

    name: Name | None = None
    description: Description | None = None
    category: Category | None = None
    position: Position | None = None
    bonus_loyalty_points: Points | None = Field(default=None, description=POINTS)
    estimated_minutes: Minutes | None = None
    daily_limit: DailyLimit | None = None
    daily_limit_per_user: DailyLimit | None = None
    device_activation: DeviceActivation | None = None
    is_active: bool | None = None


class TipItemChanges(ItemChanges):
    model_config = ConfigDict(json_schema_extra={"example": {"price": "6.00"}})

    price: Price | None = None


class MenuItemChanges(ItemChanges):
    model_config = ConfigDict(json_schema_extra={"example": {"token_value": "30.00"}})

    price: Price | None = Field(default=None, alias="token_value", description="Its price in credits.")


class NewTipMenu(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": _GRID})

    name: Name
    description: Description = ""
    position: Position | None = Field(default=None, description=LAST)
    is_active: bool = True


class NewMenu(NewTipMenu):
    model_config = ConfigDict(json_schema_extra={"example": _MENU})

    queue_mode: QueueMode = QueueMode.OFF
    visibility: Visibility = Visibility.PUBLIC
    theme: Theme = Theme()


class TipMenuChanges(PartialBody):
    model_config = ConfigDict(json_schema_extra={"example": {"is_active": False}})

    name: Name | None = None
    description: Description | None = None
    position: Position | None = None
    is_active: bool | None = None


class MenuChanges(TipMenuChanges):
    queue_mode: QueueMode | None = None
    visibility: Visibility | None = None
    theme: Theme | None = None


class WhitelistedUser(RequestBody):
    user_id: uuid.UUID


# --- what they and others see ----------------------------------------------------------------------------------------


class Item(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    name: str
    description: str
    category: str
    position: int
    bonus_loyalty_points: int
    estimated_minutes: int
    daily_limit: int | None
    daily_limit_per_user: int | None
    device_activation: DeviceActivation | None
    is_active: bool


class TipItem(Item):
    item_id: uuid.UUID = Field(alias="tip_menu_item_id")
    price: Money


class MenuItem(Item):
    item_id: uuid.UUID = Field(alias="menu_item_id")
    price: Money = Field(alias="token_value")


class TipMenu(BaseModel):
    """A tip grid, with its items in order."""

    model_config = ConfigDict(populate_by_name=True)

    menu_id: uuid.UUID = Field(alias="tip_menu_id")
    performer_id: uuid.UUID
    name: str
    description: str
    position: int
    is_active: bool
    items: list[TipItem]


class Menu(BaseModel):
    """A performance menu as its readers see it, with its active items in order."""

    model_config = ConfigDict(populate_by_name=True)

    menu_id: uuid.UUID
    performer_id: uuid.UUID
    name: str
    description: str
    queue_mode: QueueMode
    visibility: Visibility
    theme: Theme
    items: list[MenuItem] = Field(alias="menu_items")


class OwnMenu(Menu):
    """A performance menu as its performer sees it, with all items."""

    position: int
    is_active: bool
    whitelisted_users: int = Field(description="Who may see the menu while it is private.")


class TipGrid(BaseModel):
    """What fans may tip a performer for."""

    performer_id: uuid.UUID
    display_name: str
    tip_menus: list[TipMenu]


class WhitelistEntry(BaseModel):
    user_id: uuid.UUID
    added_at: StoredInstant


class TemplateName(enum.StrEnum):
    QUICK_FUN = "quick-fun"
    PRIVATE_ENERGY = "private-energy"
    VIP_EXPERIENCE = "vip-experience"


class MenuTemplate(BaseModel):
    """A menu that performers can begin with."""

    template: TemplateName
    menu: NewMenu
    menu_items: list[NewMenuItem]


# --- what sagas read -------------------------------------------------------------------------------------------------


class DeviceSettings(BaseModel):
    pattern: str | None
    strength: int | None
    seconds: int


class MenuItemFacts(BaseModel):
    """An item as it is sold to a buyer."""

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
    is_active: bool
    is_queued: bool
    visibility: Visibility
    is_whitelisted: bool


class MenuFacts(BaseModel):
    """A menu as it is shown to a reader; `menu` is its public representation."""

    menu_id: uuid.UUID
    performer_id: uuid.UUID
    is_active: bool
    visibility: Visibility
    is_whitelisted: bool
    menu: Menu
