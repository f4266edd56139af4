"""The platform's public API as its services describe it, without running any of them."""

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

__all__ = ["describe"]

TITLE: Final = "TicketRemaster"
# Constructing a service connects to nothing, and describing itself neither.
DATABASE_URL: Final = SecretStr("postgresql+asyncpg://127.0.0.1/none")
RABBITMQ_URL: Final = SecretStr("amqp://127.0.0.1")


async def describe() -> dict[str, Any]:
    """Return what the gateway serves as `/openapi.json`; in a running loop, as the services' clients want one."""
    documents = {upstream: app.openapi() for upstream, app in _apps().items()}
    return merge(documents, routes=ROUTES, title=TITLE)


def _apps() -> dict[Upstream, FastAPI]:
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
        Upstream.ORDERS: orders.app.create_app(orders.settings.Settings(env="dev", database_url=DATABASE_URL)),
        Upstream.EVENTS: events.app.create_app(events.settings.Settings(env="dev", database_url=DATABASE_URL)),
        Upstream.ORCHESTRATOR: orchestrator.app.create_app(
            orchestrator.settings.Settings(
                env="dev",
                database_url=DATABASE_URL,
                rabbitmq_url=RABBITMQ_URL,
                qr_keys=SecretStr(keys.qr_keys),
            )
        ),
    }
