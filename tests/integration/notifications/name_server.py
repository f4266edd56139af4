"""A name server that resolves some names at once and others only when its gate is open."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.nameserver import Do53Nameserver

__all__ = ["NameServer"]

SLOW: Final = "slow."


class NameServer(asyncio.DatagramProtocol):
    """Returns the configured addresses; for names that begin with ``slow.`` only once `gate` is open."""

    def __init__(self, addresses: Mapping[str, list[str]]) -> None:
        self._addresses = addresses
        self._transport: Any = None
        self._answers: set[asyncio.Task[None]] = set()
        self.gate = asyncio.Event()
        self.asked: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        for answer in [*self._answers]:
            answer.cancel()
        self._transport.close()

    @property
    def address(self) -> Do53Nameserver:
        host, port = self._transport.get_extra_info("sockname")
        return Do53Nameserver(host, port)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = asyncio.create_task(self._answer(dns.message.from_wire(data), addr))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def _answer(self, query: dns.message.Message, addr: Any) -> None:
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True)
        self.asked[name] += 1
        if name.startswith(SLOW):
            await self.gate.wait()
        response = dns.message.make_response(query)
        addresses = self._addresses.get(name)
        if addresses is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        is_six = question.rdtype == dns.rdatatype.AAAA
        own = [address for address in addresses or [] if (":" in address) == is_six]
        if own:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype, *own))
        self._transport.sendto(response.to_wire(), addr)
