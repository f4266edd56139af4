"""Sends requests as bytes, for what no well-behaved client sends."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.timeouts import ANSWER_SECONDS


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(url: str, target: str, *header_lines: str, method: str = "GET", body: bytes = b"") -> RawAnswer:
    """Send a request with exactly this target and these header lines, and read until the server closes."""
    lines = [f"{method} {target} HTTP/1.1", "Host: gateway.test", "Connection: close", *header_lines]
    answer = await exchange(url, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
    head, _, content = answer.partition(b"\r\n\r\n")
    status_line, *rest = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return RawAnswer(int(status_line.split()[1]), headers, content)


async def exchange(url: str, data: bytes) -> bytes:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(data)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await reader.read()
    finally:
        writer.close()


@asynccontextmanager
async def open_unread(url: str, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """Send a request and read no more of the response than is requested (and some 8 kB)."""
    address = urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)  # noqa: FBT003 - the standard library's way
    await asyncio.get_running_loop().sock_connect(connection, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
    try:
        writer.write(request)
        yield reader
    finally:
        writer.close()
