"""What the job system reads from the environment."""

from pydantic import AliasChoices, Field, field_validator

from common.settings import EnvironmentSettings

__all__ = ["JobSettings", "JobWorkerSettings"]


class JobSettings(EnvironmentSettings):
    """For processes that enqueue jobs."""

    job_retry_seconds: str = Field(
        default="",
        description="The pauses between tries of every kind of job, such as 0.1,0.2; empty: as the kind has it.",
    )

    @property
    def job_backoff(self) -> tuple[float, ...]:
        return tuple(float(seconds) for seconds in self.job_retry_seconds.split(",") if seconds.strip())

    @field_validator("job_retry_seconds")
    @classmethod
    def _refuse_bad_pauses(cls, value: str) -> str:
        if any(float(seconds) <= 0 for seconds in value.split(",") if seconds.strip()):
            raise ValueError("JOB_RETRY_SECONDS are numbers above 0, with commas between")
        return value


class JobWorkerSettings(JobSettings):
    """For processes that run jobs."""

    job_lease_seconds: float = Field(
        default=15.0, gt=0, description="A worker that is silent for so long loses the jobs it has in hand."
    )
    job_scheduler_seconds: float = Field(
        default=0.5, gt=0, description="How often delayed and lost jobs are looked for."
    )
    job_redispatch_seconds: float = Field(
        validation_alias=AliasChoices("job_redispatch_seconds", "job_grace_seconds"),
        default=5.0,
        gt=0,
        description="Jobs that are ready for so long while workers are free are sent a token again.",
    )
    job_purge_interval_seconds: float = Field(
        validation_alias=AliasChoices("job_purge_interval_seconds", "job_trim_seconds"),
        default=60.0,
        gt=0,
        description="How often old finished jobs are thrown away.",
    )
