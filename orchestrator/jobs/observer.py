"""Who is told how jobs go: logs and metrics in production, a killer in the tests."""

import enum
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from prometheus_client import Counter, Gauge, Histogram

from common.telemetry.logs import get_logger
from common.telemetry.metrics import keep_old_name
from orchestrator.jobs.record import Attempt, JobError, JobStatus

__all__ = ["JobMoment", "JobObserver", "LoggingJobObserver", "show_counts", "show_dead", "show_oldest"]

logger = get_logger(__name__)

JOB_ATTEMPTS = Counter("job_attempts_total", "Tries of jobs that ended.", ["kind", "outcome"])
JOB_SECONDS = Histogram(
    "job_duration_seconds",
    "Time a try of a job took.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
keep_old_name(JOB_SECONDS, "job_seconds")
JOBS = Gauge("jobs", "Jobs that are stored; of finished ones only the last are kept.", ["kind", "status"])
JOBS_DEAD = Gauge("jobs_dead", "Failed jobs that nobody expected to, retried or acknowledged.", ["kind"])
JOBS_OLDEST_WAITING = Gauge("jobs_oldest_waiting_seconds", "How long the longest waiting job has been ready.", ["kind"])


class JobMoment(enum.StrEnum):
    """The points between which a worker may die."""

    BEFORE_CLAIM = "before claim"
    AFTER_CLAIM = "after claim"
    AFTER_EFFECT = "after effect"
    AFTER_WRITE = "after write"


class JobObserver(Protocol):
    async def reached(self, moment: JobMoment, kind: str) -> None: ...

    def ended(self, attempt: Attempt, outcome: str, error: JobError | None, *, seconds: float) -> None: ...


class LoggingJobObserver:
    """Counts, times and logs every try."""

    LEVEL_OF_OUTCOME: Final[Mapping[str, str]] = {"failed": "error", "retrying": "warning"}

    async def reached(self, moment: JobMoment, kind: str) -> None:
        """Nothing to do: how a try ends is what counts."""

    def ended(self, attempt: Attempt, outcome: str, error: JobError | None, *, seconds: float) -> None:
        """Tell how a try ended.

        Args:
            outcome: the job's status afterwards, ``refused`` when it failed as was to be expected, ``handed back`` at a
                shutdown, or ``lost`` to another worker.
        """
        JOB_ATTEMPTS.labels(attempt.kind, outcome).inc()
        JOB_SECONDS.labels(attempt.kind).observe(seconds)
        log = getattr(logger, self.LEVEL_OF_OUTCOME.get(outcome, "info"))
        code = error.code if error else ""
        log(
            "job.tried",
            kind=attempt.kind,
            job_id=str(attempt.job_id),
            attempt=attempt.number,
            outcome=outcome,
            code=code,
            seconds=round(seconds, 3),
        )


def show_counts(counts: Mapping[tuple[str, JobStatus], int]) -> None:
    """Set the gauge; kinds without a job left go back to 0."""
    for kind, status in {(kind, status) for kind, _ in counts for status in JobStatus}:
        JOBS.labels(kind, status.value).set(counts.get((kind, status), 0))


def show_dead(counts: Mapping[str, int], *, kinds: Iterable[str]) -> None:
    for kind in kinds:
        JOBS_DEAD.labels(kind).set(counts.get(kind, 0))


def show_oldest(seconds: Mapping[str, float], *, kinds: Iterable[str]) -> None:
    for kind in kinds:
        JOBS_OLDEST_WAITING.labels(kind).set(seconds.get(kind, 0.0))
