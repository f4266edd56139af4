"""The fault plan: a pure function of a seed, which decides the faults, their targets and their order."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

__all__ = [
    "ALL_FAULTS",
    "PROCESSES",
    "PROXIED",
    "SERVERS",
    "Fault",
    "Kind",
    "Round",
    "describe_plan",
    "describe_round",
    "long_plan",
    "seeded_random",
    "short_plan",
]

PROCESSES: Final = ("users", "orders", "events", "inventory", "orchestrator", "worker", "gateway")
SERVERS: Final = ("postgres", "rabbitmq")
PROXIED: Final = ("users", "orders", "events", "inventory", "orchestrator", "postgres", "rabbitmq")
"""The servers behind a proxy. Every client of such a server uses its proxy."""
PAIRS: Final = 12
PAIRS_OF_SHORT_RUN: Final = 2


class Kind(StrEnum):
    KILLED = "killed"
    FROZEN = "frozen"
    ENDED = "ended"
    """SIGTERM under load; the process restarts."""
    STOPPED = "stopped"
    CRASHED = "crashed"
    """PostgreSQL only: one of its backends is killed, so it drops all connections and recovers."""
    CUT = "cut"
    SLOW = "slow"
    NO_REPLIES = "without replies"


@dataclass(frozen=True, order=True)
class Fault:
    target: str
    kind: Kind

    @property
    def is_network_fault(self) -> bool:
        return self.kind in {Kind.CUT, Kind.SLOW, Kind.NO_REPLIES}

    def __str__(self) -> str:
        return f"{'connection to ' if self.is_network_fault else ''}{self.target} {self.kind}"


Round = tuple[Fault, ...]
"""Faults injected at the same time: one, or two with different targets."""

ALL_FAULTS: Final = (
    *(Fault(name, kind) for name in PROCESSES for kind in (Kind.KILLED, Kind.FROZEN, Kind.ENDED)),
    *(Fault("rabbitmq", kind) for kind in (Kind.KILLED, Kind.FROZEN, Kind.STOPPED)),
    *(Fault("postgres", kind) for kind in (Kind.KILLED, Kind.CRASHED, Kind.STOPPED)),
    *(Fault(name, kind) for name in PROXIED for kind in (Kind.CUT, Kind.SLOW, Kind.NO_REPLIES)),
)


def seeded_random(*seed: object) -> Random:
    return Random(str(seed))  # noqa: S311 - repeatable on purpose


def long_plan(seed: int) -> list[Round]:
    """Return every fault once, and random pairs between them."""
    order = seeded_random(seed, "long plan")
    rounds: list[Round] = [(fault,) for fault in ALL_FAULTS]
    rounds += [_pair(order) for _ in range(PAIRS)]
    order.shuffle(rounds)
    return rounds


def short_plan(seed: int) -> list[Round]:
    """Return one fault of each kind, an outage of either server, and random pairs."""
    order = seeded_random(seed, "short plan")
    outages = [
        [fault for fault in ALL_FAULTS if fault.target == name and not fault.is_network_fault] for name in SERVERS
    ]
    others = [fault for fault in ALL_FAULTS if fault not in itertools.chain(*outages)]
    kinds = sorted({fault.kind for fault in others})
    chosen = [order.choice(outage) for outage in outages]
    chosen += [order.choice([fault for fault in others if fault.kind == kind]) for kind in kinds]
    rounds = [*((fault,) for fault in chosen), *(_pair(order) for _ in range(PAIRS_OF_SHORT_RUN))]
    order.shuffle(rounds)
    return rounds


def describe_plan(rounds: Sequence[Round]) -> str:
    """Return the plan as text, one round a line."""
    return "\n".join(f"{number:>3}. {describe_round(faults)}" for number, faults in enumerate(rounds, start=1))


def describe_round(faults: Round) -> str:
    return " + ".join(map(str, faults))


def _pair(order: Random) -> Round:
    while True:
        one, other = order.sample(ALL_FAULTS, 2)
        if one.target != other.target:
            return one, other
