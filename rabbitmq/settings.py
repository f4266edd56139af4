"""Settings of the broker's topology, the same for every process that declares it."""

from pydantic import Field

from common.settings import MessagingSettings


class BrokerSettings(MessagingSettings):
    hold_ttl_seconds: float = Field(default=300, gt=0, description="How long a hold lasts (T2).")
