"""Services of a running stack, killed and frozen by name. Their supervisors (see `phoenix`) start them again."""

import psutil

from devstack.home import Home
from devstack.stack import Stack
from tests.support.waiting import eventually

__all__ = ["Service"]


class Service:
    """One service's process. The supervisor is what the stack started; the process is its child."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._stack = stack
        self._name = name

    async def kill(self) -> None:
        """``kill -9``; it rises again by itself."""
        (await self._process()).kill()

    async def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        (await self._process()).suspend()

    async def thaw(self) -> None:
        (await self._process()).resume()

    async def keep_down(self) -> None:
        """``kill -9``, and nobody starts it again until `let_rise`."""
        process = await self._process()
        self._supervisor().suspend()
        process.kill()

    def let_rise(self) -> None:
        self._supervisor().resume()

    async def _process(self) -> psutil.Process:
        [process] = await eventually(self._supervisor().children)
        return process

    def _supervisor(self) -> psutil.Process:
        state = Home(self._stack.home).read_state()
        assert state is not None
        [pid] = [process.pid for process in state.processes if process.name == self._name]
        return psutil.Process(pid)
