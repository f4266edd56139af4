"""The bodies and answers of the routes of purchased items."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.fields import Instant, SentText, StoredInstant
from common.http.calls import RepeatableCall, UndoCall
from common.money import Money
from common.time_zones import zone_of
from orders.purchased_items.status import ENDED_BY, ItemStatus, ItemType, SettlementStatus

MOST_SETTLED: Final = 1_000

Name = Annotated[SentText, Field(max_length=200)]
Text = Annotated[SentText, Field(max_length=5_000)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Limit = Annotated[int, Field(strict=True, ge=1, le=2_147_483_647)]
StatusOfItem = Literal["pending", "in_progress", "success", "failed", "cancelled", "declined", "expired"]
"""As users see it."""

MoveName = Literal["enqueue", "start", "complete"]


class OpenItem(RepeatableCall):
    """`offer_id`: the tip grid item, the menu item, or the performer of a subscription.

    `time_zone` is the performer's: their day is the day of the limits. With `renewed_periods` it is the renewal of a
    subscription, and opens only if that still renews and has as many periods.
    """

    purchased_item_id: uuid.UUID
    type: ItemType
    buyer_user_id: uuid.UUID
    performer_id: uuid.UUID
    offer_id: uuid.UUID
    menu_id: uuid.UUID | None = None
    conversation_id: uuid.UUID | None = None
    name: Name
    description: Text = ""
    price: Money
    execution_mode: Literal["IMMEDIATE", "QUEUED"] = "IMMEDIATE"
    message: Text = ""
    idempotency_key: Annotated[SentText, Field(max_length=255)] | None = None
    queue_request_id: uuid.UUID | None = None
    scheduled_for: Instant | None = None
    estimated_minutes: Count = 0
    bonus_points: Count = 0
    is_batched: bool = False
    time_zone: Annotated[SentText, Field(max_length=64)]
    daily_limit: Limit | None = None
    daily_limit_per_user: Limit | None = None
    renewed_periods: Limit | None = None

    def day_at(self, moment: datetime) -> date:
        return moment.astimezone(zone_of(self.time_zone)).date()

    def next_day_after(self, moment: datetime) -> datetime:
        """Return when the next day begins."""
        tomorrow = self.day_at(moment) + timedelta(days=1)
        return datetime.combine(tomorrow, time.min, tzinfo=zone_of(self.time_zone)).astimezone(UTC)


class EnqueueItem(RepeatableCall):
    is_funded: bool


class CompleteItem(RepeatableCall):
    note: Text = ""
    file_url: Text = ""


class EndItem(UndoCall):
    """The undo of opening. `reason` is the code of the error that ends the sale."""

    reason: Annotated[SentText, Field(max_length=100)] = ""
    explanation: Text = ""

    @property
    def status(self) -> ItemStatus:
        return ENDED_BY.get(self.reason, ItemStatus.FAILED)

    @property
    def shown_explanation(self) -> str:
        """Why: the reason itself, for an item that has failed and is not explained."""
        return self.explanation or (self.reason if self.status == ItemStatus.FAILED else "")


class MovedItem(BaseModel):
    """`status` is null if there is no such item. Position and wait are those of the moment of the move, of a PENDING item."""

    purchased_item_id: uuid.UUID
    status: ItemStatus | None
    queue_position: int | None = None
    estimated_wait_minutes: int | None = None


class SettleItems(RepeatableCall):
    payout_id: uuid.UUID
    item_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=MOST_SETTLED)]


class Settled(BaseModel):
    """How many were settled, now or under this request id before."""

    settled: int


class NoteDevice(BaseModel):
    status: Literal["activated", "failed"]
    error: Annotated[SentText, Field(max_length=500)] = ""


class PublicItemChange(BaseModel):
    """A move of the status; `from_status` is null for the first one."""

    from_status: StatusOfItem | None
    to_status: StatusOfItem
    at: StoredInstant


_EXAMPLE: JsonDict = {
    "purchased_item_id": "7c0f6f1e-0f5e-5a59-9a53-1f0f6ad1c3b7",
    "source": "user",
    "source_id": "41414141-4141-4141-4141-414141414141",
    "target": "menu",
    "target_id": "42424242-4242-4242-4242-424242424242",
    "seller_id": "42424242-4242-4242-4242-424242424242",
    "type": "menu_item",
    "name": "Song dedication",
    "description": "The next song is for you.",
    "price": "12.00",
    "quantity": 1,
    "total_price": "12.00",
    "original_price": "12.00",
    "status": "pending",
    "settlement_status": "held",
    "extra_info": {
        "menu_item_id": "5f0f6f1e-0f5e-5a59-9a53-1f0f6ad1c3b7",
        "menu_id": "6f0f6f1e-0f5e-5a59-9a53-1f0f6ad1c3b7",
        "conversation_id": None,
        "execution_mode": "QUEUED",
    },
    "idempotency_key": "a key of the client",
    "queue_request_id": None,
    "queue_position": 3,
    "estimated_wait_minutes": 12,
    "scheduled_for": None,
    "message": "For Mia",
    "note": "",
    "file_url": "",
    "explanation": "",
    "device": {},
    "created_at": "2026-11-20T10:00:00Z",
    "updated_at": "2026-11-20T10:00:00Z",
    "started_at": None,
    "ended_at": None,
}


class PublicItem(BaseModel):
    """A purchased item as its buyer sees it; the performer sees neither the buyer nor their key."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    purchased_item_id: uuid.UUID
    source: Literal["user"] = "user"
    source_id: uuid.UUID | None = Field(description="The buyer; null to the performer.")
    target: Literal["tip", "conversation", "menu", "subscription"]
    target_id: uuid.UUID = Field(description="The conversation, or else the performer.")
    seller_id: uuid.UUID = Field(description="The performer.")
    type: ItemType
    name: str
    description: str
    price: Money
    quantity: Literal[1] = 1
    total_price: Money
    original_price: Money
    status: StatusOfItem
    settlement_status: SettlementStatus = Field(
        description="Where the price is: pending (with the buyer, or earned and not paid out yet), held in escrow, "
        "settled (in the performer's wallet) or refunded."
    )
    extra_info: dict[str, str | None]
    idempotency_key: str | None
    queue_request_id: uuid.UUID | None
    queue_position: int | None = Field(description="Of this moment; null unless it is pending and due.")
    estimated_wait_minutes: int | None
    scheduled_for: StoredInstant | None
    message: str = Field(description="What the buyer told the performer.")
    note: str = Field(description="What the performer told the buyer at the end.")
    file_url: str
    explanation: str = Field(description="Why it was declined or has failed.")
    device: dict[str, Any] = Field(description="What became of the device activation: status, error, at.")
    created_at: StoredInstant
    updated_at: StoredInstant
    started_at: StoredInstant | None
    ended_at: StoredInstant | None


