"""Loads what an email speaks of, when it is sent."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from orchestrator.clients.events import EventsClient
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.features.notifications.models.emails import EmailContext, EmailRequest, Place, SeatLine

__all__ = ["ContextLoader"]


class _Seats(BaseModel):
    """Of an order, which has a list of them, or of a transfer or a listing, which are about one."""

    model_config = ConfigDict(extra="ignore")

    seats: tuple[SeatLine, ...]


class ContextLoader:
    """Finds out, when a letter is sent, what it speaks of."""

    def __init__(self, *, directory: UserDirectory, events: EventsClient, orders: ServiceClient) -> None:
        self._directory = directory
        self._events = events
        self._orders = orders

    async def facts_for(self, order: EmailRequest) -> EmailContext:
        """Return everything the letter can say.

        Raises:
            NotFound: its reader, its event or its order is gone.
            Unavailable: a service gives no answer.
        """
        data = order.data
        reader = await self._directory.find(order.user_id)
        party = _party(data, order.user_id)
        return EmailContext(
            reader=reader.display_name,
            address=reader.email,
            place=await self._place(data),
            seats=await self._seats(data),
            amount=_amount(data),
            other=await self._other(data, party),
            party=party,
            expires_at=datetime.fromisoformat(data["expires_at"]) if data.get("expires_at") else None,
            reference=str(data.get("order_id") or data.get("payment_id") or ""),
        )

    async def _place(self, data: Mapping[str, Any]) -> Place | None:
        if not data.get("event_id"):
            return None
        event = await self._events.facts(uuid.UUID(data["event_id"]))
        return Place(
            event_name=event.name,
            venue_name=event.venue.name,
            venue_address=event.venue.address,
            hall_id=event.hall_id,
            event_date=event.event_date,
        )

    async def _seats(self, data: Mapping[str, Any]) -> tuple[SeatLine, ...]:
        if data.get("order_id") and data.get("seat_ids"):
            order = _Seats.model_validate(await self._orders.get(f"/internal/orders/{data['order_id']}"))
            return tuple(seat for seat in order.seats if str(seat.seat_id) in data["seat_ids"])
        if data.get("transfer_id"):
            return (SeatLine.model_validate(await self._orders.get(f"/internal/transfers/{data['transfer_id']}")),)
        if data.get("listing_id"):
            return (SeatLine.model_validate(await self._orders.get(f"/internal/listings/{data['listing_id']}")),)
        return ()

    async def _other(self, data: Mapping[str, Any], party: str) -> str:
        other = {"seller": "buyer_user_id", "buyer": "seller_user_id"}.get(party)
        return (await self._directory.find(uuid.UUID(data[other]))).display_name if other else ""


def _party(data: Mapping[str, Any], user_id: uuid.UUID) -> str:
    for party in ("seller", "buyer"):
        if data.get(f"{party}_user_id") == str(user_id):
            return party
    return ""


def _amount(data: Mapping[str, Any]) -> Decimal | None:
    """Return the credits that it is about: a share of a refund, a price, a total."""
    found = next((data[name] for name in ("amount", "credits_amount", "price", "total") if data.get(name)), None)
    return Decimal(found) if found is not None else None
