"""An on-sale as a queueing model: fans arrive, wait to be let in, reserve, think, and pay.

Everything that a request costs on any process or database of the platform is one service time on one station with as
many servers as there are cores. That is coarse on purpose: the platform is bound by CPU (docs/performance.md), its
processes grow by copies, and so the cores are what is shared. What it leaves out: a single event's seat rows live in one
database, whose share of a purchase is its own ceiling (docs/scaling.md).
"""

import itertools
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final

import simpy

__all__ = ["Course", "OnSale", "simulate"]

NEARLY: Final = 0.95
Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, kw_only=True)
class OnSale:
    """One on-sale. Times are seconds; a cost is CPU time on one core, everything included.

    Attributes:
        burst_share: of all fans, who are there when the sale opens; the others come evenly until `arrivals_seconds`.
        admitted_per_second: the waiting room's rate; None without a waiting room.
        gives_up_share: of those who hold a seat, who never pay: the hold runs out.
        patience_seconds: who waits longer for an answer sends the request again, as impatient people do; 0: nobody does.
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
    gives_up_share: float = 0.1
    hold_seconds: float = 300.0
    patience_seconds: float = 0.0
    most_repeats: int = 3
    seed: int = 1


@dataclass(kw_only=True)
class Course:
    """How it went. `answers` are the seconds from a request to its answer, reserving and paying alike.

    `nearly_sold_out_at` is when 95 % were sold: the last seats come back one by one, from those who give up.
    """

    answers: list[float] = field(default_factory=list)
    repeats: int = 0
    sold: int = 0
    refused: int = 0
    longest_room: int = 0
    longest_wait_seconds: float = 0.0
    nearly_sold_out_at: float | None = None

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
        self.course = Course()
        self.room: list[float] = []
        """When those came who wait to be let in; the first is at `let_in`."""
        self.let_in = 0

    def run(self) -> Course:
        self.world.process(self._arrivals())
        if self.plan.admitted_per_second is not None:
            self.world.process(self._doorkeeper(self.plan.admitted_per_second))
        self.world.run()
        return self.course

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
            self.room.append(self.world.now)
            self.course.longest_room = max(self.course.longest_room, len(self.room) - self.let_in)

    def _doorkeeper(self, rate: float) -> Process:
        """Let them in one after the other; when all is sold and nobody can give a seat back, send the rest home."""
        for _ in itertools.count():
            if self.course.sold >= self.plan.seats or self.let_in >= self.plan.fans:
                return
            if self.let_in < len(self.room):
                waited = self.world.now - self.room[self.let_in]
                self.course.longest_wait_seconds = max(self.course.longest_wait_seconds, waited)
                self.let_in += 1
                self.world.process(self._fan())
            yield self.world.timeout(1 / rate)

    def _fan(self) -> Process:
        has_seat = self.free > 0
        self.free -= has_seat
        yield from self._ask(self.plan.reserve_cost_seconds if has_seat else self.plan.refusal_cost_seconds)
        if not has_seat:
            self.course.refused += 1
            return
        if self.chance.random() < self.plan.gives_up_share:
            yield self.world.timeout(self.plan.hold_seconds)
            self.free += 1
            return
        yield self.world.timeout(self.chance.expovariate(1 / self.plan.thinking_seconds))
        yield from self._ask(self.plan.pay_cost_seconds)
        self.course.sold += 1
        if self.course.nearly_sold_out_at is None and self.course.sold >= NEARLY * self.plan.seats:
            self.course.nearly_sold_out_at = self.world.now

    def _ask(self, cost: float) -> Process:
        began_at = self.world.now
        yield from self._ask_again_and_again(cost) if self.plan.patience_seconds else self._work(cost)
        self.course.answers.append(self.world.now - began_at)

    def _ask_again_and_again(self, cost: float) -> Process:
        """Send a request, and again when its answer takes too long; the work of each is done all the same."""
        answer = self.world.process(self._work(cost))
        for _ in range(self.plan.most_repeats):
            yield answer | self.world.timeout(self.plan.patience_seconds)
            if answer.processed:
                return
            self.course.repeats += 1
            self.world.process(self._work(cost))
        yield answer

    def _work(self, cost: float) -> Process:
        with self.cores.request() as turn:
            yield turn
            yield self.world.timeout(self.chance.expovariate(1 / cost))


def simulate(plan: OnSale) -> Course:
    """Let one on-sale happen. The same plan takes the same course."""
    return _Sale(plan).run()
