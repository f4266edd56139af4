"""The results of a run with their targets, for the table and the file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.cpu import CpuUse
from bench.latency import Latency

__all__ = ["Cost", "Outcome", "Result", "latency_results"]

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


def latency_results(
    name: str, seconds: Sequence[float], *, suffix: str = "", p95_below: float | None = None
) -> list[Result]:
    """Return the percentiles of an operation; `p95_below` is the target of the 95th, in milliseconds."""
    latency = Latency.of(seconds)
    target: dict[str, Any] = (
        {} if p95_below is None else {"target": f"under {p95_below:.0f} ms", "is_met": latency.p95 < p95_below}
    )
    return [
        Result(name=f"{name} p50{suffix}", value=latency.p50, unit="ms"),
        Result(name=f"{name} p95{suffix}", value=latency.p95, unit="ms", **target),
        Result(name=f"{name} p99{suffix}", value=latency.p99, unit="ms"),
    ]


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