class PublicItemWithHistory(PublicItem):
    history: list[PublicItemChange]


class PurchasedItem(BaseModel):
    """A purchased item as other services see it. Position and wait are those of this moment, null unless it is PENDING."""

    purchased_item_id: uuid.UUID
    type: ItemType
    buyer_user_id: uuid.UUID
    performer_id: uuid.UUID
    offer_id: uuid.UUID
    menu_id: uuid.UUID | None
    conversation_id: uuid.UUID | None
    name: str
    description: str
    price: Money
    status: ItemStatus
    settlement_status: SettlementStatus
    execution_mode: str
    message: str
    idempotency_key: str | None
    bonus_points: int
    estimated_minutes: int
    queue_request_id: uuid.UUID | None
    queue_position: int | None
    estimated_wait_minutes: int | None
    scheduled_for: StoredInstant | None
    note: str
    file_url: str
    explanation: str
    device: dict[str, Any]
    created_at: StoredInstant
    started_at: StoredInstant | None
    ended_at: StoredInstant | None

    def for_buyer(self) -> PublicItem:
        return PublicItem(**self._shown())

    def for_performer(self) -> PublicItem:
        return PublicItem(**self._shown() | {"source_id": None, "idempotency_key": None})

    def _shown(self) -> dict[str, Any]:
        target, target_id = self._target()
        same = {name: value for name, value in self if name in PublicItem.model_fields}
        return same | {
            "source_id": self.buyer_user_id,
            "target": target,
            "target_id": target_id,
            "seller_id": self.performer_id,
            "total_price": self.price,
            "original_price": self.price,
            "status": self.status.lower(),
            "extra_info": self._extra_info(),
            "updated_at": max(at for at in (self.created_at, self.started_at, self.ended_at) if at is not None),
        }

    def _target(self) -> tuple[str, uuid.UUID]:
        if self.conversation_id is not None:
            return "conversation", self.conversation_id
        kinds = {ItemType.TIP: "tip", ItemType.MENU: "menu", ItemType.SUBSCRIPTION: "subscription"}
        return kinds[self.type], self.performer_id

    def _extra_info(self) -> dict[str, str | None]:
        offer = {
            ItemType.TIP: {"tip_menu_item_id": self.offer_id, "tip_menu_id": self.menu_id},
            ItemType.MENU: {"menu_item_id": self.offer_id, "menu_id": self.menu_id},
            ItemType.SUBSCRIPTION: {},
        }[self.type]
        ids = {**offer, "conversation_id": self.conversation_id}
        named = {name: None if value is None else str(value) for name, value in ids.items()}
        return {**named, "execution_mode": self.execution_mode}


class PurchasedItemWithHistory(PurchasedItem):
    history: list[PublicItemChange]


class BoughtItems(BaseModel):
    """A page of what a user bought, and the number on all pages (at most 10,000)."""

    items: list[PurchasedItem]
    total: int
