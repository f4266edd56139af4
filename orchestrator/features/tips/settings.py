"""What tips read from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings


class TipSettings(EnvironmentSettings):
    queued_tip_ttl_seconds: float = Field(
        default=86_400.0, gt=0, description="How long after its time a queued tip may still be performed (Q3)."
    )
    failed_tips_interval_seconds: float = Field(
        default=10.0, gt=0, description="How often workers end queued tips whose job is dead or cancelled (Q3)."
    )
