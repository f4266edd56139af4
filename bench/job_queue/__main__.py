"""`python -m bench.job_queue [--quick]`: the job benchmark without the platform that `python -m bench jobs` starts."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from bench.job_queue.benchmark import measure_drain
from bench.report import print_missed_targets, print_outcome, store
from bench.sizes import FULL, QUICK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code is 1 if memory grew or the number of kept jobs differs from the policy's."""
    parser = argparse.ArgumentParser(prog="python -m bench.job_queue", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few jobs, to check that it works")
    sizes = QUICK if parser.parse_args(arguments).quick else FULL
    console = Console(highlight=False)
    outcome = measure_drain(sizes.jobs)
    print_outcome(console, outcome)
    console.print(f"Stored in {store([outcome], sizes)}")
    return 0 if print_missed_targets(console, [outcome]) else 1


if __name__ == "__main__":
    sys.exit(main())
