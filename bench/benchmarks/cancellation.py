"""A sold-out event called off: every order is refunded by a saga of its own."""

from bench.environment import Environment
from bench.errors import BenchFailedError
from bench.results import Cost, Outcome, Result

__all__ = ["measure_cancellation"]


def measure_cancellation(environment: Environment) -> Outcome:
    """Call an event off for which everybody has a ticket. Letters to all of them are written meanwhile, and after.

    Raises:
        BenchFailedError: an order was left.
    """
    orders = environment.sizes.cancelled_orders
    tickets = environment.tickets(orders)
    environment.start_meter()
    cancellation = environment.call_off(tickets[0].event_id)
    cost = Cost.of(environment.meter.stop(), per=orders)
    if cancellation.orders != orders:
        raise BenchFailedError(f"{cancellation.orders} of {orders} orders were refunded.")
    return Outcome(
        benchmark="cancellation",
        figures=[
            Result(name="refunds", value=cancellation.orders / cancellation.seconds, unit="/s"),
            Result(name="the whole cancellation", value=cancellation.seconds, unit="s"),
            Result(name="CPU of a refund", value=cost.total, unit="ms"),
        ],
        costs={"a refund": cost},
        details={"orders": orders},
    )
