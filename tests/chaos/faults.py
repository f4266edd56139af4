"""Inject the faults of a plan into a running stack. A fault is over when `inject` returns, or soon after."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final

import psutil

from devstack.ports import PortClaims
from devstack.postgres import EmbeddedPostgres
from devstack.rabbitmq import PortTaken, PrivateRabbitMQ
from devstack.stack import Stack
from tests.chaos.network import TcpProxy
from tests.chaos.plan import SERVERS, Fault, Kind
from tests.chaos.services import Service

__all__ = ["LONGER_THAN_A_LEASE_SECONDS", "FaultInjector"]

# The longest lease of this platform is that of a job; a saga's lease is shorter (`faulty_platform`).
LONGER_THAN_A_LEASE_SECONDS: Final = 2.5
DOWN_SECONDS: Final = 1.5
DEGRADED_SECONDS: Final = 2.0
# A payment of four calls takes longer than the rest of a hold that is about to expire.
DELAY_SECONDS: Final = 0.1


class FaultInjector:
    def __init__(self, stack: Stack, proxies: Mapping[str, TcpProxy], order: Random) -> None:
        self.injected: Counter[Kind] = Counter()
        self._stack = stack
        self._proxies = proxies
        self._order = order

    async def inject(self, fault: Fault) -> None:
        if fault.is_network_fault:
            await self._degrade(self._proxies[fault.target], fault.kind)
        elif fault.target in SERVERS:
            await self._inject_into_server(fault)
        else:
            await self._inject_into_process(Service(self._stack, fault.target), fault.kind)
        self.injected[fault.kind] += 1

    async def _degrade(self, proxy: TcpProxy, kind: Kind) -> None:
        degraded = {
            Kind.CUT: proxy.cut(),
            Kind.SLOW: proxy.slow(DELAY_SECONDS),
            Kind.NO_REPLIES: proxy.without_replies(),
        }[kind]
        async with degraded:
            await asyncio.sleep(DEGRADED_SECONDS)

    async def _inject_into_process(self, service: Service, kind: Kind) -> None:
        if kind == Kind.FROZEN:
            async with service.frozen():
                await asyncio.sleep(LONGER_THAN_A_LEASE_SECONDS)
        else:
            action: Callable[[], Awaitable[None]] = {Kind.KILLED: service.kill, Kind.ENDED: service.terminate}[kind]
            await action()

    async def _inject_into_server(self, fault: Fault) -> None:
        server: EmbeddedPostgres | PrivateRabbitMQ = getattr(self._stack, fault.target)
        if fault.kind == Kind.CRASHED:
            self._backend().kill()
        elif fault.kind == Kind.FROZEN:
            await self._freeze_broker()
        else:
            try:
                await asyncio.to_thread(server.kill if fault.kind == Kind.KILLED else server.stop)
                await asyncio.sleep(DOWN_SECONDS)
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
        """Return one of PostgreSQL's backend processes."""
        assert self._stack.postgres.process is not None
        children = psutil.Process(self._stack.postgres.process.pid).children()
        return self._order.choice([child for child in children if "127.0.0.1(" in " ".join(child.cmdline())])


def _start_again(server: EmbeddedPostgres | PrivateRabbitMQ) -> None:
    """Start a server; RabbitMQ gets new ports if another process has taken one of its five ports."""
    try:
        server.start()
    except PortTaken:
        assert isinstance(server, PrivateRabbitMQ)
        server.kill()
        with PortClaims() as claims:
            server.ports = server.ports.rechosen(claims)
        server.start()
