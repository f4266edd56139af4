"""Which tokens open a route, and the errors for all others."""

import base64
import json
import time
import uuid

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.settings import DEV_SERVICE_TOKEN_SECRET
from tests.integration.gateway.conftest import Gateways
from tests.integration.gateway.services import Services
from tests.support.http_client import http_client
from tests.support.waiting import eventually

KEY_ID = "test-key"
YEAR_2100 = 4_102_444_800
"""A token that is not valid yet must not become valid while the tests run."""


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    own = {
        "iss": "ticketremaster-users",
        "aud": "ticketremaster",
        "sub": str(uuid.uuid4()),
        "sid": str(uuid.uuid4()),
        "typ": "access",
        "roles": ["admin"],
        "iat": now,
        "exp": now + 900,
    }
    return own | changes


def tampered(token: str) -> str:
    head, _, signature = token.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def unsigned() -> str:
    return jwt.encode(claims(), "", algorithm="none", headers={"kid": KEY_ID})


async def signed_with_the_public_key(services: Services) -> str:
    """Sign with the published key as a shared secret: the classic attack on verifiers that trust the header."""
    public = jwt.PyJWK.from_dict((await services.mint.key_set())["keys"][0]).key
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return jwt.encode(claims(), raw, algorithm="HS256", headers={"kid": KEY_ID})


def signed_by_an_unknown_key(key_id: str) -> str:
    return jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": key_id})


async def code_for(client: httpx.AsyncClient, authorization: str | None) -> str:
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
    answer = await client.get("/api/tickets", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["success"] is False
    return str(answer.json()["error_code"])


async def test_valid_token_is_accepted_and_forwarded(
    client: httpx.AsyncClient, services: Services, bearer: dict[str, str]
) -> None:
    for _ in range(2):  # verified, then cached
        assert (await client.get("/api/tickets", headers=bearer)).status_code == 200
    assert services.last.headers["Authorization"] == bearer["Authorization"]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Basic dXNlcjpwYXNz", "Bearer x", "Bearer a.b.c", "\xe4"]
)
async def test_missing_token_is_401(client: httpx.AsyncClient, services: Services, authorization: str | None) -> None:
    assert await code_for(client, authorization) == "UNAUTHORIZED"
    assert services.received == []


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another-issuer"},
        {"aud": "another-platform"},
        {"aud": ["another-platform"]},
        {"typ": "refresh"},
        {"typ": "service"},
        {"sub": "not-a-uuid"},
        {"sid": "not-a-uuid"},
        {"exp": YEAR_2100 + 900, "nbf": YEAR_2100},
    ],
    ids=str,
)
async def test_token_with_a_wrong_claim_is_refused(
    client: httpx.AsyncClient, services: Services, changed: dict[str, object]
) -> None:
    token = services.mint.token(uuid.uuid4(), **changed)
    assert await code_for(client, f"Bearer {token}") == "UNAUTHORIZED"
    assert services.received == []


async def test_forged_token_is_refused(client: httpx.AsyncClient, services: Services, token: str) -> None:
    service_token = ServiceTokens(service="orders", secret=SecretStr(DEV_SERVICE_TOKEN_SECRET)).issue("orchestrator")
    forged = {
        "tampered": tampered(token),
        "unsigned": unsigned(),
        "HS256 with the public key": await signed_with_the_public_key(services),
        "another key under our id": signed_by_an_unknown_key(KEY_ID),
        "another key": signed_by_an_unknown_key("another"),
        "cut off": token[:-4],
        "a service's": service_token,
    }
    codes = {how: await code_for(client, f"Bearer {forgery}") for how, forgery in forged.items()}
    assert codes == dict.fromkeys(forged, "UNAUTHORIZED")
    assert services.received == []


async def test_expired_token_is_refused_as_expired(client: httpx.AsyncClient, services: Services) -> None:
    token = services.mint.token(uuid.uuid4(), exp=int(time.time()) - 1)
    assert await code_for(client, f"Bearer {token}") == "TOKEN_EXPIRED"
    assert services.received == []


async def test_cached_token_still_expires(client: httpx.AsyncClient, services: Services) -> None:
    headers = {"Authorization": f"Bearer {services.mint.token(uuid.uuid4(), exp=int(time.time()) + 3)}"}
    assert (await client.get("/api/tickets", headers=headers)).status_code == 200

    async def is_expired() -> bool:
        answer = await client.get("/api/tickets", headers=headers)
        return answer.status_code == 401 and answer.json()["error_code"] == "TOKEN_EXPIRED"

    await eventually(is_expired)


async def test_public_routes_need_no_token_and_forward_one(client: httpx.AsyncClient, services: Services) -> None:
    assert (await client.get("/api/events")).status_code == 200
    for authorization in ("Bearer whatever", f"Bearer {unsigned()}"):
        assert (await client.get("/api/events", headers={"Authorization": authorization})).status_code == 200
        assert services.last.headers["Authorization"] == authorization


@pytest.mark.parametrize("path", ["/api/auth/refresh", "/api/auth/logout"])
async def test_refresh_and_logout_leave_the_token_to_users(
    client: httpx.AsyncClient, services: Services, path: str
) -> None:
    refresh = services.mint.token(uuid.uuid4(), typ="refresh")
    assert (await client.post(path, headers={"Authorization": f"Bearer {refresh}"})).status_code == 200
    assert services.last.headers["Authorization"] == f"Bearer {refresh}"


async def test_all_tokens_are_refused_while_keys_are_unavailable(
    gateways: Gateways, services: Services, bearer: dict[str, str]
) -> None:
    async with gateways(jwks_url="http://127.0.0.1:1/jwks.json") as url, http_client(url) as http:
        answer = await http.get("/api/tickets", headers=bearer)
        assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
        assert services.received == []
        assert (await http.get("/api/events")).status_code == 200
        health = await http.get("/health")
        assert (health.status_code, health.json()["checks"]["user_keys"]) == (503, "failed")
