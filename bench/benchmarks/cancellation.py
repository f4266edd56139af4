"""A sold-out event is cancelled: a saga refunds each order."""

from bench.environment import Environment
from bench.errors import BenchFailedError
from bench.results import Cost, Outcome, Result


def measure_cancellation(environment: Environment) -> Outcome:
    """Cancel a sold-out event and measure the refunds. Emails to all fans are written during the run and after it.

    Raises:
        BenchFailedError: an order was not refunded.
    """
    orders = environment.sizes.cancelled_orders
    tickets = environment.tickets(orders)
    environment.start_meter()
    cancellation = environment.cancel_event(tickets[0].event_id)
    cost = Cost.of(environment.meter.stop(), per=orders)
    if cancellation.orders != orders:
        raise BenchFailedError(f"{cancellation.orders} of {orders} orders were refunded.")
    return Outcome(
        benchmark="cancellation",
        results=[
            Result(name="refunds", value=cancellation.orders / cancellation.seconds, unit="/s"),
            Result(name="whole cancellation", value=cancellation.seconds, unit="s"),
            Result(name="CPU per refund", value=cost.total, unit="ms"),
        ],
        costs={"a refund": cost},
        details={"orders": orders},
    )
