"""Jobs as admins see them."""

from pydantic import BaseModel

from orchestrator.jobs.record import JobPosition, JobView


class JobDetail(JobView):
    """A job with its payload, its result and its position in the queue."""

    queue: JobPosition


class JobsRetried(BaseModel):
    """How many failed jobs were queued again."""

    retried: int


class JobsAcknowledged(BaseModel):
    """How many dead jobs were acknowledged."""

    acknowledged: int
