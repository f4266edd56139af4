"""The bodies and answers of the listing routes."""

import uuid
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.auth.principal import Principal
from common.fields import Instant, StoredInstant
from common.http.calls import RepeatableCall, UndoCall
from common.money import Money
from orders.listings.status import ListingStatus
from orders.shared.schemas import Seat

StatusOnMarket = Literal[
    ListingStatus.ACTIVE, ListingStatus.PENDING_TRANSFER, ListingStatus.COMPLETED, ListingStatus.CANCELLED
]

_OVER: Final = frozenset({ListingStatus.COMPLETED, ListingStatus.CANCELLED})

_EXAMPLE: JsonDict = {
    "listing_id": "2b1a7a52-7d0f-4a55-9f0a-0c8a4e6a9d10",
    "seat_id": "55555555-5555-5555-5555-555555555101",
    "order_id": "0d9f2f0e-6f0b-4d0e-9a53-6f0f6ad1c3b7",
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "category": "CAT1",
    "row_number": "A",
    "seat_number": 1,
    "face_value": "350.00",
    "asking_price": "400.00",
    "seller_user_id": "41414141-4141-4141-4141-414141414141",
    "buyer_user_id": None,
    "sale_id": None,
    "status": "ACTIVE",
    "created_at": "2026-11-20T10:00:00Z",
    "expires_at": None,
    "completed_at": None,
    "ended_at": None,
}


class Listing(Seat):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    listing_id: uuid.UUID
    order_id: uuid.UUID | None = Field(
        description="The order that the ticket was sold with; null to others than seller, buyer and admins."
    )
    event_id: uuid.UUID
    face_value: Money
    asking_price: Money
    seller_user_id: uuid.UUID | None = Field(
        description="The seller; null to others than seller, buyer and admins once it is COMPLETED or CANCELLED."
    )
    buyer_user_id: uuid.UUID | None = Field(description="The buyer; null to others than seller, buyer and admins.")
    sale_id: uuid.UUID | None = Field(description="The sale in progress or completed; null to the same.")
    status: ListingStatus
    created_at: StoredInstant
    expires_at: StoredInstant | None = Field(description="When the seller must have approved the sale.")
    completed_at: StoredInstant | None
    ended_at: StoredInstant | None = Field(description="When it was withdrawn.")

    def is_known_to(self, user: Principal) -> bool:
        """Return whether the user is its seller, its buyer, or an admin."""
        parties = (self.seller_user_id, self.buyer_user_id)
        return any(party is not None and user.may_act_for(party) for party in parties)

    def as_seen_by(self, user: Principal) -> Self:
        """Return it to another user without order, buyer and sale, and once it is over without its seller."""
        if self.is_known_to(user):
            return self
        hidden = dict.fromkeys(("order_id", "buyer_user_id", "sale_id"))
        if self.status in _OVER:
            hidden["seller_user_id"] = None
        return self.model_copy(update=hidden)


class OpenListing(RepeatableCall, Seat):
    listing_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    face_value: Money
    seller_user_id: uuid.UUID
    asking_price: Money


class ClaimListing(RepeatableCall):
    sale_id: uuid.UUID
    buyer_user_id: uuid.UUID
    expires_at: Instant


class ReleaseClaim(UndoCall):
    """The undo of a claim."""

    sale_id: uuid.UUID


class CompleteListing(RepeatableCall):
    sale_id: uuid.UUID


class UndoneListing(BaseModel):
    listing_id: uuid.UUID
    status: ListingStatus | None = Field(description="null if there is no such listing")
