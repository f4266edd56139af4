"""Posting to addresses that strangers chose: to the public internet only, one answer, no redirects.

The name is resolved by us and each address it has is checked, and it is these very addresses that are connected to: a
name that changes its mind between the check and the connection gains nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Mapping
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from common.telemetry.tracing import client_span
from orchestrator.integrations.errors import AddressNotAllowed, NotDelivered

__all__ = ["WebhookSender", "check_url", "is_public"]

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


class _PublicResolver(AbstractResolver):
    """Resolves to public addresses, or not at all."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(is_public(result["host"]) for result in found):
            raise AddressNotAllowed
        return found

    async def close(self) -> None:
        await self._resolver.close()


class WebhookSender:
    """Posts to public addresses; to private ones only when `is_private_allowed`, for development on one machine."""

    def __init__(self, *, is_private_allowed: bool, timeout_seconds: float) -> None:
        self._is_private_allowed = is_private_allowed
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def post(self, url: str, *, body: str, headers: Mapping[str, str]) -> int:
        """Return the status of the answer, whatever it is; the rest of it is not read.

        Raises:
            AddressNotAllowed: it is, or has become, none of the public internet.
            NotDelivered: nobody answered in time.
        """
        target = check_url(url, is_private_allowed=self._is_private_allowed)
        resolver = None if self._is_private_allowed else _PublicResolver()
        connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True)
        own = {"Content-Type": "application/json", "User-Agent": "TicketRemaster-Webhooks/1"}
        try:
            with client_span("integrator", "POST"):
                async with (
                    aiohttp.ClientSession(connector=connector, timeout=self._timeout) as session,
                    session.post(
                        target, data=body.encode(), headers={**own, **headers}, allow_redirects=False
                    ) as answer,
                ):
                    return answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise NotDelivered(reason=type(error).__name__) from error
