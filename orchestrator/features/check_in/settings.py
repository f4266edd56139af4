"""What check-in reads from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings


class CheckInSettings(EnvironmentSettings):
    check_in_grace_seconds: int = Field(
        default=0, ge=0, description="How long after an event's end its tickets are still admitted (T12)."
    )
