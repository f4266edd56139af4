"""Signing keys and tokens."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from common.auth.user_tokens import TokenExpired, UserTokenVerifier
from common.errors import Unauthenticated
from users.sessions.keys import SigningKey
from users.sessions.tokens import RefreshToken, TokenIssuer


def pem() -> SecretStr:
    key = Ed25519PrivateKey.generate()
    return SecretStr(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def issuer(key: SigningKey) -> TokenIssuer:
    return TokenIssuer(key, access_ttl_seconds=900, refresh_ttl_seconds=60)


def verifier(key: SigningKey) -> UserTokenVerifier:
    async def keys() -> dict[str, Any]:
        return key.as_jwks()

    return UserTokenVerifier(keys)


def token(key: SigningKey, expires_at: datetime) -> str:
    return issuer(key).access_token(
        user_id=uuid.UUID(int=1), session_id=uuid.UUID(int=2), roles=["staff", "customer"], expires_at=expires_at
    )


def test_instances_with_one_key_derive_the_same_key_id() -> None:
    text = pem()
    assert SigningKey(text).as_jwks() == SigningKey(text).as_jwks()
    assert SigningKey(text).key_id != SigningKey(pem()).key_id


async def test_issued_token_is_verified() -> None:
    key = SigningKey(pem())
    expires_at = issuer(key).next_access_expiry()

    principal = await verifier(key).verify(token(key, expires_at))

    assert (principal.user_id, principal.session_id) == (uuid.UUID(int=1), uuid.UUID(int=2))
    assert principal.roles == {"staff", "customer"}
    assert principal.expires_at == expires_at


async def test_expired_token_is_refused_as_expired() -> None:
    key = SigningKey(pem())
    with pytest.raises(TokenExpired):
        await verifier(key).verify(token(key, datetime.now(UTC) - timedelta(seconds=1)))


async def test_token_signed_by_another_key_is_refused() -> None:
    key, other = SigningKey(pem()), SigningKey(pem())
    with pytest.raises(Unauthenticated):
        await verifier(key).verify(token(other, issuer(other).next_access_expiry()))


def test_refresh_tokens_are_random_and_stored_as_their_hash() -> None:
    tokens = [issuer(SigningKey(pem())).refresh_token() for _ in range(3)]
    assert len({one.token for one in tokens}) == 3
    assert all(len(one.token) >= 43 for one in tokens)  # 256 bits in base64
    assert RefreshToken.hash_of(tokens[0].token) == tokens[0].token_hash
    assert tokens[0].token.encode() not in tokens[0].token_hash
