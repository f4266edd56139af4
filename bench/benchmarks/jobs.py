"""Background jobs: workers drain a full queue, beside what the broker alone does."""

from bench.figures import Outcome
from bench.ground import Ground
from bench.jobs.measuring import measure_drain

__all__ = ["measure_jobs"]


def measure_jobs(ground: Ground) -> Outcome:
    """Measure on servers of its own: the platform, which idles meanwhile, would hear of every job.

    Raises:
        BenchFailedError: jobs were tried more often than once, or are left.
    """
    return measure_drain(ground.sizes.jobs)
