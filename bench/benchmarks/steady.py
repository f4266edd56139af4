"""A steady sale: fans arrive at a constant rate (an open loop), so latency excludes waiting for other clients."""

from bench.environment import Environment
from bench.purchases import Sales, seat_requests
from bench.results import Cost, Outcome, Result, latency_results


def measure_steady(environment: Environment) -> Outcome:
    """Measure a sale at each of `sizes.arrivals_per_second`.

    Raises:
        BenchFailedError: a request was refused.
    """
    results: list[Result] = []
    costs: dict[str, Cost] = {}
    for per_second in environment.sizes.arrivals_per_second:
        number = round(per_second * environment.sizes.steady_seconds)
        requests = seat_requests(environment.hall(number), environment.fans(number))
        environment.start_meter()
        sales = environment.buy_open_loop(requests, per_second=per_second)
        costs[f"a purchase at {per_second}/s"] = Cost.of(environment.meter.stop(), per=sales.purchases)
        results += _results(sales, name=f"at {per_second}/s")
    return Outcome(
        benchmark="steady sale",
        results=results,
        costs=costs,
        details={
            "arrivals_per_second": environment.sizes.arrivals_per_second,
            "seconds": environment.sizes.steady_seconds,
        },
    )


def _results(sales: Sales, *, name: str) -> list[Result]:
    return [
        Result(name=f"{name}: purchases", value=sales.purchases / sales.seconds, unit="/s"),
        *latency_results(f"{name}: reserve", sales.reserve_seconds),
        *latency_results(f"{name}: pay", sales.pay_seconds),
    ]
