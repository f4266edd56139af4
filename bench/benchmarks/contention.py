"""Seat contention: far more buyers than seats, all at the same moment."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import uvloop

from bench.connection import Answer, Connection
from bench.environment import Environment
from bench.errors import BenchFailedError
from bench.halls import Hall
from bench.load_users import Fan
from bench.purchases import SeatRequest, connected, pay, reserve
from bench.results import Cost, Outcome, Result, latency_results
from bench.workloads import Contention, purchases
from devstack.database import connected as database_connection

__all__ = ["measure_contention"]

MAX_SECONDS: Final = 2.0  # the engineering specification
SEAT_TAKEN: Final = frozenset({"SEAT_UNAVAILABLE", "SEAT_ALREADY_SOLD"})


@dataclass(slots=True)
class _Run:
    """Latencies of the responses in seconds, and the number of sold seats in the database."""

    seconds: float = 0.0
    won: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    paid: list[float] = field(default_factory=list)
    sold: int = 0


def measure_contention(environment: Environment) -> Outcome:
    """Let all buyers reserve at once, each a seat that other buyers want too; the holder of a seat pays.

    Raises:
        BenchFailedError: a response is neither a hold nor a refusal because the seat is taken.
    """
    sizes = environment.sizes
    halls = [environment.hall(sizes.contended_seats) for _ in range(sizes.contention_runs)]
    requests = [_one_seat_each(hall, environment.fans(sizes.contending_buyers)) for hall in halls]
    environment.start_meter()
    runs = [uvloop.run(_buy_at_once(environment.urls.gateway, batch)) for batch in requests]
    cpu = environment.meter.stop()
    for run, hall in zip(runs, halls, strict=True):
        run.sold = uvloop.run(_count_sold(environment.urls.databases["inventory"], hall))
    contention = Contention(buyers=sizes.contending_buyers, seats=sizes.contended_seats)
    pgbench = environment.run_pgbench(purchases(sizes.pgbench, hall_size=sizes.contended_seats, contention=contention))
    return Outcome(
        benchmark="seat contention",
        results=_results(environment, runs, pgbench_rate=pgbench.attempts / pgbench.seconds),
        costs={"a buyer, successful or refused": Cost.of(cpu, per=sizes.contention_runs * sizes.contending_buyers)},
        details={"buyers": sizes.contending_buyers, "seats": sizes.contended_seats, "runs": sizes.contention_runs},
    )


def _one_seat_each(hall: Hall, fans: list[Fan]) -> list[SeatRequest]:
    """Spread the fans evenly over the seats, in a random order that is the same each time."""
    requests = [SeatRequest(fan, hall.event_id, hall.seat_ids[i % len(hall.seat_ids)]) for i, fan in enumerate(fans)]
    random.Random(len(fans)).shuffle(requests)
    return requests


async def _buy_at_once(url: str, requests: list[SeatRequest]) -> _Run:
    run = _Run()
    async with connected(url, len(requests)) as connections:
        began = time.perf_counter()
        await asyncio.gather(*(_try(*pair, run) for pair in zip(connections, requests, strict=True)))
        run.seconds = time.perf_counter() - began
    return run


async def _try(connection: Connection, request: SeatRequest, run: _Run) -> None:
    began = time.perf_counter()
    answer = await reserve(connection, request)
    took = time.perf_counter() - began
    if _is_seat_taken(answer):
        run.lost.append(took)
        return
    run.won.append(took)
    began = time.perf_counter()
    receipt = await pay(connection, request.fan, answer.data["order_id"])
    run.paid.append(time.perf_counter() - began)
    if receipt.status != HTTPStatus.OK:
        raise BenchFailedError(f"the holder of a seat could not pay: {receipt.status} {receipt.content.decode()}")


def _is_seat_taken(answer: Answer) -> bool:
    if answer.status == HTTPStatus.OK:
        return False
    if answer.status != HTTPStatus.CONFLICT or answer.error_code not in SEAT_TAKEN:
        raise BenchFailedError(f"a buyer got {answer.status}: {answer.content.decode()}")
    return True


async def _count_sold(database_url: str, hall: Hall) -> int:
    statement = "SELECT count(*) FROM seats WHERE event_id = $1 AND status = 'SOLD'"
    async with database_connection(database_url) as connection:
        return int(await connection.fetchval(statement, hall.event_id))


def _results(environment: Environment, runs: list[_Run], *, pgbench_rate: float) -> list[Result]:
    seats, buyers = environment.sizes.contended_seats, environment.sizes.contending_buyers
    answers = [seconds for run in runs for seconds in (*run.won, *run.lost, *run.paid)]
    slowest = max(answers)
    # The run that deviates most.
    sold = max((run.sold for run in runs), key=lambda number: abs(number - seats))
    rate = len(runs) * buyers / sum(run.seconds for run in runs)
    return [
        Result(
            name=f"seats sold of {seats}", value=float(sold), unit="", target=f"exactly {seats}", is_met=sold == seats
        ),
        Result(
            name="slowest response",
            value=1000 * slowest,
            unit="ms",
            target=f"under {1000 * MAX_SECONDS:.0f} ms",
            is_met=slowest < MAX_SECONDS,
        ),
        *latency_results("reserve", [seconds for run in runs for seconds in (*run.won, *run.lost)]),
        Result(name="buyers served", value=rate, unit="/s", pgbench=pgbench_rate),
    ]
