"""Long lists: admins read them as fast as short ones."""

from typing import Final

from bench.environment import Environment
from bench.latency import Latency
from bench.long_lists import LISTS, LongList, measure_list
from bench.results import Outcome, Result

__all__ = ["measure_lists"]

MAX_MILLISECONDS: Final = 100.0


def measure_lists(environment: Environment) -> Outcome:
    """Measure every list with `sizes.list_rows` rows, with each filter, on its first, deepest and last pages."""
    rows = environment.sizes.list_rows
    return Outcome(benchmark=f"lists of {rows:,} rows", results=[_result(environment, each, rows) for each in LISTS])


def _result(environment: Environment, long_list: LongList, rows: int) -> Result:
    latency = Latency.of(measure_list(environment.postgres_url, long_list, rows=rows))
    return Result(
        name=f"{long_list.name}: slowest page",
        value=latency.slowest,
        unit="ms",
        target=f"under {MAX_MILLISECONDS:.0f} ms",
        is_met=latency.slowest < MAX_MILLISECONDS,
    )
