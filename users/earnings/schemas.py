"""The bodies and answers of the earnings routes. Amounts are strings with two places."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from common.http.calls import StrictCall
from common.money import Money
from users.ledger.schemas import MOST_POINTS


class EscrowPay(StrictCall):
    """`item_id`: what the buyer bought. `is_batched`: the performer is paid out later."""

    escrow_id: UUID
    performer_user_id: UUID
    item_id: UUID
    is_batched: bool
    bonus_points: Annotated[int, Field(strict=True, ge=0, le=MOST_POINTS)]


class PayOut(StrictCall):
    performer_user_id: UUID


class PaidOut(BaseModel):
    """The amount is 0.00 if nothing was pending."""

    payout_id: UUID
    amount: Money
    items: int


class DuePayout(BaseModel):
    """`payouts`: how many the performer has had."""

    performer_user_id: UUID
    payouts: int


class Payout(BaseModel):
    """Earnings that were paid to the wallet together. `transaction_id` is their entry in the wallet's statement."""

    payout_id: UUID
    number: int = Field(description="Counts the performer's payouts.")
    amount: Money
    items: int = Field(description="How many tips, menu items and subscription periods it paid.")
    transaction_id: UUID
    created_at: datetime
