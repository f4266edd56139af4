"""The client's address, even if the request comes through a trusted load balancer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from common.addresses import Network, is_address, is_in

__all__ = ["ClientAddress"]

FORWARDED_FOR: Final = b"x-forwarded-for"
# Set by proxies (RFC 7239, and the headers that preceded it).
PROXY_HEADERS: Final = (FORWARDED_FOR, b"forwarded", b"x-real-ip")
UNKNOWN: Final = "0.0.0.0"  # noqa: S104 - a peer over a Unix socket has no address


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAddress:
    """Determines the client's address. Only the part of `X-Forwarded-For` that trusted proxies wrote counts.

    Args:
        operators: the operators' networks.
    """

    trusted_proxies: Sequence[Network]
    operators: Sequence[Network]

    def of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        peer = _peer_of(scope)
        if not self.trusted_proxies or not is_in(peer, self.trusted_proxies):
            return peer
        hops = headers.get(FORWARDED_FOR, b"").decode("latin-1").split(",")
        for hop in reversed([hop.strip() for hop in hops]):
            if not is_address(hop):
                break  # the entries to its left cannot be trusted either
            peer = hop
            if not is_in(hop, self.trusted_proxies):
                break
        return peer

    def is_behind_trusted_proxy(self, scope: Scope) -> bool:
        """Return whether the peer is a trusted proxy."""
        return is_in(_peer_of(scope), self.trusted_proxies)

    def is_operator(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether the client is an operator. Operators connect directly, as any client may be behind a proxy."""
        if any(name in headers for name in PROXY_HEADERS):
            return False
        return is_in(_peer_of(scope), self.operators)


def _peer_of(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else UNKNOWN
