"""A fan's own tickets, and their QR codes."""

import asyncio
import uuid
from dataclasses import dataclass

from common.http.envelope import Page
from common.pages import Total
from orchestrator.clients import Clients
from orchestrator.clients.events import EventFacts
from orchestrator.clients.inventory.seats import OwnedSeat
from orchestrator.errors import NotSeatOwner, TicketHasNoCode
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.tickets.adapters.qr_image import svg_of
from orchestrator.features.tickets.schemas import QrView, TicketEvent, TicketView


@dataclass(frozen=True, slots=True)
class TicketService:
    clients: Clients
    qr_codec: QrCodec

    async def page(self, *, user_id: uuid.UUID, page: Page) -> tuple[list[TicketView], Total]:
        """Return a page of the user's tickets, newest first, and how many there are in all."""
        seats, total = await self.clients.inventory.owned_by(user_id, offset=page.offset, limit=page.per_page)
        events = await self.clients.events.facts_of(sorted({seat.event_id for seat in seats}))
        return [_ticket_view(seat, events[seat.event_id]) for seat in seats if seat.event_id in events], total

    async def qr(self, *, user_id: uuid.UUID, seat_id: uuid.UUID) -> QrView:
        """Return a fresh code for the user's own ticket.

        Raises:
            NotFound: SEAT_NOT_FOUND.
            Forbidden: NOT_SEAT_OWNER.
            Conflict: the ticket is on sale or was used.
        """
        owned = await self.clients.inventory.seat(seat_id)
        if owned.owner_user_id != user_id:
            raise NotSeatOwner
        if owned.status != "SOLD":
            raise TicketHasNoCode
        event = await self.clients.events.facts(owned.event_id)
        issued = self.qr_codec.issue(seat_id=seat_id, user_id=user_id, event_id=owned.event_id, hall_id=event.hall_id)
        return QrView(
            seat_id=seat_id,
            qr_payload=issued.payload,
            generated_at=issued.generated_at,
            expires_at=issued.expires_at,
            ttl_seconds=issued.ttl_seconds,
        )

    async def qr_svg(self, *, user_id: uuid.UUID, seat_id: uuid.UUID) -> bytes:
        """Return a fresh code for the user's own ticket as an SVG document. Raises as `qr`."""
        code = await self.qr(user_id=user_id, seat_id=seat_id)
        return await asyncio.to_thread(svg_of, code.qr_payload)  # in a thread: it takes some milliseconds of CPU time


def _ticket_view(owned: OwnedSeat, event: EventFacts) -> TicketView:
    return TicketView.model_validate(
        {
            **owned.seat.model_dump(exclude={"price"}),
            "order_id": owned.order_id,
            "event": TicketEvent.model_validate(event, from_attributes=True),
            "status": owned.status,
            "price_paid": owned.price_paid,
            "purchased_at": owned.purchased_at,
        }
    )
