"""Sends emails over SMTP."""

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
from orchestrator.features.notifications.errors import EmailRefused

__all__ = ["EmailClient", "SmtpServer"]

DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}  # RFC 6409, RFC 8314
IDLE_SECONDS: Final = 10.0  # until an idle connection is closed; servers wait five minutes
TRUSTED_SECONDS: Final = 1.0  # a connection that was idle for longer is checked by NOOP before use


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`starttls`: True requires it, None uses it if offered. A password is never sent unencrypted."""

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


class EmailClient:
    """Sends emails on pooled connections (RFC 5321 §3.3 allows any number of emails on each).

    There are as many connections as emails that are sent concurrently. A connection is not reused after an error.
    """

    def __init__(self, server: SmtpServer, *, timeout_seconds: float) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._idle: list[_Idle] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def send(self, message: EmailMessage) -> None:
        """Return once the server has accepted the email.

        Raises:
            EmailRefused: the server refuses it permanently.
            MailServerUnavailable: it may accept it later; `SenderRefused` if the settings must be corrected first.
        """
        try:
            with client_span("mail server", "SMTP"):
                pooled = await self._pooled()
                if pooled is None or not await self._is_sent_on(pooled, message):
                    await self._send_on(await self._connected(), message)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise classify_smtp_error(error) from error

    async def _pooled(self) -> aiosmtplib.SMTP | None:
        """Return the most recently used connection that still responds, if there is one."""
        while self._idle:
            idle = self._idle.pop()
            if idle.client.is_connected and (
                self._idle_seconds(idle) < TRUSTED_SECONDS or await _responds(idle.client)
            ):
                return idle.client
            idle.client.close()
        return None

    async def _is_sent_on(self, client: aiosmtplib.SMTP, message: EmailMessage) -> bool:
        """Send it; return False if the server closed this connection and has not accepted the email."""
        try:
            await self._send_on(client, message)
        except aiosmtplib.SMTPResponseException as error:
            if error.code != CLOSING:
                raise
            return False
        return True

    async def _send_on(self, client: aiosmtplib.SMTP, message: EmailMessage) -> None:
        is_reusable = False
        try:
            await client.send_message(message)
            is_reusable = True
        except aiosmtplib.SMTPNotSupported as error:  # RFC 6531: the server lacks SMTPUTF8
            raise EmailRefused("the mail server supports addresses in ASCII only") from error
        finally:
            if not is_reusable:
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
        """Quit idle connections, because the server limits their number. When the process ends, close all."""
        try:
            while self._idle:
                await asyncio.sleep(IDLE_SECONDS)
                old = [idle for idle in self._idle if self._idle_seconds(idle) >= IDLE_SECONDS]
                self._idle = [idle for idle in self._idle if idle not in old]
                for idle in old:
                    await _quit(idle.client)
        finally:
            for idle in self._idle:
                idle.client.close()

    def _idle_seconds(self, idle: _Idle) -> float:
        return asyncio.get_running_loop().time() - idle.since


async def _quit(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit()
    client.close()


async def _responds(client: aiosmtplib.SMTP) -> bool:
    try:
        await client.noop()
    except (aiosmtplib.SMTPException, OSError):
        return False
    return True
