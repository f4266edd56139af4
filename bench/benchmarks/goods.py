"""Digital goods, from the order to the stored code: throughput, cost, and the memory of the worker."""

from typing import Final

from bench.environment import Environment
from bench.results import Cost, Outcome, Result, latency_results

__all__ = ["measure_goods"]

MAX_GROWTH: Final = 1.1


def measure_goods(environment: Environment) -> Outcome:
    """Sell codes in batches; one batch before the measurement fills the worker's caches.

    Raises:
        BenchFailedError: an order was refused, or not fulfilled.
    """
    sizes = environment.sizes
    environment.sell_codes(environment.fans(sizes.goods_batch))
    fans = environment.fans(sizes.goods_orders)
    environment.start_meter()
    orders = environment.sell_codes(fans)
    cost = Cost.of(environment.meter.stop(), per=orders.orders)
    first, middle, last = orders.memory[0], orders.memory[len(orders.memory) // 2], orders.memory[-1]
    return Outcome(
        benchmark="goods",
        results=[
            Result(name="digital orders, until fulfilled", value=orders.orders / orders.seconds, unit="/s"),
            *latency_results("order", orders.order_seconds),
            Result(name="CPU per order", value=cost.total, unit="ms"),
            Result(name="memory of the worker at the start", value=first, unit="MiB"),
            Result(name="memory of the worker in the middle", value=middle, unit="MiB"),
            Result(
                name="memory of the worker at the end",
                value=last,
                unit="MiB",
                target=f"under {MAX_GROWTH:g} times at the start",
                is_met=last < MAX_GROWTH * first,
            ),
        ],
        costs={"a digital order": cost},
        details={
            "clients": sizes.clients,
            "orders": orders.orders,
            "batch": sizes.goods_batch,
            "memory": orders.memory,
        },
    )
