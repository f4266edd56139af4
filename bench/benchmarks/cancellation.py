"""A sold-out event called off: every order is refunded by a saga of its own."""

from bench.errors import BenchFailedError
from bench.figures import Cost, Figure, Outcome
from bench.ground import Ground

__all__ = ["measure_cancellation"]


def measure_cancellation(ground: Ground) -> Outcome:
    """Call an event off for which everybody has a ticket. Letters to all of them are written meanwhile, and after.

    Raises:
        BenchFailedError: an order was left.
    """
    orders = ground.sizes.cancelled_orders
    tickets = ground.tickets(orders)
    ground.start_meter()
    cancellation = ground.call_off(tickets[0].event_id)
    cost = Cost.of(ground.meter.stop(), per=orders)
    if cancellation.orders != orders:
        raise BenchFailedError(f"{cancellation.orders} of {orders} orders were refunded.")
    return Outcome(
        benchmark="cancellation",
        figures=[
            Figure(name="refunds", value=cancellation.orders / cancellation.seconds, unit="/s"),
            Figure(name="the whole cancellation", value=cancellation.seconds, unit="s"),
            Figure(name="CPU of a refund", value=cost.total, unit="ms"),
        ],
        costs={"a refund": cost},
        details={"orders": orders},
    )
