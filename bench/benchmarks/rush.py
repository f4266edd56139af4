"""An on-sale rush: everybody reserves a seat and pays for it, through the gateway."""

from typing import Final

from bench.environment import Environment
from bench.latency import Latency
from bench.pgbench import PgbenchRun
from bench.purchases import Sales, wishes
from bench.results import Cost, Outcome, Result
from bench.workloads import purchases

__all__ = ["measure_rush"]

# The targets of the engineering specification.
LEAST_SHARE_OF_PGBENCH: Final = 0.10
LEAST_PURCHASES_PER_SECOND: Final = 247.0
"""Ten times the 24.7/s of the system this one replaces."""
MOST_RESERVE_P95_MILLISECONDS: Final = 50.0


def measure_rush(environment: Environment) -> Outcome:
    """Buy out a hall between two runs of pgbench, so that whatever drifts meets both alike.

    Raises:
        BenchFailedError: somebody was refused.
    """
    sizes = environment.sizes
    wanted = wishes(environment.hall(sizes.rush), environment.fans(sizes.rush))
    before = environment.alone(purchases(sizes.pgbench, hall_size=sizes.rush))
    environment.start_meter()
    sales = environment.buy(wanted)
    cpu = environment.meter.stop()
    after = environment.alone(purchases(sizes.pgbench, hall_size=sizes.rush))
    cost, cost_alone = Cost.of(cpu, per=sales.purchases), Cost.of(after.cpu, per=after.done)
    used = Result(name="CPU of a purchase", value=cost.total, unit="ms", pgbench=cost_alone.total)
    return Outcome(
        benchmark="on-sale rush",
        figures=[*_figures(sales, (before, after)), used],
        costs={"a purchase on the platform": cost, "a purchase by pgbench": cost_alone},
        details={"clients": sizes.clients, "purchases": sales.purchases, "seats_per_purchase": 1},
    )


def _figures(sales: Sales, alone: tuple[PgbenchRun, ...]) -> list[Result]:
    rate = sales.purchases / sales.seconds
    pgbench = sum(run.done for run in alone) / sum(run.seconds for run in alone)
    reserve, pay = Latency.of(sales.reserve_seconds), Latency.of(sales.pay_seconds)
    return [
        Result(
            name="purchases",
            value=rate,
            unit="/s",
            pgbench=pgbench,
            target=f"{LEAST_SHARE_OF_PGBENCH:.0%} of pgbench",
            is_met=rate >= LEAST_SHARE_OF_PGBENCH * pgbench,
        ),
        Result(
            name="purchases",
            value=rate,
            unit="/s",
            target=f"{LEAST_PURCHASES_PER_SECOND:.0f}/s",
            is_met=rate >= LEAST_PURCHASES_PER_SECOND,
        ),
        Result(name="reserve p50", value=reserve.p50, unit="ms"),
        Result(
            name="reserve p95",
            value=reserve.p95,
            unit="ms",
            target=f"under {MOST_RESERVE_P95_MILLISECONDS:.0f} ms",
            is_met=reserve.p95 < MOST_RESERVE_P95_MILLISECONDS,
        ),
        Result(name="reserve p99", value=reserve.p99, unit="ms"),
        Result(name="pay p50", value=pay.p50, unit="ms"),
        Result(name="pay p95", value=pay.p95, unit="ms"),
        Result(name="pay p99", value=pay.p99, unit="ms"),
    ]
