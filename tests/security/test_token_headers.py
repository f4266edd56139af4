"""Tokens whose headers name or contain a key: the verifier uses only its own keys, and sends no request."""

import base64
import time
import uuid
from typing import Any, Final

import httpx
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from tests.integration.gateway.services import Services

KEY_ID: Final = "test-key"
FORGERS_KEY: Final = Ed25519PrivateKey.generate()
FORGERS_JWK: Final[dict[str, Any]] = {**OKPAlgorithm.to_jwk(FORGERS_KEY.public_key(), as_dict=True), "kid": KEY_ID}
FORGERS_PEM: Final = FORGERS_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
FORGED_JWKS_PATH: Final = "/.well-known/forged.json"


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    own: dict[str, object] = {
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


def forged(**header: Any) -> str:
    return jwt.encode(claims(), FORGERS_KEY, algorithm="EdDSA", headers={"kid": KEY_ID, **header})


def assemble_token(header: bytes, *, payload: bytes = b"{}") -> str:
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, payload, b"x" * 64))


async def refusal(client: httpx.AsyncClient, token: str) -> tuple[int, str]:
    answer = await client.get("/api/tickets", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, str(answer.json().get("error_code"))


@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_key_url_in_the_token_is_ignored(client: httpx.AsyncClient, services: Services, name: str) -> None:
    async def serve_forged_keys(_: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [FORGERS_JWK]})

    services.handlers[FORGED_JWKS_PATH] = serve_forged_keys
    token = forged(**{name: f"{services.urls[next(iter(services.urls))]}{FORGED_JWKS_PATH}"})
    assert await refusal(client, token) == (401, "UNAUTHORIZED")
    assert services.received == []


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": FORGERS_JWK},
        {"x5c": [base64.b64encode(FORGERS_PEM).decode()]},
        {"crit": ["b64"], "b64": False},
        {"alg": "EdDSA", "typ": "JWT", "cty": "JWT"},
    ],
    ids=lambda header: next(iter(header)),
)
async def test_key_in_the_token_is_ignored(
    client: httpx.AsyncClient, services: Services, header: dict[str, Any]
) -> None:
    assert await refusal(client, forged(**header)) == (401, "UNAUTHORIZED")
    assert services.received == []


@pytest.mark.parametrize(
    "key_id",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "test-key' OR '1'='1",
        "test-key\0",
        "",
        "TEST-KEY",
        "http://127.0.0.1/keys",
        "x" * 6_000,
    ],
    ids=lambda key_id: key_id[:12] or "empty",
)
async def test_unknown_key_id_is_refused(client: httpx.AsyncClient, services: Services, key_id: str) -> None:
    assert await refusal(client, forged(kid=key_id)) == (401, "UNAUTHORIZED")
    assert services.received == []


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"EdDSA","kid":null}',
        b'{"alg":"EdDSA","kid":["test-key"]}',
        b'{"alg":"EdDSA","kid":{"test-key":1}}',
        b'{"alg":["EdDSA"],"kid":"test-key"}',
        b'{"alg":"none","kid":"test-key"}',
        b'{"alg":"NoNe","kid":"test-key"}',
        b'{"alg":"eddsa","kid":"test-key"}',
        b'{"alg":"","kid":"test-key"}',
        b'{"alg":"EdDSA","alg":"none","kid":"test-key"}',
        b'{"kid":"test-key"}',
        b"[]",
        b"null",
        b'"EdDSA"',
        b"\xff\xfe",
        b"[" * 3_000,
        b"",
    ],
    ids=range(16),
)
async def test_malformed_token_header_is_refused(client: httpx.AsyncClient, services: Services, header: bytes) -> None:
    assert await refusal(client, assemble_token(header)) == (401, "UNAUTHORIZED")
    assert services.received == []


@pytest.mark.parametrize("published_as", ["raw", "PEM", "DER", "x"])
async def test_public_key_is_not_accepted_as_hmac_secret(
    client: httpx.AsyncClient, services: Services, published_as: str
) -> None:
    jwk = (await services.mint.key_set())["keys"][0]
    key = jwt.PyJWK.from_dict(jwk).key
    secret = {
        "raw": lambda: key.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "PEM": lambda: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": lambda: key.public_bytes(Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "x": jwk["x"].encode,
    }[published_as]()
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"test-key"}').rstrip(b"=")
    body = jwt.encode(claims(), "x" * 32, algorithm="HS256").split(".")[1].encode()
    signature = base64.urlsafe_b64encode(signer.sign(head + b"." + body, secret)).rstrip(b"=")
    assert await refusal(client, b".".join((head, body, signature)).decode()) == (401, "UNAUTHORIZED")
    assert services.received == []


@pytest.mark.parametrize(
    "changed", [{"roles": None}, {"roles": 7}, {"exp": "soon"}, {"exp": 10**30}, {"sub": 7}], ids=str
)
async def test_malformed_claims_are_refused(
    client: httpx.AsyncClient, services: Services, changed: dict[str, object]
) -> None:
    token = services.mint.token(uuid.uuid4(), **changed)
    assert await refusal(client, token) == (401, "UNAUTHORIZED")
    assert services.received == []
