"""The client's address, even if the request comes through a trusted load balancer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter
from starlette.types import Scope

from common.addresses import Network, address_in_hop, is_in, is_public
from common.telemetry.logs import get_logger

__all__ = ["ClientAddress"]

FORWARDED_FOR: Final = b"x-forwarded-for"
# Set by proxies (RFC 7239, and the headers that preceded it).
PROXY_HEADERS: Final = (FORWARDED_FOR, b"forwarded", b"x-real-ip")
IGNORED: Final = Counter(
    "forwarded_for_ignored_total", "Requests with X-Forwarded-For from an address that TRUSTED_PROXIES does not name."
)
UNKNOWN: Final = "0.0.0.0"  # noqa: S104 - a peer over a Unix socket has no address


logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAddress:
    """Determines the client's address. Only the part of `X-Forwarded-For` that trusted proxies wrote counts.

    Args:
        operators: the operators' networks.
    """

    trusted_proxies: Sequence[Network]
    operators: Sequence[Network]
    _warned_of: set[str] = field(default_factory=set, init=False)

    def of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Return the address, without port and zone."""
        peer = _peer_of(scope)
        forwarded = headers.get(FORWARDED_FOR)
        if forwarded is None:
            return peer
        if not is_in(peer, self.trusted_proxies):
            self._report_ignored(peer)
            return peer
        for hop in reversed(forwarded.decode("latin-1").split(",")):
            address = address_in_hop(hop)
            if address is None:
                break  # the entries to its left cannot be trusted either
            peer = address
            if not is_in(address, self.trusted_proxies):
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

    def _report_ignored(self, peer: str) -> None:
        """Count the request, and log an error for the first: if a proxy sent it, all its clients count as one."""
        IGNORED.inc()
        if not self._warned_of:
            self._warned_of.add(peer)
            shown = "a public address" if is_public(peer) else peer  # it may be a person's
            logger.error("client_address.untrusted_proxy", peer=shown, remedy="name the proxy in TRUSTED_PROXIES")


def _peer_of(scope: Scope) -> str:
    peer = str(scope["client"][0]) if scope.get("client") else UNKNOWN
    return address_in_hop(peer) or peer
