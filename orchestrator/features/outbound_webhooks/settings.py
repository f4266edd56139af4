"""Settings of outbound webhooks."""

from pydantic import Field

from common.settings import EnvironmentSettings


class OutboundWebhookSettings(EnvironmentSettings):
    delivery_timeout_seconds: float = Field(
        default=15.0, gt=0, lt=30, description="How long an integrator's URL may take to respond to a webhook."
    )
    delivery_connect_timeout_seconds: float = Field(
        default=5.0, gt=0, description="How long connecting may take, including TLS, as part of that."
    )
