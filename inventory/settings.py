"""The inventory's settings."""

from pydantic import AliasChoices, Field

from common.settings import DatabaseSettings, MessagingSettings, ServiceSettings
from inventory.schemas import HoldLimits
from rabbitmq.settings import HoldSettings


class Settings(ServiceSettings, DatabaseSettings, MessagingSettings, HoldSettings):
    port: int = Field(default=50051, description="gRPC.")
    health_port: int = Field(default=8080, description="HTTP: /health, /livez, /metrics.")
    lock_timeout_seconds: float = Field(
        default=2.0, gt=0, description="How long a sale or a release waits for a seat's lock. Reserving does not wait."
    )
    hold_seats_per_event: int = Field(
        default=10, ge=1, description="Seats of one event that a user may hold at a time."
    )
    hold_seats_per_user: int = Field(default=20, ge=1, description="Seats that a user may hold at a time.")
    hold_cooldown_lapses: int = Field(
        default=3, ge=1, description="So many holds of one event that expire or are cancelled begin a cool-down."
    )
    hold_cooldown_window_seconds: float = Field(default=900.0, gt=0, description="Within which they are counted.")
    hold_cooldown_seconds: float = Field(default=300.0, ge=0, description="From the last of them.")
    sweep_seconds: float = Field(default=5.0, gt=0, description="How often expired holds are ended.")
    seat_count_interval_seconds: float = Field(
        validation_alias=AliasChoices("seat_count_interval_seconds", "fold_seconds"),
        default=1.0,
        gt=0,
        description="How often changes are added to the seat counts.",
    )
    seat_changes_seconds: float = Field(default=0.1, gt=0, description="How long seat changes are collected.")

    @property
    def hold_limits(self) -> HoldLimits:
        return HoldLimits(
            seats_per_event=self.hold_seats_per_event,
            seats_per_user=self.hold_seats_per_user,
            lapses=self.hold_cooldown_lapses,
            lapse_window_seconds=self.hold_cooldown_window_seconds,
            cooldown_seconds=self.hold_cooldown_seconds,
        )
