"""TCP proxies between the processes, which a test can cut, slow down, or make lose every reply.

Each proxy has its own port on loopback and forwards to a server; a client gets the proxy's port in place of the server's.
See docs/testing.md for why this is not a package.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from devstack.ports import LOOPBACK

__all__ = ["Address", "TcpProxy", "open_proxies"]

CHUNK_BYTES: Final = 65_536

Address = tuple[str, int]


class TcpProxy:
    """Forwards bytes between clients of `port` and the real server.

    Args:
        target: returns the server's address. It is called per connection, so the server may start after the proxy.
    """

    def __init__(self, name: str, target: Callable[[], Address]) -> None:
        self.name = name
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._is_cut = False
        self._drops_replies = False
        self._delay_seconds = 0.0
        self._ends: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._forward, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def url_of(self, target: str) -> str:
        """Return the target's URL with the proxy's address."""
        parts = urlsplit(target)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@{LOOPBACK}:{self.port}"))

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._abort()
        await self._server.wait_closed()

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """Break every connection, and refuse new ones."""
        self._is_cut = True
        self._abort()
        try:
            yield
        finally:
            self._is_cut = False

    @asynccontextmanager
    async def slow(self, delay_seconds: float) -> AsyncIterator[None]:
        """Delay all traffic by so much, in both directions."""
        self._delay_seconds = delay_seconds
        try:
            yield
        finally:
            self._delay_seconds = 0.0

    @asynccontextmanager
    async def without_replies(self) -> AsyncIterator[None]:
        """Forward requests and drop replies.

        TCP leaves no gap in a stream, so the connections are aborted at the end: what was dropped stays lost.
        """
        self._drops_replies = True
        try:
            yield
        finally:
            self._drops_replies = False
            self._abort()

    def _abort(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        self._ends |= ends
        try:
            if self._is_cut:
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target())
            ends.add(far_writer)
            self._ends |= ends
            await asyncio.gather(
                self._pump(reader, far_writer, is_reply=False), self._pump(far_reader, writer, is_reply=True)
            )
        except OSError:
            pass  # the server is down, or one of the ends is gone: abort the other
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_reply: bool) -> None:
        while data := await source.read(CHUNK_BYTES):
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            if is_reply and self._drops_replies:
                continue
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def open_proxies(proxies: Iterable[TcpProxy]) -> AsyncIterator[dict[str, TcpProxy]]:
    """Open all proxies, and return them by name."""
    opened = {proxy.name: proxy for proxy in proxies}
    for proxy in opened.values():
        await proxy.open()
    try:
        yield opened
    finally:
        for proxy in opened.values():
            await proxy.close()
