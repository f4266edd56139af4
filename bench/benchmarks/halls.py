"""The size of a hall: a purchase costs the same in a small one and in a stadium."""

from typing import Final

from bench.environment import Environment
from bench.purchases import Sales, Wish, wishes
from bench.results import Outcome, Result
from bench.workloads import purchases

__all__ = ["measure_halls"]

MOST_DIFFERENCE: Final = 0.10  # the engineering specification


def measure_halls(environment: Environment) -> Outcome:
    """Let the sizes take turns.

    A small hall is sold out after a turn, so each turn has a new one; a large hall is sold on.

    Raises:
        BenchFailedError: somebody was refused.
    """
    sizes = environment.sizes
    turns = {size: _turns(environment, size) for size in sizes.hall_sizes}
    sales = {size: Sales() for size in sizes.hall_sizes}
    for turn in range(sizes.rounds):
        for size in sizes.hall_sizes:
            sales[size].add(environment.buy(turns[size][turn]))
    alone = {size: environment.alone(purchases(sizes.pgbench, hall_size=size)) for size in sizes.hall_sizes}
    rates = {size: sales[size].purchases / sales[size].seconds for size in sizes.hall_sizes}
    figures = [
        Result(
            name=f"purchases, {size:,} seats",
            value=rate,
            unit="/s",
            pgbench=alone[size].done / alone[size].seconds,
        )
        for size, rate in rates.items()
    ]
    return Outcome(benchmark="hall size", figures=[*figures, _difference(rates)])


def _turns(environment: Environment, size: int) -> list[list[Wish]]:
    """Return what is bought in each turn in halls of one size."""
    sizes = environment.sizes
    turns_per_hall = size // sizes.turn
    turns: list[list[Wish]] = []
    while len(turns) < sizes.rounds:
        hall = environment.hall(size)
        turns += [
            wishes(hall, environment.fans(sizes.turn), first_seat=i * sizes.turn)
            for i in range(min(turns_per_hall, sizes.rounds - len(turns)))
        ]
    return turns


def _difference(rates: dict[int, float]) -> Result:
    smallest, largest = rates[min(rates)], rates[max(rates)]
    difference = abs(largest / smallest - 1)
    return Result(
        name="largest against smallest hall",
        value=100 * (largest / smallest - 1),
        unit="%",
        target=f"within {MOST_DIFFERENCE:.0%}",
        is_met=difference <= MOST_DIFFERENCE,
    )
