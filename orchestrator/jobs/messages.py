"""The messages that the job system publishes."""

import time
from typing import Any, Final

from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.message import Message
from common.messaging.outbox import OutgoingMessage
from orchestrator.jobs.record import Attempt, JobError, JobStatus
from rabbitmq.topology import DEAD_JOBS_QUEUE, retry_exchange_name

__all__ = ["dead", "ended", "wake_up_after"]

SOURCE: Final = "orchestrator"


def wake_up_after(attempt: Attempt, *, pause_seconds: float) -> OutgoingMessage:
    """Return a wake-up message that arrives in the kind's queue after the pause."""
    message = _message("job.token", attempt, {"kind": attempt.kind})
    return OutgoingMessage(message, retry_exchange_name(pause_seconds), attempt.kind)


def ended(attempt: Attempt, status: JobStatus, error: JobError | None = None) -> OutgoingMessage:
    """Return ``job.completed`` or ``job.failed``; `user_id` is the user who requested the job.

    `duration_seconds` is the last attempt's. `error` is for admins.
    """
    data = {
        "job_id": str(attempt.job_id),
        "kind": attempt.kind,
        "status": status.value,
        "attempts": attempt.number,
        "user_id": str(attempt.requested_by) if attempt.requested_by else None,
        "lane": attempt.lane,
        "duration_seconds": round(time.monotonic() - attempt.begun_at, 3),
        "error_code": error.code if error else None,
        "error": error.message if error else None,
    }
    message = _message(f"job.{status.value}", attempt, data)
    return OutgoingMessage(message, MESSAGES_EXCHANGE, message.type)


def dead(attempt: Attempt, error: JobError) -> OutgoingMessage:
    """Return the message that stays in `jobs.dead` for admins after the last attempt."""
    data = {
        "job_id": str(attempt.job_id),
        "kind": attempt.kind,
        "error": error.model_dump(),
        "attempts": attempt.number,
    }
    return OutgoingMessage(_message("job.dead", attempt, data), "", DEAD_JOBS_QUEUE)


def _message(kind: str, attempt: Attempt, data: dict[str, Any]) -> Message:
    return Message(
        type=kind, source=SOURCE, subject=str(attempt.job_id), correlation_id=attempt.correlation_id, data=data
    )
