"""Requests and answers of the marketplace."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from common.http.body import RequestBody
from common.money import Money, PositiveMoney
from orchestrator.http.schemas import OtpCode


class ListRequest(RequestBody):
    model_config = ConfigDict(
        json_schema_extra={"example": {"seat_id": "55555555-5555-5555-5555-555555555101", "asking_price": "380.00"}}
    )

    seat_id: uuid.UUID
    asking_price: PositiveMoney


class ListingReference(RequestBody):
    listing_id: uuid.UUID


class ApproveRequest(RequestBody):
    listing_id: uuid.UUID
    otp_code: OtpCode


class ListingActive(BaseModel):
    """While listed, the ticket's code is invalid."""

    listing_id: uuid.UUID
    status: Literal["ACTIVE"] = "ACTIVE"
    seat_id: uuid.UUID
    asking_price: Money


class ListingCancelled(BaseModel):
    listing_id: uuid.UUID
    status: Literal["CANCELLED"] = "CANCELLED"


class SalePending(BaseModel):
    """The buyer's credits are in escrow until the seller approves, or until `expires_at`."""

    listing_id: uuid.UUID
    sale_id: uuid.UUID
    status: Literal["PENDING_TRANSFER"] = "PENDING_TRANSFER"
    credits_held: Money
    expires_at: datetime


class SaleCompleted(BaseModel):
    listing_id: uuid.UUID
    status: Literal["COMPLETED"] = "COMPLETED"
    new_owner_user_id: uuid.UUID
    credits_received: Money
