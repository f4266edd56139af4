"""Signatures of the Standard Webhooks specification 1.0 (section "Signature scheme", symmetric)."""

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import Final

__all__ = ["headers_of", "new_secret"]

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers_of(*, webhook_id: uuid.UUID, timestamp: int, body: str, secret: str) -> dict[str, str]:
    """Return the headers that authenticate a webhook.

    Args:
        webhook_id: the same in every attempt, so that the integrator recognises duplicates.
        timestamp: of this attempt, in Unix seconds.
    """
    signed = f"{webhook_id}.{timestamp}.{body}".encode()
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": str(webhook_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
