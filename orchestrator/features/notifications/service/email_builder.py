"""Builds emails: sender, recipient, headers, bodies and attachments."""

import uuid
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer, one_line
from orchestrator.features.notifications.models.emails import EmailContext, EmailKind
from orchestrator.features.tickets.adapters.qr_image import png_of

__all__ = ["EmailBuilder"]


class EmailBuilder:
    """Makes mails of letters: who they are from, what is attached."""

    def __init__(self, *, sender: str, reply_to: str, renderer: TemplateRenderer) -> None:
        self._sender = sender
        self._reply_to = reply_to or sender
        self._renderer = renderer

    def mail(self, kind: EmailKind, facts: EmailContext, *, letter_id: uuid.UUID, written_at: datetime) -> EmailMessage:
        """Return a mail. The same `letter_id` gives the same Message-ID: a letter sent twice is known as a copy."""
        letter = self._renderer.write(kind, facts)
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
            picture = png_of(self._renderer.ticket_url(str(seat.seat_id)))
            name = one_line(f"ticket-{seat.row_number}-{seat.seat_number}.png")
            mail.add_attachment(picture, maintype="image", subtype="png", filename=name)
