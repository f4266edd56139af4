"""A mail server that can refuse any command of the dialogue, which the sandbox's cannot."""

import asyncio
from collections.abc import Mapping
from typing import Final, Self

from pydantic import SecretStr

from orchestrator.features.notifications.adapters.smtp import EmailClient, SmtpServer
from tests.support.timeouts import ANSWER_SECONDS

__all__ = ["ScriptedSmtpServer"]

USUAL: Final[Mapping[str, str]] = {
    "CONNECT": "220 ready",
    "EHLO": "250-here\r\n250-SIZE 1000000\r\n250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}


class ScriptedSmtpServer:
    """Responds to each command as configured, ``CONNECT`` and the final dot of the data included; others succeed."""

    def __init__(self, **replies: str) -> None:
        self._replies = {**USUAL, **replies}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    def email_client(self, *, password: SecretStr | None = None) -> EmailClient:
        assert self._server is not None
        port = int(self._server.sockets[0].getsockname()[1])
        username = "shop" if password else None
        server = SmtpServer(
            host="127.0.0.1", port=port, username=username, password=password, is_tls=False, starttls=False
        )
        return EmailClient(server, timeout_seconds=ANSWER_SECONDS)

    def now(self, **replies: str) -> None:
        """Change the replies from now on."""
        self._replies.update(replies)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{self._replies['CONNECT']}\r\n".encode())
        while line := await reader.readline():
            command = line.decode().partition(" ")[0].strip().upper()
            reply = self._replies.get(command, "250 fine")
            writer.write(f"{reply}\r\n".encode())
            if command == "DATA" and reply.startswith("354"):
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(f"{self._replies['.']}\r\n".encode())
        writer.close()
