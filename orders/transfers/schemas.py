"""The bodies and answers of the transfer routes."""

import uuid
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict, JsonValue

from common.fields import Instant, StoredInstant
from common.http.calls import RepeatableCall, UndoCall
from common.money import Money
from orders.shared.schemas import Reason, Seat
from orders.transfers.status import TransferStatus

Party = Literal["seller", "buyer"]

_EXAMPLE: JsonDict = {
    "transfer_id": "6f1f64c0-7f0e-4a3c-8f39-6f2f2f3c5a11",
    "seat_id": "55555555-5555-5555-5555-555555555101",
    "order_id": "0d9f2f0e-6f0b-4d0e-9a53-6f0f6ad1c3b7",
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "category": "CAT1",
    "row_number": "A",
    "seat_number": 1,
    "seller_user_id": "41414141-4141-4141-4141-414141414141",
    "buyer_user_id": "42424242-4242-4242-4242-424242424242",
    "initiated_by_user_id": "41414141-4141-4141-4141-414141414141",
    "credits_amount": "300.00",
    "status": "PENDING_OTP",
    "waiting_for": ["buyer"],
    "expires_at": "2026-11-20T10:15:00Z",
    "created_at": "2026-11-20T10:00:00Z",
    "completed_at": None,
    "ended_at": None,
    "reason": None,
    "disputed_by_user_id": None,
    "dispute_reason": None,
    "disputed_at": None,
}
_HISTORY_EXAMPLE: list[JsonValue] = [
    {
        "from_status": None,
        "to_status": "PENDING_OTP",
        "at": "2026-11-20T10:00:00Z",
        "user_id": "41414141-4141-4141-4141-414141414141",
        "reason": None,
    },
]


class Transfer(Seat):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    transfer_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    initiated_by_user_id: uuid.UUID
    credits_amount: Money
    status: TransferStatus
    waiting_for: list[Party] = Field(description="The parties that have not confirmed; empty unless PENDING_OTP.")
    expires_at: StoredInstant = Field(description="When both parties must have confirmed.")
    created_at: StoredInstant
    completed_at: StoredInstant | None
    ended_at: StoredInstant | None = Field(description="When it failed, was cancelled or was reversed.")
    reason: str | None = Field(description="Why it failed or was cancelled.")
    disputed_by_user_id: uuid.UUID | None = Field(description="Of the latest dispute, even if it was dismissed.")
    dispute_reason: str | None
    disputed_at: StoredInstant | None


class TransferHistoryEntry(BaseModel):
    """One move of the status; the first has no `from_status`. `user_id` opened or disputed the transfer."""

    from_status: TransferStatus | None
    to_status: TransferStatus
    at: StoredInstant
    user_id: uuid.UUID | None
    reason: str | None


class TransferWithHistory(Transfer):
    model_config = ConfigDict(json_schema_extra={"example": {**_EXAMPLE, "history": _HISTORY_EXAMPLE}})

    history: list[TransferHistoryEntry]


class OpenTransfer(RepeatableCall, Seat):
    transfer_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    initiated_by_user_id: uuid.UUID
    credits_amount: Money
    expires_at: Instant

    @model_validator(mode="after")
    def _is_between_two_users(self) -> Self:
        parties = {self.seller_user_id, self.buyer_user_id}
        if len(parties) == 1:
            raise ValueError("seller and buyer are the same user")
        if self.initiated_by_user_id not in parties:
            raise ValueError("a transfer is initiated by its seller or its buyer")
        return self


class ConfirmTransfer(RepeatableCall):
    parties: Annotated[set[Party], Field(min_length=1)]


class EndTransfer(UndoCall):
    """The undo of opening."""

    status: Literal[TransferStatus.FAILED, TransferStatus.CANCELLED]
    reason: Reason


class UndoneTransfer(BaseModel):
    transfer_id: uuid.UUID
    status: TransferStatus | None = Field(description="null if the transfer was never opened")


class TicketDispute(BaseModel):
    is_disputed: bool = Field(description="Whether a transfer of the ticket is DISPUTED or REVERSING.")


class DisputeTransfer(RepeatableCall):
    user_id: uuid.UUID
    reason: Reason
