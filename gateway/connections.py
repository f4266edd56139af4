"""Admits live connections: by the page's origin, and up to a number in total, per user, and per address if anonymous."""

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from fastapi import WebSocket
from prometheus_client import Gauge

from common.auth.principal import Principal
from common.errors import Forbidden, TooManyRequests, Unavailable
from gateway.limits import anonymous, known

__all__ = ["LiveConnections"]

CONNECTIONS: Final = Gauge("live_connections", "Open live connections: seat maps and users' feeds.")


class LiveConnections:
    """Counts the live connections of all feeds together.

    Args:
        allowed_origins: other origins whose pages may connect; pages of this host always may.
    """

    def __init__(
        self,
        *,
        allowed_origins: Sequence[str],
        connections: int,
        connections_per_user: int,
        connections_per_address: int,
    ) -> None:
        self._allowed_origins = frozenset(allowed_origins)
        self._connections = connections
        self._connections_per_user = connections_per_user
        self._connections_per_address = connections_per_address
        self._callers: Tally[str] = Tally()

    @contextmanager
    def admitted(self, websocket: WebSocket, *, client: str, user: Principal | None) -> Iterator[None]:
        """Count a connection for the length of the block, of a user or else of an address.

        Raises:
            Forbidden: the page's origin is not allowed.
            TooManyRequests: the user or the address has too many connections.
            Unavailable: this gateway has too many connections.
        """
        self._check_origin(websocket)
        caller, allowed = anonymous(client), self._connections_per_address
        if user is not None:
            caller, allowed = known(user.user_id), self._connections_per_user
        if self._callers.total() >= self._connections:
            raise Unavailable(reason="too many live connections")
        if self._callers[caller] >= allowed:
            raise TooManyRequests("You have too many live connections.")
        self._callers[caller] += 1
        CONNECTIONS.inc()
        try:
            yield
        finally:
            CONNECTIONS.dec()
            self._callers -= Tally({caller: 1})  # drops callers without connections

    def _check_origin(self, websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")
        if origin is None or origin in self._allowed_origins:
            return
        host = _host_of(origin)
        if not host or host != websocket.headers.get("host"):
            raise Forbidden("Pages of that origin may not connect.")


def _host_of(origin: str) -> str:
    """Return the host with its port, if any; an empty string for an invalid URL."""
    with suppress(ValueError):  # an invalid IPv6 address
        return urlsplit(origin).netloc
    return ""
