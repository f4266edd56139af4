"""Background jobs: workers drain a full queue, beside what the broker alone does."""

from bench.environment import Environment
from bench.jobs.measuring import measure_drain
from bench.results import Outcome

__all__ = ["measure_jobs"]


def measure_jobs(environment: Environment) -> Outcome:
    """Measure on servers of its own: the platform, which idles meanwhile, would hear of every job.

    Raises:
        BenchFailedError: jobs were tried more often than once, or are left.
    """
    return measure_drain(environment.sizes.jobs)
