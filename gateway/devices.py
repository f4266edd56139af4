"""The device token of a login: the users service counts its sender apart from others, or as them if it is made up."""

from collections.abc import Mapping

import orjson

from gateway.headers import DEVICE_COOKIE


def has_device_token(headers: Mapping[bytes, bytes], body: bytes) -> bool:
    """Return whether a login has a device token, in the cookie or in the body."""
    if DEVICE_COOKIE.search(headers.get(b"cookie", b"")):
        return True
    try:
        login = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(login, dict) and bool(login.get("device_token"))
