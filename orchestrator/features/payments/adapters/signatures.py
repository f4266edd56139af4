"""Verifies hexadecimal HMACs, with which providers sign their webhooks."""

import hashlib
import hmac
from typing import Literal

from pydantic import SecretStr


def is_signed(message: bytes, signature: str, *, secret: SecretStr, digest: Literal["sha256", "sha512"]) -> bool:
    """Return whether `signature` is the message's hexadecimal HMAC, in upper or lower case. Constant time."""
    expected = hmac.new(secret.get_secret_value().encode(), message, getattr(hashlib, digest)).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())
