"""The rules by which each kind of job is run. The enqueuing process and the worker read the same policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rabbitmq.topology import DEFAULT_RETRY_SECONDS, JOB_KINDS

__all__ = ["FIVE_RETRIES", "RESERVED", "TWO_RETRIES", "JobPolicy", "with_backoff"]

# RabbitMQ requeues a wake-up message that stays unacknowledged for 30 minutes; a worker keeps it during an attempt.
LONGEST_TIMEOUT_SECONDS: Final = 1_500.0


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """The rules of one kind.

    Args:
        max_attempts: the maximum number of attempts.
        retry_seconds: the backoff schedule: the pause after the first failed attempt, the second, and so on; the last
            pause repeats.
        timeout_seconds: an attempt that takes longer fails.
        concurrency: the number of jobs of the kind that one worker runs at once.
        priority: the default priority; jobs with a higher one run first, within the kind.
        keep_completed: the number of completed jobs that are kept, none longer than `keep_completed_seconds` (C6). As
            many cancelled jobs are kept, too.
        keep_failed: the same for failed jobs.
        keeps_dead: whether dead jobs are kept until an admin retries or acknowledges them, however many and however long.
        publishes_completion: whether ``job.completed`` is published for a job that no user requested. Emails and
            deliveries end a chain of work: their completion has no consumer. ``job.failed`` is always published.
    """

    kind: str
    max_attempts: int
    retry_seconds: tuple[float, ...]
    timeout_seconds: float
    concurrency: int
    priority: int = 0
    keep_completed: int = 100
    keep_completed_seconds: float = 86_400.0
    keep_failed: int = 500
    keep_failed_seconds: float = 604_800.0
    keeps_dead: bool = False
    publishes_completion: bool = True

    def __post_init__(self) -> None:
        if self.kind not in JOB_KINDS:
            raise ValueError(f"{self.kind} has no queue: add it to JOB_KINDS")
        if self.max_attempts > 1 and not self.retry_seconds:
            raise ValueError(f"{self.kind} needs retry_seconds")
        if not 0 < self.timeout_seconds <= LONGEST_TIMEOUT_SECONDS:
            raise ValueError(f"{self.kind} must end within {LONGEST_TIMEOUT_SECONDS} s")

    def pause_after(self, failed_attempts: int) -> float:
        """Return the pause in seconds after that many failed attempts (1 or more)."""
        return self.retry_seconds[min(failed_attempts, len(self.retry_seconds)) - 1]


# F2: one attempt and five retries. C6: three attempts in all.
FIVE_RETRIES: Final = DEFAULT_RETRY_SECONDS
TWO_RETRIES: Final = (4.0, 16.0)

# Kinds that have a queue but no feature yet.
RESERVED: Final = (JobPolicy("bulk", max_attempts=3, retry_seconds=TWO_RETRIES, timeout_seconds=300, concurrency=2),)


def with_backoff(policies: Mapping[str, JobPolicy], retry_seconds: Sequence[float]) -> Mapping[str, JobPolicy]:
    """Return the policies, with this backoff schedule if it is not empty, which shortens waits in tests."""
    if not retry_seconds:
        return policies
    return {kind: replace(policy, retry_seconds=tuple(retry_seconds)) for kind, policy in policies.items()}
