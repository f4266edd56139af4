"""The faults of a plan, done to a running stack. Each is over when `strike` returns, or soon after."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final

import psutil

from devstack.postgres import EmbeddedPostgres
from devstack.rabbitmq import PortTaken, PrivateRabbitMQ
from devstack.stack import Stack
from tests.chaos.network import Line
from tests.chaos.plan import SERVERS, Fault, Kind
from tests.chaos.services import Service

__all__ = ["LONGER_THAN_A_LEASE_SECONDS", "Troubles"]

# The longest lease of the platform under test is the jobs'; a saga's is shorter (`shaken_platform`).
LONGER_THAN_A_LEASE_SECONDS: Final = 2.5
AWAY_SECONDS: Final = 1.5
SPOILED_SECONDS: Final = 2.0
# So long that a payment of four calls outlasts the end of a hold it was begun shortly before.
DELAY_SECONDS: Final = 0.1


class Troubles:
    def __init__(self, stack: Stack, lines: Mapping[str, Line], order: Random) -> None:
        self.struck: Counter[Kind] = Counter()
        self._stack = stack
        self._lines = lines
        self._order = order

    async def strike(self, fault: Fault) -> None:
        if fault.is_of_a_line:
            await self._spoil(self._lines[fault.victim], fault.kind)
        elif fault.victim in SERVERS:
            await self._strike_server(fault)
        else:
            await self._strike_process(Service(self._stack, fault.victim), fault.kind)
        self.struck[fault.kind] += 1

    async def _spoil(self, line: Line, kind: Kind) -> None:
        spoiled = {Kind.CUT: line.cut(), Kind.SLOW: line.slow(DELAY_SECONDS), Kind.DEAF: line.without_replies()}[kind]
        async with spoiled:
            await asyncio.sleep(SPOILED_SECONDS)

    async def _strike_process(self, service: Service, kind: Kind) -> None:
        if kind == Kind.FROZEN:
            async with service.frozen():
                await asyncio.sleep(LONGER_THAN_A_LEASE_SECONDS)
        else:
            deed: Callable[[], Awaitable[None]] = {Kind.KILLED: service.kill, Kind.ENDED: service.end}[kind]
            await deed()

    async def _strike_server(self, fault: Fault) -> None:
        server: EmbeddedPostgres | PrivateRabbitMQ = getattr(self._stack, fault.victim)
        if fault.kind == Kind.CRASHED:
            self._backend().kill()
        elif fault.kind == Kind.FROZEN:
            await self._freeze_broker()
        else:
            try:
                await asyncio.to_thread(server.kill if fault.kind == Kind.KILLED else server.stop)
                await asyncio.sleep(AWAY_SECONDS)
            finally:
                await asyncio.to_thread(_start_again, server)

    async def _freeze_broker(self) -> None:
        [pid] = [process.pid for process in self._stack.rabbitmq.processes if process.name == "rabbitmq"]
        broker = psutil.Process(pid)
        broker.suspend()
        try:
            await asyncio.sleep(LONGER_THAN_A_LEASE_SECONDS)
        finally:
            broker.resume()

    def _backend(self) -> psutil.Process:
        """Return one of PostgreSQL's processes that serve a connection."""
        assert self._stack.postgres.process is not None
        children = psutil.Process(self._stack.postgres.process.pid).children()
        return self._order.choice([child for child in children if "127.0.0.1(" in " ".join(child.cmdline())])


def _start_again(server: EmbeddedPostgres | PrivateRabbitMQ) -> None:
    """Start a server; RabbitMQ elsewhere when another process has taken one of its five ports meanwhile."""
    try:
        server.start()
    except PortTaken:
        assert isinstance(server, PrivateRabbitMQ)
        server.kill()
        server.ports = server.ports.rechosen(taken=frozenset())
        server.start()
