"""Configured origins may call with credentials; others may not."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from gateway.settings import Settings
from tests.integration.gateway.conftest import NO_BROKER, Gateways
from tests.integration.gateway.services import Services
from tests.support.http_client import http_client

SHOP = "https://shop.example"
ADMIN = "https://admin.example"
STRANGER = "https://evil.example"


@pytest.fixture
async def http(gateways: Gateways, services: Services) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    origins = f"{SHOP}, {ADMIN}"
    async with gateways(cors_origins=origins, rate_limit_per_minute=2) as url, http_client(url) as http:
        yield http


def preflight(origin: str, method: str = "POST", headers: str = "authorization, idempotency-key") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


@pytest.mark.parametrize("origin", [SHOP, ADMIN])
async def test_configured_origin_is_allowed(http: httpx.AsyncClient, services: Services, origin: str) -> None:
    allowed = await http.options("/api/reserve", headers=preflight(origin))
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == origin
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert "PATCH" in allowed.headers["Access-Control-Allow-Methods"]
    assert "Origin" in allowed.headers["Vary"]
    assert allowed.headers["X-Correlation-ID"]
    assert services.received == []
    answer = await http.get("/api/events", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "X-Correlation-ID" in answer.headers["Access-Control-Expose-Headers"]


async def test_refusals_carry_cors_headers(http: httpx.AsyncClient) -> None:
    refusals = [
        await http.get("/api/tickets", headers={"Origin": SHOP}),
        await http.get("/api/nothing", headers={"Origin": SHOP}),
        await http.post("/api/auth/login", headers={"Origin": SHOP}, content=b"x" * 1_048_577),
        *[await http.get("/api/events", headers={"Origin": SHOP}) for _ in range(3)],
    ]
    assert [refusal.status_code for refusal in refusals] == [401, 404, 413, 200, 429, 429]
    assert {refusal.headers["Access-Control-Allow-Origin"] for refusal in refusals} == {SHOP}


@pytest.mark.parametrize("origin", [STRANGER, f"{SHOP}.evil.example", "http://shop.example", "null"])
async def test_other_origin_is_not_allowed(http: httpx.AsyncClient, origin: str) -> None:
    refused = await http.options("/api/reserve", headers=preflight(origin))
    assert refused.status_code == 400
    assert "Access-Control-Allow-Origin" not in refused.headers
    answer = await http.get("/api/events", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("asked", [{"method": "TRACE"}, {"headers": "x-forwarded-for"}])
async def test_only_methods_and_headers_of_the_api_are_allowed(http: httpx.AsyncClient, asked: dict[str, str]) -> None:
    assert (await http.options("/api/reserve", headers=preflight(SHOP, **asked))).status_code == 400


async def test_no_origin_is_allowed_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/events", headers={"Origin": SHOP})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_wildcard_origin_is_refused_at_start() -> None:
    with pytest.raises(ValidationError, match="CORS_ORIGINS"):
        Settings(env="test", rabbitmq_url=SecretStr(NO_BROKER), cors_origins="*")
