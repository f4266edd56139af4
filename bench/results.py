"""The results of a run with their targets, for the table and the file."""

from dataclasses import dataclass, field
from typing import Any, Final

from bench.cpu import CpuUse

__all__ = ["Cost", "Outcome", "Result"]

MILLISECONDS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row of the table; `pgbench` is pgbench's value in the same run and unit."""

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
    """CPU milliseconds per operation, such as a purchase or a scan, by process."""

    by_process: dict[str, float]
    others_share: float
    """The share of the machine that processes outside the benchmark used; it should be about 0."""

    @classmethod
    def of(cls, cpu: CpuUse, *, per: int) -> "Cost":
        costs = {name: MILLISECONDS * seconds / per for name, seconds in cpu.by_process.items()}
        return cls(by_process=dict(sorted(costs.items(), key=lambda cost: -cost[1])), others_share=cpu.others_share)

    @property
    def total(self) -> float:
        return sum(self.by_process.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The results of a benchmark, and CPU costs of the platform and of pgbench."""

    benchmark: str
    results: list[Result]
    costs: dict[str, Cost] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
