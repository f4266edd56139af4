"""Requests and answers of the performance queue."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from common.fields import HttpsAddress, LineText, is_none
from common.http.body import RequestBody
from common.money import Money
from orchestrator.clients.orders.purchased_items import ItemType, PurchasedItemFacts


class CompleteRequest(RequestBody):
    """What the buyer gets with the performance."""

    note: Annotated[LineText, Field(max_length=1_000)] = ""
    file: Annotated[HttpsAddress, Field(max_length=2_000, examples=["https://example.com/f"])] | None = Field(
        default=None, description="Its https address; items show it as `file_url`."
    )


class DeclineRequest(RequestBody):
    reason: Annotated[LineText, Field(min_length=1, max_length=280)]


class RequestResult(BaseModel):
    success: bool
    message: str
    purchased_item_id: uuid.UUID


class RequestStatus(BaseModel):
    """`result` and `completed_at` are present once the request has ended."""

    request_id: uuid.UUID
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    retry_count: int
    result: RequestResult | None = Field(default=None, exclude_if=is_none)
    created_at: datetime
    completed_at: datetime | None = Field(default=None, exclude_if=is_none)


class ItemMoved(BaseModel):
    purchased_item_id: uuid.UUID
    status: Literal["in_progress", "success", "declined", "cancelled"]


class QueuedItem(BaseModel):
    """An item in progress, or one that waits; a scheduled one has no position before its time."""

    purchased_item_id: uuid.UUID
    type: ItemType
    name: str
    price: Money
    status: str
    buyer_name: str
    message: str
    queue_position: int | None
    estimated_wait_minutes: int | None
    estimated_minutes: int
    scheduled_for: datetime | None
    created_at: datetime
    started_at: datetime | None

    @classmethod
    def of(cls, item: PurchasedItemFacts, *, buyer_name: str) -> Self:
        facts = item.model_dump(include=set(cls.model_fields)) | {"status": item.status.lower()}
        return cls(buyer_name=buyer_name, **facts)


class QueueView(BaseModel):
    """`waiting` and `estimated_minutes` are of the whole queue."""

    is_paused: bool
    waiting: int
    estimated_minutes: int
    items: list[QueuedItem]


class QueueState(BaseModel):
    is_paused: bool
    waiting: int
