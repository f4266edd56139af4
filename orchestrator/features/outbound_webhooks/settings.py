"""What outbound webhooks read from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings

__all__ = ["OutboundWebhookSettings"]


class OutboundWebhookSettings(EnvironmentSettings):
    delivery_timeout_seconds: float = Field(
        default=15.0, gt=0, lt=30, description="How long an integrator's address has for its answer to a webhook."
    )
    delivery_connect_timeout_seconds: float = Field(
        default=5.0, gt=0, description="How long, of that, a connection to it may take, with its TLS."
    )
