"""`python -m bench.jobs [--quick]`: without the platform that `python -m bench jobs` starts for other benchmarks."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from bench.jobs.measuring import measure_drain
from bench.report import print_outcome, print_verdict, store
from bench.sizes import FULL, QUICK

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure. The exit code is 1 when memory grew, or more or less was kept than the policy says."""
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few jobs: to see that it runs")
    sizes = QUICK if parser.parse_args(arguments).quick else FULL
    console = Console(highlight=False)
    outcome = measure_drain(sizes.jobs)
    print_outcome(console, outcome)
    console.print(f"Stored in {store([outcome], sizes)}")
    return 0 if print_verdict(console, [outcome]) else 1


if __name__ == "__main__":
    sys.exit(main())
