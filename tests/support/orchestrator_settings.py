"""The settings of an orchestrator in the test's process, beside the services of a stack."""

from typing import Any

from pydantic import SecretStr

from devstack.home import Home
from devstack.keys import keys_of
from devstack.stack import Stack
from orchestrator.settings import Settings


def orchestrator_settings(stack: Stack, *, database_url: str, rabbitmq_url: str, **more: Any) -> Settings:
    """Return settings; `more` are further ones."""
    keys, urls = keys_of(Home(stack.home)), stack.urls
    return Settings(
        env="test",
        database_url=SecretStr(database_url),
        rabbitmq_url=SecretStr(rabbitmq_url),
        service_token_secret=SecretStr(keys.service_token_secret),
        qr_keys=SecretStr(keys.qr_keys),
        users_url=urls.users,
        orders_url=urls.orders,
        events_url=urls.events,
        inventory_address=urls.inventory_address,
        **more,
    )
