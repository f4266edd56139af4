"""Latency percentiles."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles and the slowest response, in milliseconds."""

    p50: float
    p95: float
    p99: float
    slowest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Summarise the measurements, in seconds; there must be at least one."""
        milliseconds = [1000 * second for second in seconds]
        several = milliseconds if len(milliseconds) > 1 else milliseconds * 2  # quantiles() needs two values
        cuts = statistics.quantiles(several, n=100, method="inclusive")  # never above the largest value
        return cls(p50=cuts[49], p95=cuts[94], p99=cuts[98], slowest=max(milliseconds))
