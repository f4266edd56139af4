"""`python -m bench [NAME …] [--quick]`: run all benchmarks, or those of these names."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console

from bench.benchmarks.cancellation import measure_cancellation
from bench.benchmarks.contention import measure_contention
from bench.benchmarks.goods import measure_goods
from bench.benchmarks.halls import measure_halls
from bench.benchmarks.jobs import measure_jobs
from bench.benchmarks.lists import measure_lists
from bench.benchmarks.on_sale import measure_on_sale
from bench.benchmarks.payouts import measure_payouts
from bench.benchmarks.positions import measure_positions
from bench.benchmarks.scans import measure_scans
from bench.benchmarks.steady import measure_steady
from bench.benchmarks.tips import measure_tips
from bench.benchmarks.transfers import measure_transfers
from bench.environment import Environment
from bench.errors import BenchFailedError
from bench.platform import measured_platform
from bench.report import print_missed_targets, print_outcome, store
from bench.results import Outcome
from bench.sizes import FULL, QUICK
from devstack.errors import DevstackError
from devstack.home import default_home
from invariants import InvariantsBroken, require

BENCHMARKS: Final[dict[str, Callable[[Environment], Outcome]]] = {
    "on-sale": measure_on_sale,
    "steady": measure_steady,
    "contention": measure_contention,
    "halls": measure_halls,
    "scans": measure_scans,
    "transfers": measure_transfers,
    "tips": measure_tips,
    "positions": measure_positions,
    "payouts": measure_payouts,
    "goods": measure_goods,
    "cancellation": measure_cancellation,
    "jobs": measure_jobs,
    "lists": measure_lists,
}


OLD_NAMES: Final = {"rush": "on-sale", "storm": "contention"}  # accepted for one release


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; the exit code is 1 if the platform failed or a full run missed a target."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)
    try:
        all_met = _run(options, console)
    except (BenchFailedError, DevstackError, InvariantsBroken, ConnectionError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if all_met or options.quick else 1


def _run(options: argparse.Namespace, console: Console) -> bool:
    sizes = QUICK if options.quick else FULL
    outcomes: list[Outcome] = []
    console.print("Starting and warming up the platform …")
    with measured_platform(default_home() / "bench") as stack:
        environment = Environment(stack, sizes)
        environment.prepare()
        for name in options.names or BENCHMARKS:
            outcomes.append(BENCHMARKS[OLD_NAMES.get(name, name)](environment))
            print_outcome(console, outcomes[-1])
        asyncio.run(require(stack.urls))
    console.print("All invariants hold.")
    console.print(f"Stored in {store(outcomes, sizes)}")
    if options.quick:
        console.print("[yellow]A quick run only shows that the benchmarks work; its results are not meaningful.[/]")
    return print_missed_targets(console, outcomes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    choices = [*BENCHMARKS, *OLD_NAMES, []]
    parser.add_argument("names", nargs="*", choices=choices, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="small sizes, to check that it works")
    return parser


if __name__ == "__main__":
    sys.exit(main())
