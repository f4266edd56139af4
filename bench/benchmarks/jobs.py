"""Background jobs: workers drain a full queue; the broker alone is measured for comparison."""

from bench.environment import Environment
from bench.job_queue.benchmark import measure_drain
from bench.results import Outcome


def measure_jobs(environment: Environment) -> Outcome:
    """Measure on separate servers: the idle platform would consume the jobs.

    Raises:
        BenchFailedError: a job was attempted more than once or not completed.
    """
    return measure_drain(environment.sizes.jobs)
