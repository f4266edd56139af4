"""The inventory's settings."""

from pydantic import AliasChoices, Field

from common.settings import DatabaseSettings, MessagingSettings, ServiceSettings
from rabbitmq.settings import HoldSettings


class Settings(ServiceSettings, DatabaseSettings, MessagingSettings, HoldSettings):
    port: int = Field(default=50051, description="gRPC.")
    health_port: int = Field(default=8080, description="HTTP: /health, /livez, /metrics.")
    lock_timeout_seconds: float = Field(
        default=2.0, gt=0, description="How long a sale or a release waits for a seat's lock. Reserving does not wait."
    )
    sweep_seconds: float = Field(default=5.0, gt=0, description="How often expired holds are ended.")
    seat_count_interval_seconds: float = Field(
        validation_alias=AliasChoices("seat_count_interval_seconds", "fold_seconds"),
        default=1.0,
        gt=0,
        description="How often changes are added to the seat counts.",
    )
    seat_changes_seconds: float = Field(default=0.1, gt=0, description="How long seat changes are collected.")
