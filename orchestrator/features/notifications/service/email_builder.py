"""Builds emails: sender, recipient, headers, bodies and attachments."""

import uuid
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from common.text import one_line
from orchestrator.features.notifications.adapters.email_headers import (
    address_header,
    address_of,
    attachment_header,
    text_header,
)
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer
from orchestrator.features.notifications.models.notifications import NotificationContext, NotificationKind
from orchestrator.features.tickets.adapters.qr_image import png_of


class EmailBuilder:
    """Builds emails from rendered templates."""

    def __init__(self, *, sender: str, reply_to: str, renderer: TemplateRenderer) -> None:
        self._sender = address_of(sender)
        self._reply_to = address_of(reply_to or sender)
        self._renderer = renderer

    def build(
        self, kind: NotificationKind, context: NotificationContext, *, email_id: uuid.UUID, sent_at: datetime
    ) -> EmailMessage:
        """Return an email. `email_id` determines the Message-ID, by which email clients recognise a copy."""
        content = self._renderer.render(kind, context)
        assert context.address is not None  # noqa: S101 - a user without one gets no email
        name, _, domain = context.address.rpartition("@")
        email = EmailMessage(policy=SMTP)
        email["From"] = address_header("From", self._sender)
        email["Reply-To"] = address_header("Reply-To", self._reply_to)
        email["To"] = address_header("To", Address(one_line(context.reader), name, domain))
        email["Subject"] = text_header("Subject", content.subject)
        email["Date"] = format_datetime(sent_at)
        email["Message-ID"] = f"<{email_id}@{self._sender.domain}>"
        email["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents automatic replies
        email.set_content(content.text)
        email.add_alternative(content.html, subtype="html")
        if kind.brings_tickets:
            self._attach_tickets(email, context)
        return email

    def _attach_tickets(self, email: EmailMessage, context: NotificationContext) -> None:
        """Attach a QR code of each ticket's page; the code for check-in itself is valid for a minute only."""
        for seat in context.seats:
            picture = png_of(self._renderer.ticket_url(str(seat.seat_id)))
            header = attachment_header(f"ticket-{seat.row_number}-{seat.seat_number}.png")
            email.add_attachment(picture, maintype="image", subtype="png", headers=[header])
