"""What the job system says on the broker."""

from typing import Any, Final

from common.messaging.message import Message
from common.messaging.topology import MESSAGES_EXCHANGE
from orchestrator.jobs.record import Attempt, JobError, JobStatus
from rabbitmq.topology import DEAD_JOBS_QUEUE, retry_exchange_name

__all__ = ["Addressed", "dead", "ended", "token_after"]

SOURCE: Final = "orchestrator"

Addressed = tuple[Message, str, str]
"""A message with its exchange and routing key."""


def token_after(attempt: Attempt, *, pause_seconds: float) -> Addressed:
    """A token that comes back to the kind's queue when the pause is over."""
    message = _message("job.token", attempt, {"kind": attempt.kind})
    return message, retry_exchange_name(pause_seconds), attempt.kind


def ended(attempt: Attempt, status: JobStatus, error: JobError | None = None) -> Addressed:
    """``job.completed`` or ``job.failed``, for whoever cares; `user_id` is who asked for the job."""
    data = {
        "job_id": str(attempt.job_id),
        "kind": attempt.kind,
        "status": status.value,
        "attempts": attempt.number,
        "user_id": str(attempt.requested_by) if attempt.requested_by else None,
        "error_code": error.code if error else None,
    }
    message = _message(f"job.{status.value}", attempt, data)
    return message, MESSAGES_EXCHANGE, message.type


def dead(attempt: Attempt, error: JobError) -> Addressed:
    """What is kept for people when the last try has failed."""
    data = {
        "job_id": str(attempt.job_id),
        "kind": attempt.kind,
        "error": error.model_dump(),
        "attempts": attempt.number,
    }
    return _message("job.dead", attempt, data), "", DEAD_JOBS_QUEUE


def _message(kind: str, attempt: Attempt, data: dict[str, Any]) -> Message:
    return Message(
        type=kind, source=SOURCE, subject=str(attempt.job_id), correlation_id=attempt.correlation_id, data=data
    )
