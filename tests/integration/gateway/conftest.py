"""The gateway between a client and four services that record the requests they receive."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from common.settings import DEV_SERVICE_TOKEN_SECRET
from gateway.app import create_app
from gateway.routing import Upstream
from gateway.settings import Settings
from tests.integration.gateway.services import Services, running_services
from tests.support.http_client import http_client
from tests.support.serving import serving
from tests.support.waiting import eventually

# Nothing listens there: for the many tests that need no broker.
NO_BROKER = "amqp://guest:guest@127.0.0.1:1/"

__all__ = ["NO_BROKER", "Gateways", "until_ready"]

Gateways = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="module")
async def all_services() -> AsyncIterator[Services]:
    async with running_services(SecretStr(DEV_SERVICE_TOKEN_SECRET)) as services:
        yield services


@pytest.fixture
def services(all_services: Services) -> Services:
    """The services, without recorded requests."""
    all_services.reset()
    return all_services


@pytest.fixture(scope="module")
def gateways(all_services: Services) -> Gateways:
    """Start a gateway: ``async with gateways(rate_limit_per_minute=3) as url``."""

    @asynccontextmanager
    async def running(**changes: Any) -> AsyncIterator[str]:
        urls = all_services.urls
        own: dict[str, Any] = {
            "env": "test",
            "jwks_url": f"{urls[Upstream.USERS]}/.well-known/jwks.json",
            "users_url": urls[Upstream.USERS],
            "orders_url": urls[Upstream.ORDERS],
            "events_url": urls[Upstream.EVENTS],
            "orchestrator_url": urls[Upstream.ORCHESTRATOR],
            "rabbitmq_url": SecretStr(NO_BROKER),
            "rate_limit_per_minute": 0,
            "health_cache_seconds": 0,
        }
        settings = Settings(**own | changes)
        async with serving(create_app(settings), settings) as url:
            yield url

    return running


@pytest.fixture(scope="module")
async def gateway(gateways: Gateways) -> AsyncIterator[str]:
    """A gateway without limits, for tests without special settings."""
    async with gateways() as url:
        await until_ready(url)
        yield url


@pytest.fixture
async def client(gateway: str) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(gateway) as http:
        yield http


@pytest.fixture
def token(services: Services) -> str:
    return services.mint.token(uuid.uuid4())


@pytest.fixture
def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def until_ready(url: str) -> None:
    async with http_client(url) as http:

        async def is_healthy() -> bool:
            return (await http.get("/health")).status_code == httpx.codes.OK

        await eventually(is_healthy)
