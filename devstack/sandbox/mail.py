"""A mail server that keeps what it is given: real SMTP on loopback, and a box that people and tests look into."""

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

REMEMBERED_MAILS: Final = 2_000
LARGEST_MAIL_BYTES: Final = 10 * 1024 * 1024
SMTP_FAULT_PATH: Final = "SMTP"  # what a fault ordered for mail is ordered for; its status is the SMTP reply's code


@dataclass(frozen=True, kw_only=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class StoredMail:
    """A mail as it came in. `recipients` are the envelope's: what the server was told, whatever the headers say."""

    mail_id: str
    sender: str
    recipients: tuple[str, ...]
    received_at: datetime
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The mail, read when somebody looks into it: most are never looked at."""
        return message_from_bytes(self.content, policy=modern)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    def body(self, kind: str) -> str:
        """Return the text of the ``plain`` or the ``html`` part; nothing when there is none."""
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
    """Everybody's mail, oldest first."""

    def __init__(self) -> None:
        self._mails: deque[StoredMail] = deque(maxlen=REMEMBERED_MAILS)

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
        """Return the mails to one address, or all."""
        return [mail for mail in self._mails if recipient is None or recipient in mail.recipients]

    def find(self, mail_id: str) -> StoredMail | None:
        return next((mail for mail in self._mails if mail.mail_id == mail_id), None)

    def empty(self) -> None:
        self._mails.clear()


class MailServer:
    """Speaks SMTP and puts what it is given into the box; fails when it was told to."""

    def __init__(self, mailbox: Mailbox, faults: Faults, *, host: str, port: int) -> None:
        self._mailbox = mailbox
        self._faults = faults
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._conversations: WeakSet[SMTP] = WeakSet()
        self.connections = 0  # that were ever opened

    @property
    def port(self) -> int:
        """Where it listens, once it was started; the one it was given, unless that was 0."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else self._port

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._protocol, self._host, self._port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for conversation in self._conversations:  # senders keep connections, and nobody waits for those
                if conversation.transport is not None:
                    conversation.transport.close()
            await self._server.wait_closed()

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        fault = self._faults.take(SMTP_FAULT_PATH)
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
            if fault.status is not None:
                return f"{fault.status} The sandbox was told to fail here"
        self._mailbox.put(
            sender=envelope.mail_from or "", recipients=envelope.rcpt_tos, content=envelope.original_content or b""
        )
        return "250 Kept in the sandbox"

    def _protocol(self) -> SMTP:
        self.connections += 1
        conversation = SMTP(
            self,
            hostname="sandbox",
            data_size_limit=LARGEST_MAIL_BYTES,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._conversations.add(conversation)
        return conversation
