"""Kill and freeze services of a running stack by name. Their supervisors (see `auto_restart`) restart them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import psutil

from devstack.home import Home
from devstack.stack import Stack
from tests.support.http_client import http_client
from tests.support.waiting import eventually


class Service:
    """One service's process. The stack starts the supervisor; the process is its child."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._stack = stack
        self._name = name

    async def kill(self) -> None:
        """Send SIGKILL; the supervisor restarts the process."""
        (await self._process()).kill()

    async def terminate(self) -> None:
        """Send SIGTERM, as on a deployment: the process finishes its work, and the supervisor restarts it."""
        process = await self._process()
        process.terminate()
        await eventually(lambda: not process.is_running())

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """Suspend the process: it accepts connections and does not respond."""
        process = await self._process()
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        """Send SIGKILL, and keep the process down until the end."""
        process, supervisor = await self._process(), self._supervisor()
        supervisor.suspend()
        process.kill()
        try:
            yield
        finally:
            supervisor.resume()

    async def _process(self) -> psutil.Process:
        [process] = await eventually(self._supervisor().children)
        return process

    def _supervisor(self) -> psutil.Process:
        state = Home(self._stack.home).read_state()
        assert state is not None
        [pid] = [process.pid for process in state.processes if process.name == self._name]
        return psutil.Process(pid)


async def all_up(stack: Stack) -> bool:
    async with http_client(timeout_seconds=2.0) as http:
        for name in stack.running:
            try:
                answer = await http.get(stack.urls.health_of(name) + "/health")
            except httpx.TransportError:
                return False
            if not answer.is_success:
                return False
    return True
