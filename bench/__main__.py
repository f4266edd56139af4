"""`python -m bench [rush] [steady] [storm] [halls] [scans] [transfers] [cancellation] [jobs] [--quick]`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console

from bench.benchmarks.cancellation import measure_cancellation
from bench.benchmarks.halls import measure_halls
from bench.benchmarks.jobs import measure_jobs
from bench.benchmarks.rush import measure_rush
from bench.benchmarks.scans import measure_scans
from bench.benchmarks.steady import measure_steady
from bench.benchmarks.storm import measure_storm
from bench.benchmarks.transfers import measure_transfers
from bench.environment import Environment
from bench.errors import BenchFailedError
from bench.platform import measured_platform
from bench.report import print_outcome, print_verdict, store
from bench.results import Outcome
from bench.sizes import FULL, QUICK
from devstack.errors import DevstackError
from devstack.home import default_home
from devstack.invariants import InvariantsBroken, require

BENCHMARKS: Final[dict[str, Callable[[Environment], Outcome]]] = {
    "rush": measure_rush,
    "steady": measure_steady,
    "storm": measure_storm,
    "halls": measure_halls,
    "scans": measure_scans,
    "transfers": measure_transfers,
    "cancellation": measure_cancellation,
    "jobs": measure_jobs,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure. The exit code is 1 when the platform failed, and when a full run missed a target."""
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
    console.print("The platform starts, and buys until it runs warm …")
    with measured_platform(default_home() / "bench") as stack:
        environment = Environment(stack, sizes)
        environment.prepare()
        for name in options.names or BENCHMARKS:
            outcomes.append(BENCHMARKS[name](environment))
            print_outcome(console, outcomes[-1])
        asyncio.run(require(stack.urls))
    console.print("The books of all services agree.")
    console.print(f"Stored in {store(outcomes, sizes)}")
    if options.quick:
        console.print("[yellow]A quick run shows that it works; its figures mean little.[/]")
    return print_verdict(console, outcomes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
