"""Resolves integrators' host names without threads.

The system's resolver blocks a thread of a small pool until the name server responds, so one integrator's slow name
server would delay all others. Here, a lookup is a datagram and a timer.
"""

import asyncio
import socket
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.nameserver import Nameserver

from orchestrator.features.outbound_webhooks.adapters.url_guard import is_public
from orchestrator.features.outbound_webhooks.errors import AddressNotAllowed

__all__ = ["PublicResolver"]

LOOKUP_SECONDS: Final = 5.0  # the default of the system's resolver
RECORDS: Final = {socket.AF_INET: "A", socket.AF_INET6: "AAAA"}


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only, without a search list.

    Args:
        servers: the name servers; the machine's own if empty.
    """

    def __init__(self, servers: Sequence[Nameserver] = (), *, lookup_seconds: float = LOOKUP_SECONDS) -> None:
        self._servers = servers
        self._lookup_seconds = lookup_seconds

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            AddressNotAllowed: one of them is not public.
            OSError: there is none, or no name server responds in time.
        """
        wanted = [own for own in RECORDS if family in {own, socket.AF_UNSPEC}]
        answers = await asyncio.gather(*(self._lookup(host, port, own) for own in wanted))
        found = [result for answer in answers for result in answer]
        if not found:
            raise OSError(None, f"no address of {host}")
        if not all(is_public(result["host"]) for result in found):
            raise AddressNotAllowed
        return found

    async def close(self) -> None:
        """Do nothing: no connection stays open between lookups."""

    async def _lookup(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        """Return the addresses of one family; none if the lookup fails, because the other family may suffice."""
        try:
            answer = await self._resolver.resolve(host, RECORDS[family], lifetime=self._lookup_seconds, search=False)
        except DNSException:
            return []
        return [
            ResolveResult(
                hostname=host, host=record.address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
            )
            for record in answer
        ]

    @cached_property
    def _resolver(self) -> Resolver:
        """Created at the first lookup: it reads the machine's configuration, and raises if there is none."""
        resolver = Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = self._servers
        return resolver
