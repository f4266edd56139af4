"""What the orchestrator's processes read from their environment."""

from pydantic import Field, SecretStr, field_validator

from common.settings import DatabaseSettings, MessagingSettings
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.payments.settings import ProviderSettings
from orchestrator.saga_engine.plan import DEFAULT_PATIENCE_SECONDS
from orchestrator.saga_engine.repository import LEASE_MARGIN_SECONDS

__all__ = ["Settings", "WorkerSettings"]


class Settings(ProviderSettings, DatabaseSettings, MessagingSettings, NotificationSettings):
    port: int = 5003
    users_url: str = "http://127.0.0.1:5000"
    orders_url: str = "http://127.0.0.1:5001"
    events_url: str = "http://127.0.0.1:5002"
    inventory_address: str = "127.0.0.1:50051"
    qr_keys: SecretStr = Field(description="id:base64url,…; the first key is the active one.")
    qr_ttl_seconds: int = Field(default=60, gt=0, description="How long a QR code opens the door (T11).")
    transfer_ttl_seconds: float = Field(default=900.0, gt=0, description="How long both parties have to confirm (T8).")
    sale_approval_ttl_seconds: float = Field(
        default=86_400.0, gt=0, description="How long a seller has to approve a sale (T10)."
    )
    request_budget_seconds: float = Field(default=10.0, description="Longer sagas are answered with 202.")
    saga_patience_seconds: float = Field(
        default=DEFAULT_PATIENCE_SECONDS, gt=0, description="How long a step is tried before its saga decides."
    )
    saga_lease_margin_seconds: float = Field(
        default=LEASE_MARGIN_SECONDS, gt=0, description="A silent owner loses its saga so long after its patience."
    )
    recover_interval_seconds: float = Field(default=1.0, description="How often lost and overdue sagas are looked for.")
    job_retry_seconds: str = Field(
        default="",
        description="The pauses between tries of every kind of job, such as 0.1,0.2; empty: as the kind has it.",
    )

    @property
    def job_ladder(self) -> tuple[float, ...]:
        return tuple(float(seconds) for seconds in self.job_retry_seconds.split(",") if seconds.strip())

    @field_validator("job_retry_seconds")
    @classmethod
    def _refuse_bad_ladders(cls, value: str) -> str:
        if any(float(seconds) <= 0 for seconds in value.split(",") if seconds.strip()):
            raise ValueError("JOB_RETRY_SECONDS are numbers above 0, with commas between")
        return value


class WorkerSettings(Settings):
    port: int = 5004
    worker_niceness: int = Field(
        default=10, ge=0, le=19, description="Letters and webhooks can wait where they share a machine with buyers."
    )
    job_lease_seconds: float = Field(
        default=15.0, gt=0, description="A worker that is silent for so long loses the jobs it has in hand."
    )
    job_scheduler_seconds: float = Field(
        default=0.5, gt=0, description="How often delayed and lost jobs are looked for."
    )
    job_grace_seconds: float = Field(
        default=5.0, gt=0, description="Jobs that are ready for so long while workers are free are sent a token again."
    )
    job_trim_seconds: float = Field(default=60.0, gt=0, description="How often old finished jobs are thrown away.")
