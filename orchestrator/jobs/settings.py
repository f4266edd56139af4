"""Settings of the job system."""

from pydantic import AliasChoices, Field, field_validator

from common.settings import EnvironmentSettings


class JobSettings(EnvironmentSettings):
    """Settings of processes that enqueue jobs."""

    job_retry_seconds: str = Field(
        default="",
        description="The pauses between attempts of every kind of job, such as 0.1,0.2; if empty, each kind's own.",
    )

    @property
    def job_backoff(self) -> tuple[float, ...]:
        return tuple(float(seconds) for seconds in self.job_retry_seconds.split(",") if seconds.strip())

    @field_validator("job_retry_seconds")
    @classmethod
    def _refuse_bad_pauses(cls, value: str) -> str:
        if any(float(seconds) <= 0 for seconds in value.split(",") if seconds.strip()):
            raise ValueError("JOB_RETRY_SECONDS must be comma-separated numbers above 0")
        return value


class JobWorkerSettings(JobSettings):
    """Settings of processes that run jobs."""

    job_lease_seconds: float = Field(
        default=15.0, gt=0, description="A worker that does not renew its leases for this long loses its jobs."
    )
    job_scheduler_seconds: float = Field(
        default=0.5, gt=0, description="How often a worker looks for delayed and lost jobs."
    )
    job_redispatch_seconds: float = Field(
        validation_alias=AliasChoices("job_redispatch_seconds", "job_grace_seconds"),
        default=5.0,
        gt=0,
        description="Jobs that are ready for this long while workers are idle get another wake-up message.",
    )
    job_purge_interval_seconds: float = Field(
        validation_alias=AliasChoices("job_purge_interval_seconds", "job_trim_seconds"),
        default=60.0,
        gt=0,
        description="How often old finished jobs are deleted.",
    )
