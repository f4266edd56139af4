"""IP addresses: how callers are counted by them, and which networks have them."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

__all__ = ["Network", "is_address", "is_in", "network_of"]

Network = IPv4Network | IPv6Network

# A household or company usually gets a /64 (RFC 6177), so all its addresses count as one.
IPV6_PREFIX: Final = 64
CACHED_ADDRESSES: Final = 4096


@lru_cache(CACHED_ADDRESSES)
def network_of(address: str) -> str:
    """Return what an address is counted as: itself, or an IPv6 address's /64."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_PREFIX), strict=False))
    return address


def is_address(text: str) -> bool:
    return _parsed(text) is not None


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Return whether one of the networks contains the address. Text that is not an address is in none."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed  # how a dual-stack socket shows IPv4 peers
