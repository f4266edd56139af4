"""Users' tokens for services under test: signed with a key of the run, verified by the real verifier."""

import time
import uuid
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from common.auth.principal import Role
from common.auth.user_tokens import ACCESS_TOKEN_TYPE, ALGORITHM, AUDIENCE, ISSUER, UserTokenVerifier

__all__ = ["UserTokenMint"]

KEY_ID: Final = "test-key"


class UserTokenMint:
    """Replaces the users service: it has the key and publishes its public half."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    async def key_set(self) -> dict[str, Any]:
        """Return the JWK set, as `/.well-known/jwks.json` would."""
        public = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": KEY_ID, "alg": ALGORITHM, "use": "sig"}]}

    def verifier(self) -> UserTokenVerifier:
        return UserTokenVerifier(self.key_set)

    def token(self, user_id: uuid.UUID, *roles: Role, **claims: object) -> str:
        """Return an access token valid for 15 minutes; `claims` replace its own, such as ``exp`` or ``typ``."""
        now = int(time.time())
        own = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(uuid.uuid4()),
            "jti": str(uuid.uuid4()),
            "typ": ACCESS_TOKEN_TYPE,
            "roles": [*(roles or (Role.CUSTOMER,))],
            "iat": now,
            "exp": now + 900,
        }
        return jwt.encode({**own, **claims}, self._key, algorithm=ALGORITHM, headers={"kid": KEY_ID})
