"""A hold storm: far more buyers than seats, all at the same moment."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import asyncpg
import uvloop

from bench.connection import Answer, Connection
from bench.environment import Environment
from bench.errors import BenchFailedError
from bench.halls import Hall
from bench.latency import Latency
from bench.load_users import Fan
from bench.purchases import Wish, connected, pay, reserve
from bench.results import Cost, Outcome, Result
from bench.workloads import Contention, purchases

__all__ = ["measure_storm"]

MOST_SECONDS: Final = 2.0  # the engineering specification
TOO_LATE: Final = frozenset({"SEAT_UNAVAILABLE", "SEAT_ALREADY_SOLD"})


@dataclass(slots=True)
class _Storm:
    """How long answers took, in seconds, and what the database says was sold."""

    seconds: float = 0.0
    won: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    paid: list[float] = field(default_factory=list)
    sold: int = 0


def measure_storm(environment: Environment) -> Outcome:
    """Let all buyers click at once, each on one seat that others want as well; who gets it pays.

    Raises:
        BenchFailedError: an answer that is neither a hold nor a refusal because the seat is taken.
    """
    sizes = environment.sizes
    halls = [environment.hall(sizes.storm_seats) for _ in range(sizes.storms)]
    wanted = [_one_seat_each(hall, environment.fans(sizes.storm_buyers)) for hall in halls]
    environment.start_meter()
    storms = [uvloop.run(_rage(environment.urls.gateway, wishes)) for wishes in wanted]
    cpu = environment.meter.stop()
    for storm, hall in zip(storms, halls, strict=True):
        storm.sold = uvloop.run(_count_sold(environment.urls.databases["inventory"], hall))
    contention = Contention(buyers=sizes.storm_buyers, seats=sizes.storm_seats)
    alone = environment.alone(purchases(sizes.pgbench, hall_size=sizes.storm_seats, contention=contention))
    return Outcome(
        benchmark="hold storm",
        figures=_figures(environment, storms, alone_rate=alone.attempts / alone.seconds),
        costs={"a buyer, served or refused": Cost.of(cpu, per=sizes.storms * sizes.storm_buyers)},
        details={"buyers": sizes.storm_buyers, "seats": sizes.storm_seats, "storms": sizes.storms},
    )


def _one_seat_each(hall: Hall, fans: list[Fan]) -> list[Wish]:
    """Spread the fans over the seats, as many to each, in no order but the same one each time."""
    wanted = [Wish(fan, hall.event_id, hall.seat_ids[i % len(hall.seat_ids)]) for i, fan in enumerate(fans)]
    random.Random(len(fans)).shuffle(wanted)
    return wanted


async def _rage(url: str, wanted: list[Wish]) -> _Storm:
    storm = _Storm()
    async with connected(url, len(wanted)) as connections:
        began = time.perf_counter()
        await asyncio.gather(*(_try(*pair, storm) for pair in zip(connections, wanted, strict=True)))
        storm.seconds = time.perf_counter() - began
    return storm


async def _try(connection: Connection, wish: Wish, storm: _Storm) -> None:
    began = time.perf_counter()
    answer = await reserve(connection, wish)
    took = time.perf_counter() - began
    if _is_too_late(answer):
        storm.lost.append(took)
        return
    storm.won.append(took)
    began = time.perf_counter()
    receipt = await pay(connection, wish.fan, answer.data["order_id"])
    storm.paid.append(time.perf_counter() - began)
    if receipt.status != HTTPStatus.OK:
        raise BenchFailedError(f"who held a seat could not pay: {receipt.status} {receipt.content.decode()}")


def _is_too_late(answer: Answer) -> bool:
    if answer.status == HTTPStatus.OK:
        return False
    if answer.status != HTTPStatus.CONFLICT or answer.error_code not in TOO_LATE:
        raise BenchFailedError(f"a buyer was answered with {answer.status}: {answer.content.decode()}")
    return True


async def _count_sold(database_url: str, hall: Hall) -> int:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        statement = "SELECT count(*) FROM seats WHERE event_id = $1 AND status = 'SOLD'"
        return int(await connection.fetchval(statement, hall.event_id))
    finally:
        await connection.close()


def _figures(environment: Environment, storms: list[_Storm], *, alone_rate: float) -> list[Result]:
    seats, buyers = environment.sizes.storm_seats, environment.sizes.storm_buyers
    answers = [seconds for storm in storms for seconds in (*storm.won, *storm.lost, *storm.paid)]
    reserves = Latency.of([seconds for storm in storms for seconds in (*storm.won, *storm.lost)])
    slowest = max(answers)
    # Of several storms the one that is furthest off.
    sold = max((storm.sold for storm in storms), key=lambda number: abs(number - seats))
    rate = len(storms) * buyers / sum(storm.seconds for storm in storms)
    return [
        Result(
            name=f"seats sold of {seats}", value=float(sold), unit="", target=f"exactly {seats}", is_met=sold == seats
        ),
        Result(
            name="slowest answer",
            value=1000 * slowest,
            unit="ms",
            target=f"under {1000 * MOST_SECONDS:.0f} ms",
            is_met=slowest < MOST_SECONDS,
        ),
        Result(name="reserve p50", value=reserves.p50, unit="ms"),
        Result(name="reserve p95", value=reserves.p95, unit="ms"),
        Result(name="buyers served", value=rate, unit="/s", pgbench=alone_rate),
    ]
