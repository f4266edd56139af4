"""What a run came to: figures with their targets, for the table and for the file."""

from dataclasses import dataclass, field
from typing import Any, Final

from bench.cpu import CpuUse

__all__ = ["Cost", "Outcome", "Result"]

MILLISECONDS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table. `pgbench` is the same measured of pgbench in the same run, in the same unit."""

    name: str
    value: float
    unit: str
    pgbench: float | None = None
    target: str = ""
    is_met: bool | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.pgbench if self.pgbench else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU milliseconds that one purchase, or one buyer, took, by process."""

    by_process: dict[str, float]
    others_share: float
    """Of the machine: what processes outside the bench used meanwhile. Figures are good when it is about 0."""

    @classmethod
    def of(cls, cpu: CpuUse, *, per: int) -> "Cost":
        costs = {name: MILLISECONDS * seconds / per for name, seconds in cpu.by_process.items()}
        return cls(by_process=dict(sorted(costs.items(), key=lambda cost: -cost[1])), others_share=cpu.others_share)

    @property
    def total(self) -> float:
        return sum(self.by_process.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A benchmark's figures, and what its purchases cost, the platform's and pgbench's."""

    benchmark: str
    figures: list[Result]
    costs: dict[str, Cost] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
