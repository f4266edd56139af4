"""What decides how the broker's queues are declared. Every process that declares them reads the same."""

from pydantic import Field

from common.settings import MessagingSettings

__all__ = ["BrokerSettings"]


class BrokerSettings(MessagingSettings):
    hold_ttl_seconds: float = Field(default=300, gt=0, description="How long seats are held for a fan (T2).")
