"""Fans who come at moments of their own, whether those before them are served or not."""

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Final

from bench.connection import Connection
from bench.purchases import Sales, Wish, buy

__all__ = ["buy_as_they_come"]

SEED: Final = 1


async def buy_as_they_come(url: str, wanted: Iterable[Wish], *, per_second: float) -> Sales:
    """Let so many fans a second come, at random moments (a Poisson process, an open loop). Each reserves and pays.

    The clock of a fan starts when they come, not when they are sent off: nobody's wait is left out because the load
    generator waited, too.

    Raises:
        BenchFailedError: a request was refused.
    """
    chance, sales, lines = random.Random(SEED), Sales(), _Lines(url)
    began = due = time.perf_counter()
    async with asyncio.TaskGroup() as fans:
        for wish in wanted:
            due += chance.expovariate(per_second)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            fans.create_task(_serve(wish, lines, sales, came_at=due))
    sales.seconds = time.perf_counter() - began
    lines.close()
    return sales


async def _serve(wish: Wish, lines: "_Lines", sales: Sales, *, came_at: float) -> None:
    connection = await lines.take()
    await buy(connection, wish, sales, came_at=came_at)
    lines.give_back(connection)


class _Lines:
    """Connections that are kept while the gateway keeps them, the last used first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: list[Connection] = []

    async def take(self) -> Connection:
        while self._free:
            if (connection := self._free.pop()).is_open:
                return connection
        return await Connection.open(self._url)

    def give_back(self, connection: Connection) -> None:
        self._free.append(connection)

    def close(self) -> None:
        for connection in self._free:
            connection.close()
