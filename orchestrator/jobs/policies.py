"""How a kind of job is tried. The process that enqueues it and the worker read the same policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rabbitmq.topology import DEFAULT_RETRY_SECONDS, JOB_KINDS

__all__ = ["FIVE_REPETITIONS", "RESERVED", "TWO_REPETITIONS", "JobPolicy", "with_backoff"]

# A worker keeps a token unacknowledged while it works; RabbitMQ takes a token back after 30 minutes.
LONGEST_TIMEOUT_SECONDS: Final = 1_500.0


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """The rules of one kind.

    Args:
        tries: the first one and all repetitions.
        retry_seconds: how long to wait after the first failed try, after the second, and so on; the last one repeats.
        timeout_seconds: a try that takes longer has failed.
        concurrency: how many jobs of the kind one worker has in hand.
        priority: of jobs that name none; higher ones go first, within the kind.
        keep_completed: so many completed jobs are kept, none of them longer than `keep_completed_seconds` (C6), and as
            many cancelled ones beside them.
        keep_failed: likewise for those that failed for good.
        tells_completion: whether ``job.completed`` is published when nobody in particular asked for the job. Letters and
            deliveries are the last thing that happens: it would be told to nobody. ``job.failed`` always is.
    """

    kind: str
    tries: int
    retry_seconds: tuple[float, ...]
    timeout_seconds: float
    concurrency: int
    priority: int = 0
    keep_completed: int = 100
    keep_completed_seconds: float = 86_400.0
    keep_failed: int = 500
    keep_failed_seconds: float = 604_800.0
    tells_completion: bool = True

    def __post_init__(self) -> None:
        if self.kind not in JOB_KINDS:
            raise ValueError(f"{self.kind} has no queue: add it to JOB_KINDS")
        if self.tries > 1 and not self.retry_seconds:
            raise ValueError(f"{self.kind} is tried again after how long?")
        if not 0 < self.timeout_seconds <= LONGEST_TIMEOUT_SECONDS:
            raise ValueError(f"{self.kind} must end within {LONGEST_TIMEOUT_SECONDS} s")

    def pause_after(self, failed_tries: int) -> float:
        """Return how many seconds to wait after so many failed tries (1 or more)."""
        return self.retry_seconds[min(failed_tries, len(self.retry_seconds)) - 1]


# F2: one first try and five repetitions. C6: three tries in all.
FIVE_REPETITIONS: Final = DEFAULT_RETRY_SECONDS
TWO_REPETITIONS: Final = (4.0, 16.0)

# Kinds that have a queue and no feature yet.
RESERVED: Final = (
    JobPolicy("performance", tries=3, retry_seconds=TWO_REPETITIONS, timeout_seconds=30, concurrency=8),
    JobPolicy("commission", tries=3, retry_seconds=TWO_REPETITIONS, timeout_seconds=300, concurrency=2),
    JobPolicy("revision", tries=3, retry_seconds=TWO_REPETITIONS, timeout_seconds=300, concurrency=2, priority=10),
    JobPolicy("fulfillment", tries=6, retry_seconds=FIVE_REPETITIONS, timeout_seconds=30, concurrency=8),
    JobPolicy("bulk", tries=3, retry_seconds=TWO_REPETITIONS, timeout_seconds=300, concurrency=2),
)


def with_backoff(policies: Mapping[str, JobPolicy], retry_seconds: Sequence[float]) -> Mapping[str, JobPolicy]:
    """Return the policies, all with these pauses between tries if there are any: tests need not wait as long."""
    if not retry_seconds:
        return policies
    return {kind: replace(policy, retry_seconds=tuple(retry_seconds)) for kind, policy in policies.items()}
