"""The signing key of users' tokens, and its published form (JWKS, RFC 7517 and RFC 8037)."""

import base64
import hashlib
import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

__all__ = ["SigningKey"]

DERIVED_BYTES: Final = 32


class SigningKey:
    """An Ed25519 key pair. Its id is its thumbprint (RFC 7638), the same in every copy of the service."""

    def __init__(self, pem: SecretStr) -> None:
        private_key = load_pem_private_key(pem.get_secret_value().encode(), password=None)
        assert isinstance(private_key, Ed25519PrivateKey)  # noqa: S101 - the settings have checked it
        public_bytes = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.private_key = private_key
        self._jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public_bytes)}
        canonical = json.dumps(self._jwk, separators=(",", ":"), sort_keys=True)
        self.key_id = _base64url(hashlib.sha256(canonical.encode()).digest())

    def derived(self, purpose: str) -> bytes:
        """Return a secret key for another purpose, the same in every copy of the service (HKDF, RFC 5869)."""
        seed = self.private_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return HKDF(SHA256(), length=DERIVED_BYTES, salt=None, info=purpose.encode()).derive(seed)

    def as_jwks(self) -> dict[str, Any]:
        return {"keys": [{**self._jwk, "kid": self.key_id, "alg": "EdDSA", "use": "sig"}]}


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
