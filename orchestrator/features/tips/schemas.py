"""Requests and answers of tips."""

import uuid
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.fields import Instant
from orchestrator.clients.orders.purchased_items import ExecutionMode
from orchestrator.features.purchased_items.schemas import ItemKey, Message
from orchestrator.http.naming import CamelCaseBody


class TipRequest(CamelCaseBody):
    """`conversation_id` is the client's own: it is stored, and shown with the item."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tip_menu_item_id": "00000000-0000-4000-8000-000000000000",
                "performer_id": "00000000-0000-4000-8000-000000000000",
                "message": "For Mia, who turns eight",
            }
        }
    )

    tip_menu_item_id: uuid.UUID
    performer_id: uuid.UUID
    conversation_id: uuid.UUID | None = None
    idempotency_key: ItemKey | None = Field(
        default=None, description="Unique among your purchases: a repeated one is refused."
    )
    execution_mode: ExecutionMode | None = Field(
        default=None, description="`QUEUED` with `scheduled_for`, otherwise `IMMEDIATE`."
    )
    scheduled_for: Instant | None = Field(
        default=None, description="At most 30 days ahead; the tip is not performed before it."
    )
    hold_funds: bool = Field(
        default=False, description="Of a queued tip: set the credits aside at once. One with a daily limit always does."
    )
    message: Message = ""

    @property
    def mode(self) -> ExecutionMode:
        return self.execution_mode or (ExecutionMode.QUEUED if self.scheduled_for else ExecutionMode.IMMEDIATE)

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.mode is ExecutionMode.IMMEDIATE and (self.scheduled_for or self.hold_funds):
            raise ValueError("only a QUEUED tip is scheduled, or holds funds")
        return self


class TipBought(BaseModel):
    """The credits have moved. `transaction_id` is the purchased item's id, too."""

    success: Literal[True] = True
    transaction_id: uuid.UUID
    purchased_item_id: uuid.UUID
    message: str = "Tip grid item purchased successfully"


class TipQueued(BaseModel):
    """The tip has its place in the queue; none before its scheduled time."""

    success: Literal[True] = True
    queue_request_id: uuid.UUID
    purchased_item_id: uuid.UUID
    queue_position: int | None
    message: str = "Tip grid item queued for processing"
