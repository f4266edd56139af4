"""A minimal HTTP client: it shares two cores with the platform that it measures.

One keep-alive connection, one request at a time. It uses 0.02 ms of CPU per request, aiohttp's client 0.08, httpx more.
llhttp (httptools) parses the responses.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, Self, cast
from urllib.parse import urlsplit

import httptools
import orjson

__all__ = ["Answer", "Connection"]

HTTP_PORT: Final = 80
CLOSED: Final = "the gateway closed the connection"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes

    @property
    def data(self) -> Any:
        return orjson.loads(self.content)["data"]

    @property
    def error_code(self) -> str:
        return str(orjson.loads(self.content)["error_code"])


class Connection(asyncio.Protocol):
    """A connection, opened by `Connection.open`. The caller must not send two requests at once."""

    def __init__(self, host: str) -> None:
        self._host = host.encode()
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Return a connection to the host and port of `url`."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: cls(parts.netloc), parts.hostname or "", parts.port or HTTP_PORT
        )
        return connection

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def post(self, path: str, body: dict[str, Any], *, token: str, key: str = "") -> Answer:
        """Send JSON and return the response, whatever its status.

        Args:
            key: the `Idempotency-Key`; none is sent if it is empty.

        Raises:
            ConnectionError: the connection broke.
        """
        return await self._send("POST", path, body, token=token, key=key)

    async def patch(self, path: str, body: dict[str, Any], *, token: str) -> Answer:
        """Send JSON and return the response, as `post` does."""
        return await self._send("PATCH", path, body, token=token, key="")

    async def _send(self, method: str, path: str, body: dict[str, Any], *, token: str, key: str) -> Answer:
        if self._transport is None or not self.is_open:
            raise ConnectionError(CLOSED)
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(self._request(method, path, orjson.dumps(body, default=str), token=token, key=key))
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _request(self, method: str, path: str, content: bytes, *, token: str, key: str) -> bytes:
        idempotency = f"Idempotency-Key: {key}\r\n" if key else ""
        return (
            b"%b %b HTTP/1.1\r\nHost: %b\r\nAuthorization: Bearer %b\r\n%b"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        ) % (method.encode(), path.encode(), self._host, token.encode(), idempotency.encode(), len(content), content)

    # --- called by the event loop and by httptools -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's transport does not derive from asyncio.Transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(str(exc or CLOSED)))

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._parts))
        self._parts.clear()
        if self._waiting is not None:
            self._waiting.set_result(answer)
