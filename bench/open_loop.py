"""An open loop: fans arrive at random moments, whether earlier fans are served or not."""

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Final

from bench.connection import Connection
from bench.purchases import Sales, SeatRequest, buy

__all__ = ["buy_open_loop"]

SEED: Final = 1


async def buy_open_loop(url: str, requests: Iterable[SeatRequest], *, per_second: float) -> Sales:
    """Let `per_second` fans arrive in a Poisson process. Each reserves and pays.

    A fan's latency starts at the arrival, not when the request is sent: a delay of the load generator counts (no
    coordinated omission).

    Raises:
        BenchFailedError: a request was refused.
    """
    chance, sales, pool = random.Random(SEED), Sales(), _ConnectionPool(url)
    began = due = time.perf_counter()
    async with asyncio.TaskGroup() as fans:
        for request in requests:
            due += chance.expovariate(per_second)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            fans.create_task(_buy_one(request, pool, sales, arrived_at=due))
    sales.seconds = time.perf_counter() - began
    pool.close()
    return sales


async def _buy_one(request: SeatRequest, pool: "_ConnectionPool", sales: Sales, *, arrived_at: float) -> None:
    connection = await pool.acquire()
    await buy(connection, request, sales, arrived_at=arrived_at)
    pool.release(connection)


class _ConnectionPool:
    """Idle connections that the gateway has not closed, the last used first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: list[Connection] = []

    async def acquire(self) -> Connection:
        while self._free:
            if (connection := self._free.pop()).is_open:
                return connection
        return await Connection.open(self._url)

    def release(self, connection: Connection) -> None:
        self._free.append(connection)

    def close(self) -> None:
        for connection in self._free:
            connection.close()
