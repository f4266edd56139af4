"""An on-sale rush: everybody reserves a seat and pays for it, through the gateway."""

from typing import Final

from bench.buying import Sales, wishes
from bench.figures import Cost, Figure, Outcome
from bench.ground import Ground
from bench.latency import Latency
from bench.pgbench import PgbenchRun
from bench.workloads import purchases

__all__ = ["measure_rush"]

# The targets of the engineering specification.
LEAST_SHARE_OF_PGBENCH: Final = 0.10
LEAST_PURCHASES_PER_SECOND: Final = 247.0
"""Ten times the 24.7/s of the system this one replaces."""
MOST_RESERVE_P95_MILLISECONDS: Final = 50.0


def measure_rush(ground: Ground) -> Outcome:
    """Buy out a hall between two runs of pgbench, so that whatever drifts meets both alike.

    Raises:
        BenchFailedError: somebody was refused.
    """
    sizes = ground.sizes
    wanted = wishes(ground.hall(sizes.rush), ground.fans(sizes.rush))
    before = ground.alone(purchases(sizes.pgbench, hall_size=sizes.rush))
    ground.start_meter()
    sales = ground.buy(wanted)
    cpu = ground.meter.stop()
    after = ground.alone(purchases(sizes.pgbench, hall_size=sizes.rush))
    cost, cost_alone = Cost.of(cpu, per=sales.purchases), Cost.of(after.cpu, per=after.done)
    used = Figure(name="CPU of a purchase", value=cost.total, unit="ms", pgbench=cost_alone.total)
    return Outcome(
        benchmark="on-sale rush",
        figures=[*_figures(sales, (before, after)), used],
        costs={"a purchase on the platform": cost, "a purchase by pgbench": cost_alone},
        details={"clients": sizes.clients, "purchases": sales.purchases, "seats_per_purchase": 1},
    )


def _figures(sales: Sales, alone: tuple[PgbenchRun, ...]) -> list[Figure]:
    rate = sales.purchases / sales.seconds
    pgbench = sum(run.done for run in alone) / sum(run.seconds for run in alone)
    reserve, pay = Latency.of(sales.reserve_seconds), Latency.of(sales.pay_seconds)
    return [
        Figure(
            name="purchases",
            value=rate,
            unit="/s",
            pgbench=pgbench,
            target=f"{LEAST_SHARE_OF_PGBENCH:.0%} of pgbench",
            is_met=rate >= LEAST_SHARE_OF_PGBENCH * pgbench,
        ),
        Figure(
            name="purchases",
            value=rate,
            unit="/s",
            target=f"{LEAST_PURCHASES_PER_SECOND:.0f}/s",
            is_met=rate >= LEAST_PURCHASES_PER_SECOND,
        ),
        Figure(name="reserve p50", value=reserve.p50, unit="ms"),
        Figure(
            name="reserve p95",
            value=reserve.p95,
            unit="ms",
            target=f"under {MOST_RESERVE_P95_MILLISECONDS:.0f} ms",
            is_met=reserve.p95 < MOST_RESERVE_P95_MILLISECONDS,
        ),
        Figure(name="reserve p99", value=reserve.p99, unit="ms"),
        Figure(name="pay p50", value=pay.p50, unit="ms"),
        Figure(name="pay p95", value=pay.p95, unit="ms"),
        Figure(name="pay p99", value=pay.p99, unit="ms"),
    ]
