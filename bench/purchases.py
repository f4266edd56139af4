"""A closed loop: clients reserve a seat and pay for it, one purchase at a time per connection."""

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


@dataclass(frozen=True, slots=True)
class SeatRequest:
    """A fan and the seat that the fan wants."""

    fan: Fan
    event_id: uuid.UUID
    seat_id: uuid.UUID


@dataclass(slots=True)
class Sales:
    """The latency of each response, and the duration of the whole sale, in seconds."""

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


def seat_requests(hall: Hall, fans: Iterable[Fan], *, first_seat: int = 0) -> list[SeatRequest]:
    """Assign each fan a different seat, in hall order from `first_seat` on."""
    return [SeatRequest(fan, hall.event_id, hall.seat_ids[first_seat + i]) for i, fan in enumerate(fans)]


@asynccontextmanager
async def connected(url: str, number: int) -> AsyncIterator[list[Connection]]:
    """Open this many connections, and close them at the end."""
    connections = [await Connection.open(url) for _ in range(number)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def buy_all(url: str, requests: Iterable[SeatRequest], *, clients: int) -> Sales:
    """Let this many clients buy the seats, each the next one as soon as it is free (a closed loop).

    Raises:
        BenchFailedError: a request was refused, although each fan wants another seat.
    """
    sales, queue = Sales(), iter(requests)
    async with connected(url, clients) as connections:
        began = time.perf_counter()
        await asyncio.gather(*(_buy_each(connection, queue, sales) for connection in connections))
        sales.seconds = time.perf_counter() - began
    return sales


async def _buy_each(connection: Connection, queue: Iterator[SeatRequest], sales: Sales) -> None:
    for request in queue:
        await buy(connection, request, sales, arrived_at=time.perf_counter())


async def buy(connection: Connection, request: SeatRequest, sales: Sales, *, arrived_at: float) -> None:
    """Reserve and pay, and add the latencies to the sales.

    Args:
        arrived_at: when the fan arrived, by `time.perf_counter`.

    Raises:
        BenchFailedError: a request was refused.
    """
    held = await reserve(connection, request)
    reserved = time.perf_counter()
    order_id = _data_of(held)["order_id"]
    paid = await pay(connection, request.fan, order_id)
    sales.pay_seconds.append(time.perf_counter() - reserved)
    sales.reserve_seconds.append(reserved - arrived_at)
    _data_of(paid)


async def reserve(connection: Connection, request: SeatRequest) -> Answer:
    body = {"event_id": request.event_id, "seat_id": request.seat_id}
    return await connection.post("/api/reserve", body, token=request.fan.token, key=uuid.uuid4().hex)


async def pay(connection: Connection, fan: Fan, order_id: str) -> Answer:
    return await connection.post("/api/pay", {"order_id": order_id}, token=fan.token, key=uuid.uuid4().hex)


def _data_of(answer: Answer) -> dict[str, str]:
    if answer.status != HTTPStatus.OK:
        raise BenchFailedError(f"refused with {answer.status}: {answer.content.decode()}")
    data: dict[str, str] = answer.data
    return data
