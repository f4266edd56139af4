"""Hall size: a purchase costs the same in a small hall and in a stadium."""

from typing import Final

from bench.environment import Environment
from bench.purchases import Sales, SeatRequest, seat_requests
from bench.results import Outcome, Result
from bench.workloads import purchases

__all__ = ["measure_halls"]

MAX_DIFFERENCE: Final = 0.10  # the engineering specification


def measure_halls(environment: Environment) -> Outcome:
    """Measure the hall sizes alternately, one batch of purchases each.

    A batch sells out a small hall, so each batch has a new one; a large hall serves several batches.

    Raises:
        BenchFailedError: a request was refused.
    """
    sizes = environment.sizes
    batches = {size: _batches(environment, size) for size in sizes.hall_sizes}
    sales = {size: Sales() for size in sizes.hall_sizes}
    for round_ in range(sizes.rounds):
        for size in sizes.hall_sizes:
            sales[size].add(environment.buy(batches[size][round_]))
    pgbench = {size: environment.run_pgbench(purchases(sizes.pgbench, hall_size=size)) for size in sizes.hall_sizes}
    rates = {size: sales[size].purchases / sales[size].seconds for size in sizes.hall_sizes}
    results = [
        Result(
            name=f"purchases, {size:,} seats",
            value=rate,
            unit="/s",
            pgbench=pgbench[size].done / pgbench[size].seconds,
        )
        for size, rate in rates.items()
    ]
    return Outcome(benchmark="hall size", results=[*results, _difference(rates)])


def _batches(environment: Environment, size: int) -> list[list[SeatRequest]]:
    """Return the requests of each round, in halls of one size."""
    sizes = environment.sizes
    batches_per_hall = size // sizes.batch
    batches: list[list[SeatRequest]] = []
    while len(batches) < sizes.rounds:
        hall = environment.hall(size)
        batches += [
            seat_requests(hall, environment.fans(sizes.batch), first_seat=i * sizes.batch)
            for i in range(min(batches_per_hall, sizes.rounds - len(batches)))
        ]
    return batches


def _difference(rates: dict[int, float]) -> Result:
    smallest, largest = rates[min(rates)], rates[max(rates)]
    difference = abs(largest / smallest - 1)
    return Result(
        name="largest hall compared with smallest",
        value=100 * (largest / smallest - 1),
        unit="%",
        target=f"within {MAX_DIFFERENCE:.0%}",
        is_met=difference <= MAX_DIFFERENCE,
    )
