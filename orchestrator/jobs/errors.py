"""What the job system says no with, and how a handler says that trying again is no use."""

from typing import Final

from common.errors import Conflict, InvalidRequest, NotFound

__all__ = [
    "BROKE",
    "GAVE_UP",
    "PAYLOAD_INVALID",
    "RESULT_INVALID",
    "TIMED_OUT",
    "WORKER_LOST",
    "JobInvalidState",
    "JobNotFound",
    "JobRefused",
    "JobTakenOver",
    "JobUnreadable",
    "UnknownKind",
]

# Why a try failed, when neither a service nor the handler has said so. Kept with the job; no client is answered with it.
BROKE: Final = "INTERNAL_ERROR"
GAVE_UP: Final = "JOB_CANCELLED"
PAYLOAD_INVALID: Final = "PAYLOAD_INVALID"
RESULT_INVALID: Final = "RESULT_INVALID"
TIMED_OUT: Final = "JOB_TIMEOUT"
WORKER_LOST: Final = "WORKER_LOST"


class JobNotFound(NotFound):
    public_message = "There is no such job."


class JobInvalidState(Conflict):
    code = "JOB_INVALID_STATE"
    public_message = "The job is not in a state that allows this."


class UnknownKind(InvalidRequest):
    public_message = "There is no such kind of job."


class JobTakenOver(Conflict):
    """The attempt lost its lease: the job belongs to another worker by now, and nothing of this attempt counts."""

    code = "STALE_EPOCH"


class JobRefused(Exception):
    """A handler raises it for an outcome that is to be expected and that no further try can change.

    The job fails at once, and nobody is called.

    Args:
        why: kept with the job, for people.
        code: kept beside it, for programs.
    """

    def __init__(self, why: str, *, code: str = "JOB_REFUSED") -> None:
        super().__init__(why)
        self.code = code


class JobUnreadable(Exception):
    """The payload is not what the kind's handler takes: somebody enqueued what nobody can do."""
