"""The addresses of the other services."""

from common.settings import MessagingSettings, ServiceSettings
from rabbitmq.settings import HoldSettings


class ClientSettings(ServiceSettings, MessagingSettings, HoldSettings):
    users_url: str = "http://127.0.0.1:5000"
    orders_url: str = "http://127.0.0.1:5001"
    events_url: str = "http://127.0.0.1:5002"
    inventory_address: str = "127.0.0.1:50051"
