"""The real gateway in front of four stub services that record the requests they receive."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from common.settings import DEV_SERVICE_TOKEN_SECRET
from gateway.app import create_app
from gateway.routing import Upstream
from gateway.settings import Settings
from tests.integration.gateway.conftest import NO_BROKER, until_ready
from tests.integration.gateway.services import Services, running_services
from tests.support.http_client import http_client
from tests.support.serving import serving


@pytest.fixture(scope="module")
async def all_services() -> AsyncIterator[Services]:
    async with running_services(SecretStr(DEV_SERVICE_TOKEN_SECRET)) as services:
        yield services


@pytest.fixture
def services(all_services: Services) -> Services:
    """The services, with no request recorded yet."""
    all_services.reset()
    return all_services


@pytest.fixture(scope="module")
async def gateway(all_services: Services) -> AsyncIterator[str]:
    urls = all_services.urls
    settings = Settings(
        env="test",
        jwks_url=f"{urls[Upstream.USERS]}/.well-known/jwks.json",
        users_url=urls[Upstream.USERS],
        orders_url=urls[Upstream.ORDERS],
        events_url=urls[Upstream.EVENTS],
        orchestrator_url=urls[Upstream.ORCHESTRATOR],
        rabbitmq_url=SecretStr(NO_BROKER),
        rate_limit_per_minute=0,
        health_cache_seconds=0,
    )
    async with serving(create_app(settings), settings) as url:
        await until_ready(url)
        yield url


@pytest.fixture
async def client(gateway: str) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(gateway) as http:
        yield http
