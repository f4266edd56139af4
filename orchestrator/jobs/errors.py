"""The job system's refusals, and the exceptions by which a handler stops further attempts."""

from typing import Final

from common.errors import Conflict, InvalidRequest, NotFound

# Codes of failed attempts without an error of a service or of the handler. Stored with the job, never sent to a client.
INTERNAL_ERROR: Final = "INTERNAL_ERROR"
HANDLER_CANCELLED: Final = "JOB_CANCELLED"
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
    """The attempt lost its lease: the job belongs to another worker, and this attempt's writes are void."""

    code = "STALE_EPOCH"


class JobRefused(Exception):
    """Raised by a handler for an expected outcome that no retry can change: the job fails at once, without an alert.

    Args:
        why: stored with the job, for admins.
        code: stored with the job, for programs.
    """

    def __init__(self, why: str, *, code: str = "JOB_REFUSED") -> None:
        super().__init__(why)
        self.code = code


class JobPostponed(Exception):
    """Raised by a handler whose time has not come: the job is tried again after a pause, and the attempt does not count."""

    def __init__(self, *, pause_seconds: float) -> None:
        super().__init__(f"for {pause_seconds:g} s")
        self.pause_seconds = pause_seconds


class JobUnreadable(Exception):
    """The payload does not match the model of the kind's handler."""
