"""Restricts webhooks to the public internet, because integrators choose the URLs."""

import ipaddress
import re
from typing import Final

from yarl import URL

from orchestrator.features.outbound_webhooks.errors import AddressNotAllowed

__all__ = ["check_url", "is_public"]

# The last label must not be a number: 127.1, 0177.0.0.1 and 0x7f.1 are spellings of IP addresses, which would be neither
# resolved nor checked.
DOMAIN_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?\.?")
# IPv6 addresses that embed an IPv4 address, which a translator on the path may extract.
TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
# The only allocated IPv6 unicast range (RFC 4291 §2.4); Python's `is_global` allows more. The second is for examples.
UNICAST: Final = ipaddress.ip_network("2000::/3")
DOCUMENTATION: Final = ipaddress.ip_network("3fff::/20")


def is_public(address: str) -> bool:
    """Return whether an IP address is on the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in UNICAST or ip in DOCUMENTATION):
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in TRANSLATED)


def check_url(url: str, *, is_private_allowed: bool) -> URL:
    """Return the parsed URL, which the HTTP client uses as it is, so that check and client cannot disagree.

    Raises:
        AddressNotAllowed: it is not an https URL, contains credentials, or its host is not public.
    """
    try:
        parsed = URL(url)
    except ValueError as error:
        raise AddressNotAllowed from error
    schemes = {"http", "https"} if is_private_allowed else {"https"}
    host = parsed.raw_host
    if (
        parsed.scheme not in schemes
        or not host
        or parsed.user is not None
        or parsed.password is not None
        or parsed.port == 0
    ):
        raise AddressNotAllowed
    if not is_private_allowed and not _is_public_host(host):
        raise AddressNotAllowed
    return parsed


def _is_public_host(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return DOMAIN_NAME.fullmatch(host) is not None  # its addresses are checked after resolution
