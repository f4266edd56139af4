"""Sends letters: looks up what they speak of, has them written, and hands them over."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.errors import InvalidRequest, NotFound, Unprocessable
from common.http.client import ServiceClient
from orchestrator.clients.events import EventsClient
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.features.notifications.adapters.smtp import Mailer
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer, one_line
from orchestrator.features.notifications.errors import MailRefused
from orchestrator.features.notifications.models.emails import EmailContext, EmailKind, EmailRequest, Place, SeatLine
from orchestrator.features.tickets.adapters.qr_image import png_of
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.registry import JobContext

__all__ = ["ContextLoader", "EmailBuilder", "NotificationSender"]


class _Seats(BaseModel):
    """Of an order, which has a list of them, or of a transfer or a listing, which are about one."""

    model_config = ConfigDict(extra="ignore")

    seats: tuple[SeatLine, ...]


class ContextLoader:
    """Finds out, when a letter is sent, what it speaks of."""

    def __init__(self, *, people: UserDirectory, events: EventsClient, orders: ServiceClient) -> None:
        self._people = people
        self._events = events
        self._orders = orders

    async def facts_for(self, order: EmailRequest) -> EmailContext:
        """Return everything the letter can say.

        Raises:
            NotFound: its reader, its event or its order is gone.
            Unavailable: a service gives no answer.
        """
        data = order.data
        reader = await self._people.find(order.user_id)
        party = _party(data, order.user_id)
        return EmailContext(
            reader=reader.called,
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
        return (await self._people.find(uuid.UUID(data[other]))).called if other else ""


class EmailBuilder:
    """Makes mails of letters: who they are from, what is attached."""

    def __init__(self, *, sender: str, reply_to: str, stationery: TemplateRenderer) -> None:
        self._sender = sender
        self._reply_to = reply_to or sender
        self._stationery = stationery

    def mail(self, kind: EmailKind, facts: EmailContext, *, letter_id: uuid.UUID, written_at: datetime) -> EmailMessage:
        """Return a mail. The same `letter_id` gives the same Message-ID: a letter sent twice is known as a copy."""
        letter = self._stationery.write(kind, facts)
        name, _, domain = facts.address.rpartition("@")
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["Reply-To"] = self._reply_to
        mail["To"] = Address(str(one_line(facts.reader)), name, domain)
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(written_at)
        mail["Message-ID"] = f"<{letter_id}@{mail['From'].addresses[0].domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from who is on holiday
        mail.set_content(letter.text)
        mail.add_alternative(letter.html, subtype="html")
        if kind.brings_tickets:
            self._attach_tickets(mail, facts)
        return mail

    def _attach_tickets(self, mail: EmailMessage, facts: EmailContext) -> None:
        """Attach a picture for each seat that leads to its ticket: the door's own code is good for a minute only."""
        for seat in facts.seats:
            picture = png_of(self._stationery.ticket_url(str(seat.seat_id)))
            name = one_line(f"ticket-{seat.row_number}-{seat.seat_number}.png")
            mail.add_attachment(picture, maintype="image", subtype="png", filename=name)


class NotificationSender:
    """The handlers of `email` and `sms` jobs."""

    def __init__(
        self,
        *,
        research: ContextLoader,
        envelope: EmailBuilder,
        stationery: TemplateRenderer,
        mailer: Mailer,
        users: ServiceClient,
    ) -> None:
        self._research = research
        self._envelope = envelope
        self._stationery = stationery
        self._mailer = mailer
        self._users = users

    async def send_mail(self, order: EmailRequest, context: JobContext) -> Mapping[str, Any]:
        """Send a mail; not one that was kept from going until what it asks for is over.

        Raises:
            JobRefused: its reader is gone, or the mail server will never take it.
            ServiceError: to be tried again.
        """
        facts, now = await self._facts(order), datetime.now(UTC)
        if order.letter.asks_for_a_code and facts.expires_at and facts.expires_at <= now:
            return {"letter": order.letter, "not_sent": "too late"}
        mail = self._envelope.mail(order.letter, facts, letter_id=context.job_id, written_at=now)
        try:
            await self._mailer.send(mail)
        except MailRefused as error:
            raise JobRefused(f"The letter was refused: {error}.") from error
        return {"letter": order.letter, "message_id": mail["Message-ID"]}

    async def send_text_message(self, order: EmailRequest, context: JobContext) -> Mapping[str, Any]:
        """Send a text message, by the users service: it has the provider's key, and the phone never leaves it.

        Raises:
            JobRefused: its reader is gone, or the users service will never take it.
            ServiceError: to be tried again.
        """
        text = self._stationery.write_text_message(order.letter, await self._facts(order))
        call = {"request_id": context.request_id("send"), "user_id": order.user_id, "text": text}
        try:
            await self._users.post("/internal/sms", call)
        except (InvalidRequest, NotFound, Unprocessable) as error:
            raise JobRefused(f"The text message was refused: {error.code}.") from error
        return {"letter": order.letter}

    async def _facts(self, order: EmailRequest) -> EmailContext:
        try:
            return await self._research.facts_for(order)
        except NotFound as error:
            raise JobRefused(f"There is nothing to write about, or nobody to write to: {error.code}.") from error


def _party(data: Mapping[str, Any], user_id: uuid.UUID) -> str:
    for party in ("seller", "buyer"):
        if data.get(f"{party}_user_id") == str(user_id):
            return party
    return ""


def _amount(data: Mapping[str, Any]) -> Decimal | None:
    """Return the credits that it is about: a share of a refund, a price, a total."""
    found = next((data[name] for name in ("amount", "credits_amount", "price", "total") if data.get(name)), None)
    return Decimal(found) if found is not None else None
