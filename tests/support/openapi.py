"""The platform's public API, from the descriptions of its services, without running them."""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import SecretStr

import events.app
import events.settings
import orchestrator.app
import orchestrator.settings
import orders.app
import orders.settings
import users.app
import users.settings
from devstack.keys import new_keys
from gateway.openapi import merge
from gateway.routing import ROUTES, Upstream

__all__ = ["describe", "public_apps"]

TITLE: Final = "TicketRemaster"
# Creating and describing an app opens no connection.
DATABASE_URL: Final = SecretStr("postgresql+asyncpg://127.0.0.1/none")
RABBITMQ_URL: Final = SecretStr("amqp://127.0.0.1")


async def describe() -> dict[str, Any]:
    """Return the gateway's `/openapi.json`. It is a coroutine because the services' clients need a running loop."""
    documents = {upstream: app.openapi() for upstream, app in public_apps().items()}
    return merge(documents, routes=ROUTES, title=TITLE)


def public_apps() -> dict[Upstream, FastAPI]:
    keys = new_keys()
    return {
        Upstream.USERS: users.app.create_app(
            users.settings.Settings(
                env="dev",
                database_url=DATABASE_URL,
                rabbitmq_url=RABBITMQ_URL,
                jwt_private_key=SecretStr(keys.jwt_private_key),
            )
        ),
        Upstream.ORDERS: orders.app.create_app(
            orders.settings.Settings(env="dev", database_url=DATABASE_URL, rabbitmq_url=RABBITMQ_URL)
        ),
        Upstream.EVENTS: events.app.create_app(
            events.settings.Settings(env="dev", database_url=DATABASE_URL, rabbitmq_url=RABBITMQ_URL)
        ),
        Upstream.ORCHESTRATOR: orchestrator.app.create_app(
            orchestrator.settings.Settings(
                env="dev",
                database_url=DATABASE_URL,
                rabbitmq_url=RABBITMQ_URL,
                qr_keys=SecretStr(keys.qr_keys),
            )
        ),
    }
