"""`python -m bench.onsale`: 500,000 fans want 50,000 seats, with so many cores and with or without a waiting room."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.onsale.measured import PAY_COST_SECONDS, REFUSAL_COST_SECONDS, RESERVE_COST_SECONDS
from bench.onsale.model import Course, OnSale, simulate

BIG: Final = OnSale(
    fans=500_000,
    seats=50_000,
    cores=64,
    reserve_cost_seconds=RESERVE_COST_SECONDS,
    pay_cost_seconds=PAY_COST_SECONDS,
    refusal_cost_seconds=REFUSAL_COST_SECONDS,
)
# Seven tenths busy leaves room for what comes in bunches.
BUSY_SHARE: Final = 0.7


def scenarios() -> dict[str, OnSale]:
    rate = BUSY_SHARE / (RESERVE_COST_SECONDS + PAY_COST_SECONDS)
    with_room = {
        f"{cores} cores, {rate * cores:.0f}/s let in": replace(BIG, cores=cores, admitted_per_second=rate * cores)
        for cores in (8, 16, 64)
    }
    greedy = replace(BIG, cores=16, admitted_per_second=4 * rate * 16)
    return {
        **with_room,
        f"16 cores, {4 * rate * 16:.0f}/s let in: too many": greedy,
        "64 cores, all let in": replace(BIG, cores=64),
        "64 cores, all let in, who ask again after 10 s": replace(BIG, cores=64, patience_seconds=10.0),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.onsale", description=__doc__)
    parser.add_argument("--fans", type=int, default=BIG.fans, help="how many; seats go along (default: %(default)s)")
    fans = parser.parse_args(arguments).fans
    table = Table(
        "scenario", "p50", "p95", "longest", "95 % sold after", "in the room", "longest wait there", "repeats"
    )
    began_at = time.monotonic()
    for name, plan in scenarios().items():
        sized = replace(plan, fans=fans, seats=BIG.seats * fans // BIG.fans)
        table.add_row(name, *_cells(simulate(sized)))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"Simulated in {time.monotonic() - began_at:.0f} s.")
    return 0


def _cells(course: Course) -> list[str]:
    nearly_sold_out = course.nearly_sold_out_at
    return [
        *(_seconds(course.percentile(share)) for share in (0.5, 0.95, 1.0)),
        "never" if nearly_sold_out is None else f"{nearly_sold_out / 60:.1f} min",
        f"{course.longest_room:,}",
        f"{course.longest_wait_seconds / 60:.1f} min",
        f"{course.repeats:,}",
    ]


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
