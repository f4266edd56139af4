"""A steady sale: fans come at a rate, and what they wait for is the platform and not each other's turn."""

from bench.buying import Sales, wishes
from bench.figures import Cost, Figure, Outcome
from bench.ground import Ground
from bench.latency import Latency

__all__ = ["measure_steady"]


def measure_steady(ground: Ground) -> Outcome:
    """Sell at each of `sizes.arrivals_per_second`.

    Raises:
        BenchFailedError: somebody was refused.
    """
    figures: list[Figure] = []
    costs: dict[str, Cost] = {}
    for per_second in ground.sizes.arrivals_per_second:
        number = round(per_second * ground.sizes.steady_seconds)
        wanted = wishes(ground.hall(number), ground.fans(number))
        ground.start_meter()
        sales = ground.buy_as_they_come(wanted, per_second=per_second)
        costs[f"a purchase at {per_second}/s"] = Cost.of(ground.meter.stop(), per=sales.purchases)
        figures += _figures(sales, name=f"at {per_second}/s")
    return Outcome(
        benchmark="steady sale",
        figures=figures,
        costs=costs,
        details={"arrivals_per_second": ground.sizes.arrivals_per_second, "seconds": ground.sizes.steady_seconds},
    )


def _figures(sales: Sales, *, name: str) -> list[Figure]:
    reserve, pay = Latency.of(sales.reserve_seconds), Latency.of(sales.pay_seconds)
    return [
        Figure(name=f"{name}: purchases", value=sales.purchases / sales.seconds, unit="/s"),
        *(
            Figure(name=f"{name}: {request} {part}", value=getattr(latency, part), unit="ms")
            for request, latency in (("reserve", reserve), ("pay", pay))
            for part in ("p50", "p95", "p99")
        ),
    ]
