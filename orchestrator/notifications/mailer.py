"""Sending a mail over SMTP."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
from pydantic import SecretStr

from orchestrator.notifications.errors import MailRefused, MailUnavailable

__all__ = ["Mailer", "SmtpServer"]

DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}  # RFC 6409, RFC 8314
PERMANENT: Final = 500  # RFC 5321 §4.2.1: 5yz is refused for good, 4yz for now


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`starttls` True must, None does when the server offers it; a password never goes over an open line."""

    host: str
    port: int
    username: str | None
    password: SecretStr | None
    is_tls: bool
    starttls: bool | None

    @classmethod
    def from_url(cls, url: SecretStr) -> Self:
        """Read ``smtp://user:password@host:587`` or ``smtps://…``; user and password percent-encoded."""
        parts = urlsplit(url.get_secret_value())
        is_tls = parts.scheme == "smtps"
        username = unquote(parts.username) if parts.username else None
        return cls(
            host=parts.hostname or "",
            port=parts.port or DEFAULT_PORTS[parts.scheme],
            username=username,
            password=SecretStr(unquote(parts.password)) if parts.password else None,
            is_tls=is_tls,
            starttls=False if is_tls else (True if username else None),
        )


class Mailer:
    """One connection for each mail: a worker sends a few at a time, and servers close idle connections."""

    def __init__(self, server: SmtpServer, *, timeout_seconds: float) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds

    async def send(self, message: EmailMessage) -> None:
        """Return once the server has taken the mail.

        Raises:
            MailRefused: it never will.
            MailUnavailable: it may later.
        """
        server = self._server
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password.get_secret_value() if server.password else None,
                use_tls=server.is_tls,
                start_tls=server.starttls,
                timeout=self._timeout_seconds,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _judged(error.recipients[0].code) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise MailUnavailable(smtp_code=error.code) from error  # ours to put right, not the mail's fault
        except aiosmtplib.SMTPResponseException as error:
            raise _judged(error.code) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailUnavailable(reason=type(error).__name__) from error


def _judged(code: int) -> MailRefused | MailUnavailable:
    return MailRefused(code) if code >= PERMANENT else MailUnavailable(smtp_code=code)
