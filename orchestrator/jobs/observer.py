"""Observers of attempts: logs and metrics in production, crash points in tests."""

import enum
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from prometheus_client import Counter, Gauge, Histogram

from common.telemetry.logs import get_logger
from common.telemetry.metrics import keep_old_name
from orchestrator.jobs.record import Attempt, JobError, JobStatus

__all__ = ["JOBS_DEAD", "JOBS_OLDEST_WAITING", "JobMoment", "JobObserver", "LoggingJobObserver", "set_counts",
           "set_gauge"]  # fmt: skip

logger = get_logger(__name__)

JOB_ATTEMPTS = Counter("job_attempts_total", "Attempts of jobs that ended.", ["kind", "outcome"])
JOB_SECONDS = Histogram(
    "job_duration_seconds",
    "Duration of an attempt.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
keep_old_name(JOB_SECONDS, "job_seconds")
JOBS = Gauge("jobs", "Stored jobs; only the latest finished jobs are kept.", ["kind", "status"])
JOBS_DEAD = Gauge("jobs_dead", "Jobs that failed unexpectedly and were neither retried nor acknowledged.", ["kind"])
JOBS_OLDEST_WAITING = Gauge("jobs_oldest_waiting_seconds", "How long the longest waiting job has been ready.", ["kind"])


class JobMoment(enum.StrEnum):
    """Points at which tests let a worker crash."""

    BEFORE_CLAIM = "before claim"
    AFTER_CLAIM = "after claim"
    AFTER_EFFECT = "after effect"
    AFTER_WRITE = "after write"


class JobObserver(Protocol):
    async def moment_reached(self, moment: JobMoment, kind: str) -> None: ...

    def attempt_ended(self, attempt: Attempt, outcome: str, error: JobError | None, *, seconds: float) -> None: ...


class LoggingJobObserver:
    """Counts, times and logs every attempt."""

    LEVEL_OF_OUTCOME: Final[Mapping[str, str]] = {"failed": "error", "retrying": "warning"}

    async def moment_reached(self, moment: JobMoment, kind: str) -> None:
        """Do nothing: only the outcome of an attempt is counted."""

    def attempt_ended(self, attempt: Attempt, outcome: str, error: JobError | None, *, seconds: float) -> None:
        """Record an attempt's outcome.

        Args:
            outcome: the job's new status, ``refused`` for an expected failure, ``handed back`` if a shutdown ended the
                attempt, or ``lost`` if another worker has taken the job over.
        """
        JOB_ATTEMPTS.labels(attempt.kind, outcome).inc()
        JOB_SECONDS.labels(attempt.kind).observe(seconds)
        log = getattr(logger, self.LEVEL_OF_OUTCOME.get(outcome, "info"))
        log(
            "job.attempt_ended",
            kind=attempt.kind,
            job_id=str(attempt.job_id),
            attempt=attempt.number,
            outcome=outcome,
            code=error.code if error else "",
            seconds=round(seconds, 3),
        )


def set_counts(counts: Mapping[tuple[str, JobStatus], int]) -> None:
    """Set the gauge of jobs by kind and status; a status without jobs becomes 0."""
    for kind, status in {(kind, status) for kind, _ in counts for status in JobStatus}:
        JOBS.labels(kind, status.value).set(counts.get((kind, status), 0))


def set_gauge(gauge: Gauge, values: Mapping[str, float], *, kinds: Iterable[str]) -> None:
    """Set a gauge by kind; a kind without a value becomes 0."""
    for kind in kinds:
        gauge.labels(kind).set(values.get(kind, 0))
