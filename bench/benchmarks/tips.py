"""Tips that happen at once, beside purchases of as many seats, through the gateway."""

from bench.environment import Environment
from bench.purchases import seat_requests
from bench.results import Cost, Outcome, Result, latency_results


def measure_tips(environment: Environment) -> Outcome:
    """Sell as many seats and then tips, so that the two share the machine's state; each tip awards a point.

    Raises:
        BenchFailedError: a request was refused.
    """
    sizes = environment.sizes
    environment.tip(environment.tip_requests(sizes.clients, performers=1))
    seats = seat_requests(environment.hall(sizes.tips), environment.fans(sizes.tips))
    environment.start_meter()
    sales = environment.buy(seats)
    sale_cost = Cost.of(environment.meter.stop(), per=sales.purchases)
    requests = environment.tip_requests(sizes.tips, performers=sizes.tipped_performers)
    environment.start_meter()
    tips = environment.tip(requests)
    tip_cost = Cost.of(environment.meter.stop(), per=tips.tips)
    return Outcome(
        benchmark="tips",
        results=[
            Result(name="tips", value=tips.tips / tips.seconds, unit="/s"),
            Result(name="purchases of a seat, beside them", value=sales.purchases / sales.seconds, unit="/s"),
            *latency_results("tip", tips.tip_seconds),
            Result(name="CPU per tip", value=tip_cost.total, unit="ms"),
            Result(name="CPU per purchase of a seat", value=sale_cost.total, unit="ms"),
        ],
        costs={"a tip": tip_cost},
        details={"clients": sizes.clients, "tips": tips.tips, "performers": sizes.tipped_performers},
    )
