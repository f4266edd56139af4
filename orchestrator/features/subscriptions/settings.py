"""What subscriptions read from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings


class SubscriptionSettings(EnvironmentSettings):
    subscription_renewal_interval_seconds: float = Field(
        default=60.0, gt=0, description="How often workers renew subscriptions that end within an hour (M2)."
    )
