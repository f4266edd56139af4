"""Sending a mail over SMTP."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
from pydantic import SecretStr

from common.telemetry.tracing import client_span
from orchestrator.features.notifications.adapters.smtp_errors import CLOSING, classify_smtp_error
from orchestrator.features.notifications.errors import MailRefused

__all__ = ["Mailer", "SmtpServer"]

DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}  # RFC 6409, RFC 8314
KEPT_SECONDS: Final = 10.0  # without a letter; servers wait five minutes
TRUSTED_SECONDS: Final = 1.0  # after a longer rest a connection is asked whether anybody is there


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


@dataclass(frozen=True, slots=True)
class _Idle:
    client: aiosmtplib.SMTP
    since: float  # by the loop's clock


class Mailer:
    """Hands over letter after letter on connections that are kept for a while (RFC 5321 §3.3 allows any number).

    There are as many connections as letters that are sent at the same time. One that something went wrong on is not
    used again.
    """

    def __init__(self, server: SmtpServer, *, timeout_seconds: float) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._idle: list[_Idle] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def send(self, message: EmailMessage) -> None:
        """Return once the server has taken the mail.

        Raises:
            MailRefused: it never will.
            MailUnavailable: it may later; a `SenderRefused` when we have something to put right.
        """
        try:
            with client_span("mail server", "SMTP"):
                kept = await self._kept()
                if kept is None or not await self._sent_on_kept(kept, message):
                    await self._send_on(await self._connected(), message)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise classify_smtp_error(error) from error

    async def _kept(self) -> aiosmtplib.SMTP | None:
        """Return the connection that was used last and still answers, if there is one."""
        while self._idle:
            idle = self._idle.pop()
            if idle.client.is_connected and (self._rested(idle) < TRUSTED_SECONDS or await _answers(idle.client)):
                return idle.client
            idle.client.close()
        return None

    async def _sent_on_kept(self, client: aiosmtplib.SMTP, message: EmailMessage) -> bool:
        """Send it; False when the server had enough of this connection and so has not taken the mail."""
        try:
            await self._send_on(client, message)
        except aiosmtplib.SMTPResponseException as error:
            if error.code != CLOSING:
                raise
            return False
        return True

    async def _send_on(self, client: aiosmtplib.SMTP, message: EmailMessage) -> None:
        is_whole = False
        try:
            await client.send_message(message)
            is_whole = True
        except aiosmtplib.SMTPNotSupported as error:  # RFC 6531: an address in a script that it does not know
            raise MailRefused("the mail server knows addresses in ASCII only") from error
        finally:
            if not is_whole:
                client.close()
        self._idle.append(_Idle(client, asyncio.get_running_loop().time()))
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(), name="idle mail connections")

    async def _connected(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password.get_secret_value() if server.password else None,
            use_tls=server.is_tls,
            start_tls=server.starttls,
            timeout=self._timeout_seconds,
        )
        await client.connect()
        return client

    async def _sweep(self) -> None:
        """Take leave of the server while nothing is to be sent: its connections are few. At our own end, close them."""
        try:
            while self._idle:
                await asyncio.sleep(KEPT_SECONDS)
                old = [idle for idle in self._idle if self._rested(idle) >= KEPT_SECONDS]
                self._idle = [idle for idle in self._idle if idle not in old]
                for idle in old:
                    await _leave(idle.client)
        finally:
            for idle in self._idle:
                idle.client.close()

    def _rested(self, idle: _Idle) -> float:
        return asyncio.get_running_loop().time() - idle.since


async def _leave(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit()
    client.close()


async def _answers(client: aiosmtplib.SMTP) -> bool:
    try:
        await client.noop()
    except (aiosmtplib.SMTPException, OSError):
        return False
    return True
