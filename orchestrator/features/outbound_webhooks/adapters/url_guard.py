"""Which addresses webhooks may go to: strangers chose them, so to the public internet only."""

import ipaddress
import re
from typing import Final

from yarl import URL

from orchestrator.features.outbound_webhooks.errors import AddressNotAllowed

__all__ = ["check_url", "is_public"]

# With a last label that is no number: 127.1, 0177.0.0.1 and 0x7f.1 are ways to write an address, which would not be
# resolved and so not be checked.
DOMAIN_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?\.?")
# Addresses that carry another one inside, which a translator on the way may unpack.
TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
# All that was ever given out of IPv6 (RFC 4291 §2.4); Python calls more than that global. The second is for examples.
UNICAST: Final = ipaddress.ip_network("2000::/3")
DOCUMENTATION: Final = ipaddress.ip_network("3fff::/20")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in UNICAST or ip in DOCUMENTATION):
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in TRANSLATED)


def check_url(url: str, *, is_private_allowed: bool) -> URL:
    """Refuse what no webhook is sent to; return the URL as the client will read it, so that no two readers disagree.

    Raises:
        AddressNotAllowed: it is no https URL, carries a password, or names an address that is not public.
    """
    try:
        read = URL(url)
    except ValueError as error:
        raise AddressNotAllowed from error
    schemes = {"http", "https"} if is_private_allowed else {"https"}
    host = read.raw_host
    if read.scheme not in schemes or not host or read.user is not None or read.password is not None or read.port == 0:
        raise AddressNotAllowed
    if not is_private_allowed and not _is_public_host(host):
        raise AddressNotAllowed
    return read


def _is_public_host(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return DOMAIN_NAME.fullmatch(host) is not None  # its addresses are checked when it is resolved
