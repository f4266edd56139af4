"""Requests and answers of transfers and disputes."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, model_validator

from common.fields import PlainText
from common.http.body import RequestBody
from common.money import Money
from orchestrator.http.schemas import OtpCode


class TransferRequest(RequestBody):
    """The caller is the seller or the buyer. The buyer is named by id or email address; the seller defaults to the caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "seat_id": "55555555-5555-5555-5555-555555555101",
                "seller_user_id": "41414141-4141-4141-4141-414141414141",
                "buyer_user_id": "42424242-4242-4242-4242-424242424242",
                "credits_amount": "200.00",
            }
        }
    )

    seat_id: uuid.UUID
    seller_user_id: uuid.UUID | None = None
    buyer_user_id: uuid.UUID | None = None
    buyer_email: Annotated[EmailStr, AfterValidator(str.lower)] | None = None
    credits_amount: Money

    @model_validator(mode="after")
    def _names_the_buyer_once(self) -> Self:
        if (self.buyer_user_id is None) == (self.buyer_email is None):
            raise ValueError("give either buyer_user_id or buyer_email")
        return self


class ConfirmTransferRequest(RequestBody):
    """The caller's own code, or both parties' codes."""

    transfer_id: uuid.UUID
    otp_code: OtpCode | None = None
    seller_otp: OtpCode | None = None
    buyer_otp: OtpCode | None = None

    @model_validator(mode="after")
    def _has_codes(self) -> Self:
        has_both = self.seller_otp is not None and self.buyer_otp is not None
        has_one_of_them = self.seller_otp is not None or self.buyer_otp is not None
        if has_one_of_them != has_both or has_both == (self.otp_code is not None):
            raise ValueError("give either otp_code, or seller_otp and buyer_otp")
        return self


class TransferReference(RequestBody):
    transfer_id: uuid.UUID


class DisputeRequest(RequestBody):
    transfer_id: uuid.UUID
    reason: Annotated[PlainText, Field(min_length=1, max_length=500)]


class TransferPending(BaseModel):
    """Both parties were sent a code; `waiting_for` names the parties that have not confirmed."""

    transfer_id: uuid.UUID
    seat_id: uuid.UUID
    status: Literal["PENDING_OTP"] = "PENDING_OTP"
    waiting_for: list[str]
    expires_at: datetime


class TransferCompleted(BaseModel):
    transfer_id: uuid.UUID
    status: Literal["COMPLETED"] = "COMPLETED"
    new_owner_user_id: uuid.UUID
    credits_transferred: Money


class TransferCancelledView(BaseModel):
    transfer_id: uuid.UUID
    status: Literal["CANCELLED"] = "CANCELLED"


class TransferDisputed(BaseModel):
    transfer_id: uuid.UUID
    status: Literal["DISPUTED"] = "DISPUTED"


class TransferDismissed(BaseModel):
    """The dispute was dismissed."""

    transfer_id: uuid.UUID
    status: Literal["COMPLETED"] = "COMPLETED"


class TransferReversed(BaseModel):
    """`shortfall` is what the seller had spent; the seller owes it."""

    transfer_id: uuid.UUID
    status: Literal["REVERSED"] = "REVERSED"
    restored_owner_user_id: uuid.UUID
    credits_returned: Money
    shortfall: Money
