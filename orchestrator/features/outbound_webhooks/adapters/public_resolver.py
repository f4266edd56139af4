"""Finds the addresses of integrators' names, without a thread.

The system's own look-up blocks a thread of a small pool until the name's server has answered, so that one integrator's
slow server would hold up the names of all others. Here a look-up is a datagram and a timer.
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

LOOKUP_SECONDS: Final = 5.0  # as long as the system's own resolver waits for a server
RECORDS: Final = {socket.AF_INET: "A", socket.AF_INET6: "AAAA"}


class PublicResolver(AbstractResolver):
    """Resolves to public addresses, or not at all. A name stands for itself: no search list is added to it.

    Args:
        servers: whom to ask; when empty, those that this machine is set up with.
    """

    def __init__(self, servers: Sequence[Nameserver] = (), *, lookup_seconds: float = LOOKUP_SECONDS) -> None:
        self._servers = servers
        self._lookup_seconds = lookup_seconds

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises:
            AddressNotAllowed: one of them is not public.
            OSError: there is none, or nobody says so in time.
        """
        wanted = [own for own in RECORDS if family in {own, socket.AF_UNSPEC}]
        answers = await asyncio.gather(*(self._ask(host, port, own) for own in wanted))
        found = [result for answer in answers for result in answer]
        if not found:
            raise OSError(None, f"no address of {host}")
        if not all(is_public(result["host"]) for result in found):
            raise AddressNotAllowed
        return found

    async def close(self) -> None:
        """Nothing stays open between look-ups."""

    async def _ask(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        """Return the addresses of one family; none also when nobody knows, as the other family may do."""
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
        """Made at the first look-up: it reads how this machine is set up, and raises when it is not."""
        resolver = Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = self._servers
        return resolver
