"""Who may open a live connection: pages of known origins, so many at once, and so many from one address."""

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from fastapi import WebSocket
from prometheus_client import Gauge

from common.addresses import network_of
from common.errors import Forbidden, TooManyRequests, Unavailable

__all__ = ["LiveConnections"]

CONNECTIONS: Final = Gauge("live_connections", "Clients with a live connection: seat maps and people's own feeds.")


class LiveConnections:
    """Counts live connections of all kinds together.

    Args:
        allowed_origins: pages elsewhere that may connect; pages of our own host always may.
    """

    def __init__(self, *, allowed_origins: Sequence[str], connections: int, connections_per_address: int) -> None:
        self._allowed_origins = frozenset(allowed_origins)
        self._connections = connections
        self._connections_per_address = connections_per_address
        self._addresses: Tally[str] = Tally()

    @contextmanager
    def admitted(self, websocket: WebSocket, client: str) -> Iterator[None]:
        """Count a connection for the length of the block.

        Raises:
            Forbidden: a page of another origin asks.
            TooManyRequests: its address has too many connections already.
            Unavailable: we have too many.
        """
        self._check_origin(websocket)
        address = network_of(client)
        if self._addresses.total() >= self._connections:
            raise Unavailable(reason="too many live connections")
        if self._addresses[address] >= self._connections_per_address:
            raise TooManyRequests("There are too many live connections from your address.")
        self._addresses[address] += 1
        CONNECTIONS.inc()
        try:
            yield
        finally:
            CONNECTIONS.dec()
            self._addresses -= Tally({address: 1})  # keeps only what is above zero

    def _check_origin(self, websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")
        if origin is None or origin in self._allowed_origins:
            return
        host = _host_of(origin)
        if not host or host != websocket.headers.get("host"):
            raise Forbidden("Pages of that origin may not connect.")


def _host_of(origin: str) -> str:
    """Return the host, with its port if it has one; nothing for what is no URL."""
    with suppress(ValueError):  # an IPv6 address that is none
        return urlsplit(origin).netloc
    return ""
