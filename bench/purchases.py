"""Fans who reserve a seat and pay for it, as many at a time as there are connections."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from bench.connection import Answer, Connection
from bench.errors import BenchFailedError
from bench.halls import Hall
from bench.load_users import Fan

__all__ = ["Sales", "Wish", "buy", "buy_all", "connected", "pay", "reserve", "wishes"]


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants which seat."""

    fan: Fan
    event_id: uuid.UUID
    seat_id: uuid.UUID


@dataclass(slots=True)
class Sales:
    """How long each answer took, and all of it together, in seconds."""

    seconds: float = 0.0
    reserve_seconds: list[float] = field(default_factory=list)
    pay_seconds: list[float] = field(default_factory=list)

    @property
    def purchases(self) -> int:
        return len(self.pay_seconds)

    def add(self, other: "Sales") -> None:
        self.seconds += other.seconds
        self.reserve_seconds += other.reserve_seconds
        self.pay_seconds += other.pay_seconds


def wishes(hall: Hall, fans: Iterable[Fan], *, first_seat: int = 0) -> list[Wish]:
    """Give each fan a seat of their own, one after the other from `first_seat` on."""
    return [Wish(fan, hall.event_id, hall.seat_ids[first_seat + i]) for i, fan in enumerate(fans)]


@asynccontextmanager
async def connected(url: str, number: int) -> AsyncIterator[list[Connection]]:
    """Open so many connections."""
    connections = [await Connection.open(url) for _ in range(number)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def buy_all(url: str, wanted: Iterable[Wish], *, clients: int) -> Sales:
    """Let so many clients fulfil the wishes, each the next one as soon as it is free (a closed loop).

    Raises:
        BenchFailedError: a request was refused; nothing is refused when everybody wants another seat.
    """
    sales, queue = Sales(), iter(wanted)
    async with connected(url, clients) as connections:
        began = time.perf_counter()
        await asyncio.gather(*(_buy_in_turn(connection, queue, sales) for connection in connections))
        sales.seconds = time.perf_counter() - began
    return sales


async def _buy_in_turn(connection: Connection, queue: Iterator[Wish], sales: Sales) -> None:
    for wish in queue:
        await buy(connection, wish, sales, came_at=time.perf_counter())


async def buy(connection: Connection, wish: Wish, sales: Sales, *, came_at: float) -> None:
    """Reserve and pay, and add to the sales how long it took.

    Args:
        came_at: when the fan came, by `time.perf_counter`.

    Raises:
        BenchFailedError: a request was refused.
    """
    held = await reserve(connection, wish)
    reserved = time.perf_counter()
    order_id = _granted(held)["order_id"]
    paid = await pay(connection, wish.fan, order_id)
    sales.pay_seconds.append(time.perf_counter() - reserved)
    sales.reserve_seconds.append(reserved - came_at)
    _granted(paid)


async def reserve(connection: Connection, wish: Wish) -> Answer:
    body = {"event_id": wish.event_id, "seat_id": wish.seat_id}
    return await connection.post("/api/reserve", body, token=wish.fan.token, key=uuid.uuid4().hex)


async def pay(connection: Connection, fan: Fan, order_id: str) -> Answer:
    return await connection.post("/api/pay", {"order_id": order_id}, token=fan.token, key=uuid.uuid4().hex)


def _granted(answer: Answer) -> dict[str, str]:
    if answer.status != HTTPStatus.OK:
        raise BenchFailedError(f"refused with {answer.status}: {answer.content.decode()}")
    data: dict[str, str] = answer.data
    return data
