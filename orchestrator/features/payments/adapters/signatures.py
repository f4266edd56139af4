"""Message authentication as providers do it: hexadecimal HMACs in a header."""

import hashlib
import hmac
from typing import Literal

from pydantic import SecretStr

__all__ = ["is_signed"]


def is_signed(message: bytes, signature: str, *, secret: SecretStr, digest: Literal["sha256", "sha512"]) -> bool:
    """Whether `signature` is the message's HMAC in hexadecimal, upper or lower case, compared in constant time."""
    expected = hmac.new(secret.get_secret_value().encode(), message, getattr(hashlib, digest)).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())
