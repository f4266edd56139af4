"""What the tests of both clients need."""

import time

import jwt

from common.auth.user_tokens import ALGORITHM
from devstack.home import Home
from devstack.keys import keys_of
from devstack.stack import Stack


def expired_token(platform: Stack, access_token: str) -> str:
    """Return the same access token, signed by the platform's key, but an hour past its end."""
    claims = jwt.decode(access_token, options={"verify_signature": False})
    key_id = jwt.get_unverified_header(access_token)["kid"]
    past = {"iat": claims["iat"] - 7200, "exp": int(time.time()) - 3600}
    private_key = keys_of(Home(platform.home)).jwt_private_key
    return jwt.encode(claims | past, private_key, algorithm=ALGORITHM, headers={"kid": key_id})
