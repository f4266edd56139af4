"""What outbound webhooks read from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["OutboundWebhookSettings"]


class OutboundWebhookSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    delivery_timeout_seconds: float = Field(
        default=15.0, gt=0, lt=30, description="How long an integrator's address has for its answer to a webhook."
    )
    delivery_connect_timeout_seconds: float = Field(
        default=5.0, gt=0, description="How long, of that, a connection to it may take, with its TLS."
    )
