"""Loads an email's context when the email is sent."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.errors import NotFound
from common.http.client import ServiceClient
from orchestrator.clients.events import EventsClient
from orchestrator.clients.users.directory import DELETED_USER, UserDirectory
from orchestrator.features.notifications.models.notifications import (
    CommissionDetails,
    GoodsDetails,
    NotificationContext,
    NotificationRequest,
    Place,
    SeatLine,
)
from orchestrator.features.notifications.service.purchase_loader import PurchaseLoader, safe_link


class _Seats(BaseModel):
    """The seats of an order."""

    model_config = ConfigDict(extra="ignore")

    seats: tuple[SeatLine, ...]


@dataclass(frozen=True, kw_only=True)
class ContextLoader:
    users: UserDirectory
    events: EventsClient
    purchases: PurchaseLoader
    orders_http: ServiceClient

    async def load(self, request: NotificationRequest) -> NotificationContext:
        """Return the facts that the email's template uses.

        Raises:
            NotFound: the recipient, the event or the order no longer exists.
            Unavailable: a service does not respond.
        """
        data = request.data
        reader = await self.users.find(request.user_id)
        party = _party(data, request.user_id)
        return NotificationContext(
            reader=reader.display_name,
            address=reader.email,
            place=await self._place(data),
            purchase=await self.purchases.load(data),
            commission=CommissionDetails(**_told(data)) if request.kind.is_about_commission else None,
            goods=GoodsDetails(**_told(data)) if request.kind.is_about_goods else None,
            seats=await self._seats(data),
            amount=_amount(data),
            refunded=Decimal(data.get("refunded_amount") or 0),
            other=await self._other(data, party),
            party=party,
            expires_at=_time(data, "expires_at"),
            previous_date=_time(data, "previous_event_date"),
            refundable_until=_time(data, "refundable_until"),
            reference=_reference(data, request.user_id),
            link=safe_link(data) if party == "buyer" else "",
        )

    async def _place(self, data: Mapping[str, Any]) -> Place | None:
        if not data.get("event_id"):
            return None
        event = await self.events.facts(uuid.UUID(data["event_id"]))
        return Place(
            event_name=event.name,
            venue_name=event.venue.name,
            venue_address=event.venue.address,
            hall_id=event.hall_id,
            time_zone=event.venue.time_zone,
            event_date=event.event_date,
        )

    async def _seats(self, data: Mapping[str, Any]) -> tuple[SeatLine, ...]:
        if data.get("order_id") and data.get("seat_ids"):
            order = _Seats.model_validate(await self.orders_http.get(f"/internal/orders/{data['order_id']}"))
            return tuple(seat for seat in order.seats if str(seat.seat_id) in data["seat_ids"])
        for name, path in (("transfer_id", "/internal/transfers"), ("listing_id", "/internal/listings")):
            if data.get(name):
                return (SeatLine.model_validate(await self.orders_http.get(f"{path}/{data[name]}")),)
        return ()

    async def _other(self, data: Mapping[str, Any], party: str) -> str:
        """Return the name of a transfer's other party, or of a performer's fan. Those of a sale do not learn it."""
        others = {"seller": "buyer_user_id"} if data.get("purchased_item_id") else {}
        if data.get("transfer_id"):
            others = {"seller": "buyer_user_id", "buyer": "seller_user_id"}
        if (other := others.get(party)) is None:
            return ""
        try:
            return (await self.users.find(uuid.UUID(data[other]))).display_name
        except NotFound:
            return DELETED_USER


def _party(data: Mapping[str, Any], user_id: uuid.UUID) -> str:
    for party in ("seller", "buyer"):
        if data.get(f"{party}_user_id") == str(user_id):
            return party
    return ""


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}


def _time(data: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(data[name]) if data.get(name) else None


def _reference(data: Mapping[str, Any], user_id: uuid.UUID) -> str:
    """Return the number of the recipient's own order or payment, not of the fan's who passed the ticket on."""
    if data.get("user_id") == str(user_id):
        return str(data.get("order_id") or data.get("payment_id") or "")
    return str(data.get("purchased_item_id") or data.get("subscription_id") or "")


def _amount(data: Mapping[str, Any]) -> Decimal | None:
    """Return the credits in question: a share of a refund, a price or a total."""
    amount = next((data[name] for name in ("amount", "credits_amount", "price", "total") if data.get(name)), None)
    return Decimal(amount) if amount is not None else None
