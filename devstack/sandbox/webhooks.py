"""Webhooks of the simulated providers: signed like the real ones, sent to the gateway, stored for repeated sending."""

import asyncio
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import httpx
from pydantic import BaseModel, Field, SecretStr

from common.http.client import IDLE_SECONDS

__all__ = ["Sending", "SentWebhook", "WebhookSender", "nowpayments_headers", "stripe_headers", "supplier_headers"]

MAX_STORED: Final = 10_000
MAX_COPIES: Final = 200
TIMEOUT_SECONDS: Final = 10.0

Sign = Callable[[bytes, int], dict[str, str]]
"""Returns the headers of a body that is signed at a time (seconds since 1970)."""


class Sending(BaseModel):
    """The number of concurrent copies (0: the webhook is lost), and the age of the signature."""

    copies: Annotated[int, Field(ge=0, le=MAX_COPIES)] = 1
    signed_seconds_ago: int = 0


@dataclass(frozen=True, kw_only=True)
class SentWebhook:
    """A webhook. `statuses` are the gateway's responses to all copies; 0 means no response."""

    webhook_id: str
    provider: str
    type: str
    body: bytes
    sign: Sign
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    statuses: list[int] = field(default_factory=list)


class WebhookSender:
    """Sends webhooks to ``/api/webhooks/<provider>``."""

    def __init__(self, gateway_url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=gateway_url,
            timeout=TIMEOUT_SECONDS,
            limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS),
            trust_env=False,
        )
        self._known: deque[SentWebhook] = deque(maxlen=MAX_STORED)

    async def send_new(
        self, provider: str, payload: dict[str, Any], sign: Sign, sending: Sending, *, webhook_id: str, type_: str
    ) -> SentWebhook:
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        webhook = SentWebhook(webhook_id=webhook_id, provider=provider, type=type_, body=body, sign=sign)
        self._known.append(webhook)
        await self.send(webhook, sending)
        return webhook

    async def send(self, webhook: SentWebhook, sending: Sending) -> list[int]:
        """Send the copies concurrently and return the statuses of the responses."""
        headers = webhook.sign(webhook.body, int(time.time()) - sending.signed_seconds_ago)
        statuses = await asyncio.gather(*(self._post(webhook, headers) for _ in range(sending.copies)))
        webhook.statuses.extend(statuses)
        return statuses

    def find(self, webhook_id: str) -> SentWebhook | None:
        return next((webhook for webhook in self._known if webhook.webhook_id == webhook_id), None)

    @property
    def known(self) -> list[SentWebhook]:
        """All stored webhooks, oldest first."""
        return list(self._known)

    async def close(self) -> None:
        await self._http.aclose()

    async def _post(self, webhook: SentWebhook, headers: dict[str, str]) -> int:
        path = f"/api/webhooks/{webhook.provider}"
        try:
            return (await self._http.post(path, content=webhook.body, headers=headers)).status_code
        except httpx.HTTPError:
            return 0


def stripe_headers(secret: SecretStr) -> Sign:
    def sign(body: bytes, signed_at: int) -> dict[str, str]:
        digest = _hex_hmac(secret, f"{signed_at}.".encode() + body, "sha256")
        return _headers("Stripe-Signature", f"t={signed_at},v1={digest}")

    return sign


def nowpayments_headers(secret: SecretStr) -> Sign:
    def sign(body: bytes, _: int) -> dict[str, str]:
        in_order = json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return _headers("x-nowpayments-sig", _hex_hmac(secret, in_order.encode(), "sha512"))

    return sign


def supplier_headers(secret: SecretStr) -> Sign:
    def sign(body: bytes, _: int) -> dict[str, str]:
        return _headers("X-KINGUIN-SIGNATURE", _hex_hmac(secret, body, "sha256"))

    return sign


def _headers(name: str, signature: str) -> dict[str, str]:
    return {name: signature, "Content-Type": "application/json"}


def _hex_hmac(secret: SecretStr, message: bytes, digest: str) -> str:
    return hmac.new(secret.get_secret_value().encode(), message, getattr(hashlib, digest)).hexdigest()
