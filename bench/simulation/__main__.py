"""`python -m bench.simulation`: 500,000 fans want 50,000 seats; scenarios vary cores and the waiting room."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.simulation.measured import PAY_COST_SECONDS, REFUSAL_COST_SECONDS, RESERVE_COST_SECONDS
from bench.simulation.model import OnSale, SimulationResult, simulate

BIG: Final = OnSale(
    fans=500_000,
    seats=50_000,
    cores=64,
    reserve_cost_seconds=RESERVE_COST_SECONDS,
    pay_cost_seconds=PAY_COST_SECONDS,
    refusal_cost_seconds=REFUSAL_COST_SECONDS,
)
# A utilisation of 70 % leaves capacity for bursts.
UTILISATION: Final = 0.7


def scenarios() -> dict[str, OnSale]:
    rate = UTILISATION / (RESERVE_COST_SECONDS + PAY_COST_SECONDS)
    with_waiting_room = {
        f"{cores} cores, {rate * cores:.0f}/s admitted": replace(BIG, cores=cores, admitted_per_second=rate * cores)
        for cores in (8, 16, 64)
    }
    overloaded = replace(BIG, cores=16, admitted_per_second=4 * rate * 16)
    return {
        **with_waiting_room,
        f"16 cores, {4 * rate * 16:.0f}/s admitted: too many": overloaded,
        "64 cores, all admitted": replace(BIG, cores=64),
        "64 cores, all admitted, retries after 10 s": replace(BIG, cores=64, retry_after_seconds=10.0),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=__doc__)
    parser.add_argument(
        "--fans",
        type=int,
        default=BIG.fans,
        help="number of fans; the number of seats is proportional (default: %(default)s)",
    )
    fans = parser.parse_args(arguments).fans
    table = Table(
        "scenario", "p50", "p95", "longest", "95 % sold after", "longest queue", "longest wait in it", "retries"
    )
    began_at = time.monotonic()
    for name, plan in scenarios().items():
        sized = replace(plan, fans=fans, seats=BIG.seats * fans // BIG.fans)
        table.add_row(name, *_cells(simulate(sized)))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"Simulated in {time.monotonic() - began_at:.0f} s.")
    return 0


def _cells(result: SimulationResult) -> list[str]:
    almost_sold_out = result.almost_sold_out_at
    return [
        *(_seconds(result.percentile(share)) for share in (0.5, 0.95, 1.0)),
        "never" if almost_sold_out is None else f"{almost_sold_out / 60:.1f} min",
        f"{result.longest_queue:,}",
        f"{result.longest_wait_seconds / 60:.1f} min",
        f"{result.retries:,}",
    ]


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
