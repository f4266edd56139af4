"""IP addresses: how callers are counted by them, and which networks have them."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

__all__ = ["Network", "address_in_hop", "is_in", "is_public", "network_of"]

Network = IPv4Network | IPv6Network

# A household or company usually gets a /64 (RFC 6177), so all its addresses count as one.
IPV6_PREFIX: Final = 64
CACHED_ADDRESSES: Final = 4096

# An IPv6 address in brackets, or an IPv4 address, with or without a port; or a bare IPv6 address.
_HOP: Final = re.compile(
    r"\[(?P<bracketed>[^\[\]]*)](?::\d{1,5})?|(?P<with_port>[0-9.]+):\d{1,5}|(?P<bare>.*)", re.ASCII
)


@lru_cache(CACHED_ADDRESSES)
def network_of(address: str) -> str:
    """Return what an address is counted as: itself, or an IPv6 address's /64."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed), IPV6_PREFIX), strict=False))
    return address if parsed is None else str(parsed)


def address_in_hop(hop: str) -> str | None:
    """Return the address in an entry of `X-Forwarded-For`, without port, brackets and zone; None if there is none.

    Proxies write ``198.51.100.7``, ``198.51.100.7:40000``, ``2001:db8::1``, ``[2001:db8::1]`` and ``[2001:db8::1]:443``.
    """
    found = _HOP.fullmatch(hop.strip())
    if found is None:
        return None
    parsed = _parsed((found["bracketed"] or found["with_port"] or found["bare"] or "").partition("%")[0])
    return None if parsed is None else str(parsed)


def is_public(address: str) -> bool:
    """Return whether the address is on the internet, not of a private network or of this machine."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_global


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
