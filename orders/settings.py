"""Settings of the orders process, from its environment."""

from pydantic import Field

from common.settings import DatabaseSettings, MessagingSettings, ServiceSettings
from rabbitmq.settings import HoldSettings


class Settings(ServiceSettings, DatabaseSettings, MessagingSettings, HoldSettings):
    port: int = 5001
    performer_queue_interval_seconds: float = Field(default=1.0, gt=0)
