"""Who sent this request: the address of the real peer, also behind a load balancer that we trust."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.types import Scope

from common.addresses import Network, is_address, is_in

__all__ = ["ClientAddress"]

UNKNOWN: Final = "0.0.0.0"  # noqa: S104 - nobody's address: a peer over a Unix socket has none


class ClientAddress:
    """Finds the client's address. `X-Forwarded-For` counts only as far as trusted proxies wrote it.

    Args:
        operators: networks of those who run the platform.
    """

    def __init__(self, *, trusted_proxies: Sequence[Network], operators: Sequence[Network]) -> None:
        self._trusted = tuple(trusted_proxies)
        self._operators = tuple(operators)

    def of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        peer = scope["client"][0] if scope.get("client") else UNKNOWN
        if not self._trusted or not is_in(peer, self._trusted):
            return str(peer)
        hops = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        for hop in reversed([hop.strip() for hop in hops]):
            if not is_address(hop):
                break  # whatever stands left of it cannot be trusted either
            peer = hop
            if not is_in(hop, self._trusted):
                break
        return str(peer)

    def is_operator(self, address: str) -> bool:
        return is_in(address, self._operators)
