"""An on-sale: each fan reserves a seat and pays for it, through the gateway (a closed loop)."""

from typing import Final

from bench.environment import Environment
from bench.pgbench import PgbenchRun
from bench.purchases import Sales, seat_requests
from bench.results import Cost, Outcome, Result, latency_results
from bench.workloads import purchases

__all__ = ["measure_on_sale"]

# The targets of the engineering specification.
MIN_SHARE_OF_PGBENCH: Final = 0.10
MIN_PURCHASES_PER_SECOND: Final = 247.0
"""Ten times the 24.7/s of the replaced system."""
MAX_RESERVE_P95_MILLISECONDS: Final = 50.0


def measure_on_sale(environment: Environment) -> Outcome:
    """Sell out a hall between two runs of pgbench, so that drift of the machine affects both equally.

    Raises:
        BenchFailedError: a request was refused.
    """
    sizes = environment.sizes
    requests = seat_requests(environment.hall(sizes.on_sale), environment.fans(sizes.on_sale))
    before = environment.run_pgbench(purchases(sizes.pgbench, hall_size=sizes.on_sale))
    environment.start_meter()
    sales = environment.buy(requests)
    cpu = environment.meter.stop()
    after = environment.run_pgbench(purchases(sizes.pgbench, hall_size=sizes.on_sale))
    cost, pgbench_cost = Cost.of(cpu, per=sales.purchases), Cost.of(after.cpu, per=after.done)
    cpu_per_purchase = Result(name="CPU per purchase", value=cost.total, unit="ms", pgbench=pgbench_cost.total)
    return Outcome(
        benchmark="on-sale",
        results=[*_results(sales, (before, after)), cpu_per_purchase],
        costs={"a purchase on the platform": cost, "a purchase by pgbench": pgbench_cost},
        details={"clients": sizes.clients, "purchases": sales.purchases, "seats_per_purchase": 1},
    )


def _results(sales: Sales, pgbench_runs: tuple[PgbenchRun, ...]) -> list[Result]:
    rate = sales.purchases / sales.seconds
    pgbench = sum(run.done for run in pgbench_runs) / sum(run.seconds for run in pgbench_runs)
    return [
        Result(
            name="purchases",
            value=rate,
            unit="/s",
            pgbench=pgbench,
            target=f"{MIN_SHARE_OF_PGBENCH:.0%} of pgbench",
            is_met=rate >= MIN_SHARE_OF_PGBENCH * pgbench,
        ),
        Result(
            name="purchases",
            value=rate,
            unit="/s",
            target=f"{MIN_PURCHASES_PER_SECOND:.0f}/s",
            is_met=rate >= MIN_PURCHASES_PER_SECOND,
        ),
        *latency_results("reserve", sales.reserve_seconds, p95_below=MAX_RESERVE_P95_MILLISECONDS),
        *latency_results("pay", sales.pay_seconds),
    ]
