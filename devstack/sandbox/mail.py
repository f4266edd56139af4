"""An SMTP server on loopback that stores emails in a mailbox, which users and tests can read."""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from functools import cached_property
from typing import Any, Final
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from devstack.sandbox.faults import Faults

__all__ = ["SMTP_FAULT_PATH", "Attachment", "MailServer", "Mailbox", "StoredMail"]

MAX_STORED_EMAILS: Final = 2_000
LARGEST_MAIL_BYTES: Final = 10 * 1024 * 1024
SMTP_FAULT_PATH: Final = "SMTP"  # the path of faults for email; their status is the code of the SMTP reply


@dataclass(frozen=True, kw_only=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class StoredMail:
    """An email as received; `recipients` are those of the SMTP envelope, not of the headers."""

    mail_id: str
    sender: str
    recipients: tuple[str, ...]
    received_at: datetime
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The parsed email; parsed on access, because most emails are never read."""
        return message_from_bytes(self.content, policy=modern)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    def body(self, kind: str) -> str:
        """Return the text of the ``plain`` or ``html`` part; empty if there is none."""
        part = self.message.get_body((kind,))
        return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""

    @property
    def attachments(self) -> list[Attachment]:
        return [
            Attachment(
                name=part.get_filename() or "attachment",
                content_type=part.get_content_type(),
                content=bytes(part.get_payload(decode=True) or b""),
            )
            for part in self.message.iter_attachments()
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "mail_id": self.mail_id,
            "sender": self.sender,
            "recipients": self.recipients,
            "received_at": self.received_at,
            "subject": self.subject,
            "headers": {name: str(value) for name, value in self.message.items()},
            "text": self.body("plain"),
            "html": self.body("html"),
            "attachments": [{"name": a.name, "content_type": a.content_type} for a in self.attachments],
        }


class Mailbox:
    """All received emails, oldest first."""

    def __init__(self) -> None:
        self._mails: deque[StoredMail] = deque(maxlen=MAX_STORED_EMAILS)

    def put(self, *, sender: str, recipients: list[str], content: bytes) -> None:
        self._mails.append(
            StoredMail(
                mail_id=secrets.token_hex(8),
                sender=sender,
                recipients=tuple(recipients),
                received_at=datetime.now(UTC),
                content=content,
            )
        )

    def mails(self, recipient: str | None = None) -> list[StoredMail]:
        """Return the emails to one address, or all."""
        return [mail for mail in self._mails if recipient is None or recipient in mail.recipients]

    def find(self, mail_id: str) -> StoredMail | None:
        return next((mail for mail in self._mails if mail.mail_id == mail_id), None)

    def empty(self) -> None:
        self._mails.clear()


class MailServer:
    """Receives emails by SMTP into the mailbox, unless a fault is injected."""

    def __init__(self, mailbox: Mailbox, faults: Faults, *, host: str, port: int) -> None:
        self._mailbox = mailbox
        self._faults = faults
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._sessions: WeakSet[SMTP] = WeakSet()
        self.connections = 0  # opened since the start

    @property
    def port(self) -> int:
        """The port it listens on; before the start the configured one, which may be 0."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else self._port

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._protocol, self._host, self._port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for session in self._sessions:  # senders keep connections open
                if session.transport is not None:
                    session.transport.close()
            await self._server.wait_closed()

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        fault = self._faults.take(SMTP_FAULT_PATH)
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
            if fault.status is not None:
                return f"{fault.status} The sandbox injected this fault"
        self._mailbox.put(
            sender=envelope.mail_from or "", recipients=envelope.rcpt_tos, content=envelope.original_content or b""
        )
        return "250 Stored in the sandbox"

    def _protocol(self) -> SMTP:
        self.connections += 1
        session = SMTP(
            self,
            hostname="sandbox",
            data_size_limit=LARGEST_MAIL_BYTES,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.add(session)
        return session
