"""Signs webhooks as their providers do, implemented from the providers' documentation, not with the platform's code."""

import hmac
import json
import time
from typing import Any

from pydantic import SecretStr

__all__ = ["SECRET", "as_bytes", "nowpayments_signature", "stripe_event", "stripe_signature", "supplier_signature"]

SECRET = SecretStr("a secret of the tests")


def as_bytes(payload: Any) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def hexadecimal(message: bytes, digest: str, secret: SecretStr = SECRET) -> str:
    return hmac.new(secret.get_secret_value().encode(), message, digest).hexdigest()


def stripe_signature(body: bytes, *, seconds_ago: float = 0, secret: SecretStr = SECRET) -> str:
    signed_at = int(time.time() - seconds_ago)
    return f"t={signed_at},v1={hexadecimal(f'{signed_at}.'.encode() + body, 'sha256', secret)}"


def nowpayments_signature(payload: dict[str, Any], secret: SecretStr = SECRET) -> str:
    return hexadecimal(json.dumps(payload, separators=(",", ":"), sort_keys=True).encode(), "sha512", secret)


def supplier_signature(body: bytes, secret: SecretStr = SECRET) -> str:
    return hexadecimal(body, "sha256", secret)


def stripe_event(type_: str, subject: dict[str, Any], **changes: Any) -> dict[str, Any]:
    event = {"id": "evt_1", "object": "event", "created": 1_795_000_000, "type": type_, "data": {"object": subject}}
    return event | changes
