"""What the editing of events reads from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings


class EventEditingSettings(EnvironmentSettings):
    date_change_refund_days: float = Field(
        default=14.0,
        ge=0,
        le=365,
        description="How long fans may refund after their event's date has moved, at most until the new date; 0: no longer (T7).",
    )
