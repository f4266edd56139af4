"""Positions in a performer's queue: the last one of a long queue is read as fast as that of a short one."""

from typing import Final

from bench.environment import Environment
from bench.latency import Latency
from bench.queue_positions import read_last_position
from bench.results import Outcome, Result

__all__ = ["measure_positions"]

MOST_TIMES: Final = 2.0
"""A short queue has one block; in a long one up to 64 sums of blocks and 63 items are added up."""


def measure_positions(environment: Environment) -> Outcome:
    """Read the last position in queues of the two lengths `sizes.queued_items`."""
    sizes = environment.sizes
    environment.wait_until_idle()
    short, long = sizes.queued_items
    latencies = {
        items: Latency.of(read_last_position(environment.postgres_url, items=items, reads=sizes.position_reads))
        for items in (short, long)
    }
    times = latencies[long].p50 / latencies[short].p50
    return Outcome(
        benchmark="positions in a queue",
        results=[
            *(
                Result(name=f"last of {items:,} items: {name}", value=value, unit="ms")
                for items, latency in latencies.items()
                for name, value in (("p50", latency.p50), ("p95", latency.p95))
            ),
            Result(
                name=f"p50 of {long:,} items by that of {short:,}",
                value=times,
                unit="times",
                target=f"under {MOST_TIMES:.0f} times",
                is_met=times < MOST_TIMES,
            ),
        ],
        details={"reads": sizes.position_reads},
    )
