"""Settings of the events process, from its environment."""

from common.settings import DatabaseSettings, MessagingSettings, ServiceSettings
from rabbitmq.settings import HoldSettings


class Settings(ServiceSettings, DatabaseSettings, MessagingSettings, HoldSettings):
    port: int = 5002
