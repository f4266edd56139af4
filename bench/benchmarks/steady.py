"""A steady sale: fans come at a rate, and what they wait for is the platform and not each other's turn."""

from bench.environment import Environment
from bench.latency import Latency
from bench.purchases import Sales, wishes
from bench.results import Cost, Outcome, Result

__all__ = ["measure_steady"]


def measure_steady(environment: Environment) -> Outcome:
    """Sell at each of `sizes.arrivals_per_second`.

    Raises:
        BenchFailedError: somebody was refused.
    """
    figures: list[Result] = []
    costs: dict[str, Cost] = {}
    for per_second in environment.sizes.arrivals_per_second:
        number = round(per_second * environment.sizes.steady_seconds)
        wanted = wishes(environment.hall(number), environment.fans(number))
        environment.start_meter()
        sales = environment.buy_as_they_come(wanted, per_second=per_second)
        costs[f"a purchase at {per_second}/s"] = Cost.of(environment.meter.stop(), per=sales.purchases)
        figures += _figures(sales, name=f"at {per_second}/s")
    return Outcome(
        benchmark="steady sale",
        figures=figures,
        costs=costs,
        details={
            "arrivals_per_second": environment.sizes.arrivals_per_second,
            "seconds": environment.sizes.steady_seconds,
        },
    )


def _figures(sales: Sales, *, name: str) -> list[Result]:
    reserve, pay = Latency.of(sales.reserve_seconds), Latency.of(sales.pay_seconds)
    return [
        Result(name=f"{name}: purchases", value=sales.purchases / sales.seconds, unit="/s"),
        *(
            Result(name=f"{name}: {request} {part}", value=getattr(latency, part), unit="ms")
            for request, latency in (("reserve", reserve), ("pay", pay))
            for part in ("p50", "p95", "p99")
        ),
    ]
