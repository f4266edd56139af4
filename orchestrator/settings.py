"""What the orchestrator's processes read from their environment."""

from pydantic import Field, SecretStr

from common.settings import DatabaseSettings, MessagingSettings, ServiceSettings
from orchestrator.engine.plan import DEFAULT_PATIENCE_SECONDS
from orchestrator.engine.repository import LEASE_MARGIN_SECONDS

__all__ = ["Settings", "WorkerSettings"]


class Settings(ServiceSettings, DatabaseSettings, MessagingSettings):
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


class WorkerSettings(Settings):
    port: int = 5004
