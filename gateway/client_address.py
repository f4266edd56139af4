"""Who sent this request: the address of the real peer, also behind a load balancer that we trust."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.types import Scope

from common.addresses import Network, is_address, is_in

__all__ = ["ClientAddress"]

FORWARDED_FOR: Final = b"x-forwarded-for"
# A proxy was at work (RFC 7239, and what was usual before it).
SIGNS_OF_A_PROXY: Final = (FORWARDED_FOR, b"forwarded", b"x-real-ip")
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
        peer = _peer_of(scope)
        if not self._trusted or not is_in(peer, self._trusted):
            return peer
        hops = headers.get(FORWARDED_FOR, b"").decode("latin-1").split(",")
        for hop in reversed([hop.strip() for hop in hops]):
            if not is_address(hop):
                break  # whatever stands left of it cannot be trusted either
            peer = hop
            if not is_in(hop, self._trusted):
                break
        return peer

    def is_behind_trusted_proxy(self, scope: Scope) -> bool:
        """Whether the peer is one of ours, whose word on the request counts."""
        return is_in(_peer_of(scope), self._trusted)

    def is_operator(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """Whether an operator asks, which they do without a proxy: behind one it may be anybody."""
        if any(name in headers for name in SIGNS_OF_A_PROXY):
            return False
        return is_in(_peer_of(scope), self._operators)


def _peer_of(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else UNKNOWN
