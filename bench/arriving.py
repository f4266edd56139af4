"""Fans who come at moments of their own, whether those before them are served or not."""

import asyncio
import random
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Final

from bench.buying import Sales, Wish, buy, connected
from bench.connection import Connection

__all__ = ["MOST_AT_ONCE", "buy_as_they_come"]

MOST_AT_ONCE: Final = 256
"""Connections; who finds none waits for one, and that counts as theirs."""
SEED: Final = 1


async def buy_as_they_come(url: str, wanted: Iterable[Wish], *, per_second: float) -> Sales:
    """Let so many fans a second come, at random moments (a Poisson process, an open loop). Each reserves and pays.

    The clock of a fan starts when they come, not when they are sent off: nobody's wait is left out because the load
    generator waited, too.

    Raises:
        BenchFailedError: a request was refused.
    """
    chance, sales = random.Random(SEED), Sales()
    async with AsyncExitStack() as stack:
        free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in await stack.enter_async_context(connected(url, MOST_AT_ONCE)):
            free.put_nowait(connection)
        began = due = time.perf_counter()
        async with asyncio.TaskGroup() as fans:
            for wish in wanted:
                due += chance.expovariate(per_second)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                fans.create_task(_serve(wish, free, sales, came_at=due))
        sales.seconds = time.perf_counter() - began
    return sales


async def _serve(wish: Wish, free: asyncio.LifoQueue[Connection], sales: Sales, *, came_at: float) -> None:
    connection = await free.get()
    await buy(connection, wish, sales, came_at=came_at)
    free.put_nowait(connection)
