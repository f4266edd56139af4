"""Requests and answers of one-time codes."""

import uuid
from typing import Literal

from pydantic import BaseModel

from common.http.body import RequestBody
from orchestrator.http.schemas import OtpCode

RefusedContext = Literal["purchased_item", "commission", "digital_order"]
"""Of requests that were refused with `OTP_REQUIRED` before anything was stored of them."""


class VerifyOtpRequest(RequestBody):
    """`reference_id` is the order's or the transfer's id, that of the listing to buy, or what `OTP_REQUIRED` has named."""

    otp_code: OtpCode
    context: Literal["purchase", "transfer", "marketplace", "purchased_item", "commission", "digital_order"]
    reference_id: uuid.UUID


class Verified(BaseModel):
    """The order can be paid now, or the listing or the performer's item bought, or the commission or the digital goods ordered."""

    verified: Literal[True] = True
    context: Literal["purchase", "marketplace", "purchased_item", "commission", "digital_order"]
    reference_id: uuid.UUID


class ResendOtpRequest(RequestBody):
    """`reference_id` is the order's, the transfer's or the listing's id."""

    context: Literal["purchase", "transfer", "marketplace"]
    reference_id: uuid.UUID


class CodeSent(BaseModel):
    reference_id: uuid.UUID
    sent: Literal[True] = True
