"""A TCP proxy whose connections a test can cut, as when a network or a broker's node fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class TcpProxy:
    """Forwards bytes between the clients of `url` and the real server until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.is_connected = True
        self.url = ""

    def cut(self) -> None:
        """Break every connection; new ones are refused until `restore`."""
        self.is_connected = False
        for writer in self._writers:
            writer.transport.abort()

    def restore(self) -> None:
        self.is_connected = True

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_connected:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        ends = {writer, far_writer}
        self._writers |= ends
        try:
            with suppress(OSError):
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[TcpProxy]:
    address = urlsplit(url)
    tcp_proxy = TcpProxy(address.hostname or "127.0.0.1", address.port or 5672)
    server = await asyncio.start_server(tcp_proxy.forward, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = address.netloc.rpartition("@")[0]
    tcp_proxy.url = urlunsplit(address._replace(netloc=f"{login}@127.0.0.1:{port}"))
    try:
        yield tcp_proxy
    finally:
        tcp_proxy.cut()
        server.close()
        await server.wait_closed()
