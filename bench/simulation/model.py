"""An on-sale as a queueing model: fans arrive, wait for admission, reserve, think, and pay.

The CPU time of a request in all processes and databases is one service time at one station, which has a server per core.
The model is deliberately coarse: the platform is CPU-bound (docs/performance.md) and scales by replicas, so cores are the
shared resource. It omits that the seats of one event are in one database, whose share of a purchase is a limit of its own
(docs/scaling.md).
"""

import itertools
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final

import simpy

__all__ = ["OnSale", "SimulationResult", "simulate"]

ALMOST_ALL: Final = 0.95
Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, kw_only=True)
class OnSale:
    """The parameters of an on-sale. Times are seconds; a cost is the total CPU time of a request.

    Attributes:
        burst_share: share of fans who are present when the sale opens; the others arrive evenly until `arrivals_seconds`.
        admitted_per_second: the rate of the waiting room; None without a waiting room.
        abandon_share: share of holders who never pay, so that the hold expires.
        retry_after_seconds: a fan without a response for this long sends the request again; 0 disables retries.
    """

    fans: int
    seats: int
    cores: int
    reserve_cost_seconds: float
    pay_cost_seconds: float
    refusal_cost_seconds: float
    burst_share: float = 0.4
    arrivals_seconds: float = 1_800.0
    admitted_per_second: float | None = None
    thinking_seconds: float = 45.0
    abandon_share: float = 0.1
    hold_seconds: float = 300.0
    retry_after_seconds: float = 0.0
    max_retries: int = 3
    seed: int = 1


@dataclass(kw_only=True)
class SimulationResult:
    """The outcome. `answers` are the latencies of all reserve and pay requests, in seconds.

    `almost_sold_out_at` is when 95 % were sold: the last seats are released one by one, when holds expire.
    """

    answers: list[float] = field(default_factory=list)
    retries: int = 0
    sold: int = 0
    refused: int = 0
    longest_queue: int = 0
    longest_wait_seconds: float = 0.0
    almost_sold_out_at: float | None = None

    def percentile(self, share: float) -> float:
        ordered = sorted(self.answers)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class _Sale:
    def __init__(self, plan: OnSale) -> None:
        self.plan = plan
        self.world = simpy.Environment()
        self.chance = random.Random(plan.seed)
        self.cores = simpy.Resource(self.world, capacity=plan.cores)
        self.free = plan.seats
        self.result = SimulationResult()
        self.waiting_room: list[float] = []
        """The arrival times of all fans; the first one that still waits has the index `admitted`."""
        self.admitted = 0

    def run(self) -> SimulationResult:
        self.world.process(self._arrivals())
        if self.plan.admitted_per_second is not None:
            self.world.process(self._admit_fans(self.plan.admitted_per_second))
        self.world.run()
        return self.result

    def _arrivals(self) -> Process:
        early = int(self.plan.fans * self.plan.burst_share)
        for _ in range(early):
            self._arrive()
        rate = (self.plan.fans - early) / self.plan.arrivals_seconds
        for _ in range(self.plan.fans - early):
            yield self.world.timeout(self.chance.expovariate(rate))
            self._arrive()

    def _arrive(self) -> None:
        if self.plan.admitted_per_second is None:
            self.world.process(self._fan())
        else:
            self.waiting_room.append(self.world.now)
            self.result.longest_queue = max(self.result.longest_queue, len(self.waiting_room) - self.admitted)

    def _admit_fans(self, rate: float) -> Process:
        """Admit fans one by one until all seats are sold or no fan is left."""
        for _ in itertools.count():
            if self.result.sold >= self.plan.seats or self.admitted >= self.plan.fans:
                return
            if self.admitted < len(self.waiting_room):
                waited = self.world.now - self.waiting_room[self.admitted]
                self.result.longest_wait_seconds = max(self.result.longest_wait_seconds, waited)
                self.admitted += 1
                self.world.process(self._fan())
            yield self.world.timeout(1 / rate)

    def _fan(self) -> Process:
        has_seat = self.free > 0
        self.free -= has_seat
        yield from self._send(self.plan.reserve_cost_seconds if has_seat else self.plan.refusal_cost_seconds)
        if not has_seat:
            self.result.refused += 1
            return
        if self.chance.random() < self.plan.abandon_share:
            yield self.world.timeout(self.plan.hold_seconds)
            self.free += 1
            return
        yield self.world.timeout(self.chance.expovariate(1 / self.plan.thinking_seconds))
        yield from self._send(self.plan.pay_cost_seconds)
        self.result.sold += 1
        if self.result.almost_sold_out_at is None and self.result.sold >= ALMOST_ALL * self.plan.seats:
            self.result.almost_sold_out_at = self.world.now

    def _send(self, cost: float) -> Process:
        began_at = self.world.now
        yield from self._send_with_retries(cost) if self.plan.retry_after_seconds else self._work(cost)
        self.result.answers.append(self.world.now - began_at)

    def _send_with_retries(self, cost: float) -> Process:
        """Send a request, and again if the response takes too long; the platform processes every copy."""
        answer = self.world.process(self._work(cost))
        for _ in range(self.plan.max_retries):
            yield answer | self.world.timeout(self.plan.retry_after_seconds)
            if answer.processed:
                return
            self.result.retries += 1
            self.world.process(self._work(cost))
        yield answer

    def _work(self, cost: float) -> Process:
        with self.cores.request() as core:
            yield core
            yield self.world.timeout(self.chance.expovariate(1 / cost))


def simulate(plan: OnSale) -> SimulationResult:
    """Return the result of an on-sale. The same plan gives the same result."""
    return _Sale(plan).run()
