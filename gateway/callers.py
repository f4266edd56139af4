"""Who sent this request: the address of the real peer, also behind a load balancer that we trust."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from gateway.settings import Network

__all__ = ["ClientAddress", "network_of"]

UNKNOWN = "0.0.0.0"  # noqa: S104 - nobody's address: a peer over a Unix socket has none


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
        if not self._trusted or not _is_in(peer, self._trusted):
            return str(peer)
        hops = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        for hop in reversed([hop.strip() for hop in hops]):
            if _parsed(hop) is None:
                break  # whatever stands left of it cannot be trusted either
            peer = hop
            if not _is_in(hop, self._trusted):
                break
        return str(peer)

    def is_operator(self, address: str) -> bool:
        return _is_in(address, self._operators)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return what counts as one anonymous client: an IPv4 address, or the /64 that one IPv6 customer gets."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed  # how a dual-stack socket shows IPv4 peers
