"""The inbox: stores webhooks, shows them to admins, and replays them."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.http.envelope import Page
from common.pages import Total
from common.redaction import REDACTED, redacted
from common.telemetry.logs import get_logger
from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.errors import WebhookNotFound
from orchestrator.features.inbound_webhooks.metrics import WEBHOOK_REJECTIONS, WEBHOOKS
from orchestrator.features.inbound_webhooks.models.records import WebhookStatus, WebhookSummary, WebhookView
from orchestrator.features.inbound_webhooks.repository import SEALED_PROVIDERS, WebhookLog
from orchestrator.features.inbound_webhooks.schemas import KIND, ProcessWebhook, WebhookDetail
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook, WebhookAdapter
from orchestrator.features.payments.errors import SignatureInvalid, WebhookStale, WebhookUnreadable
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.service import JobQueue

__all__ = ["WebhookInbox"]

REASONS: Final = {SignatureInvalid: "signature", WebhookStale: "stale"}
# All that is shown of a sealed webhook: a field that is not listed here may contain a code.
SHOWN_OF_SEALED: Final = frozenset(
    {"event_id", "id", "type", "event", "event_type", "reservation_id", "order_id", "reason"}
)
UNREADABLE: Final = "unreadable"
"""The type of a webhook that cannot be parsed. Its job fails, which raises an alert."""

logger = get_logger(__name__)


@dataclass(frozen=True)
class WebhookInbox:
    log: WebhookLog
    adapters: Mapping[Provider, WebhookAdapter]
    jobs: JobQueue

    async def receive(self, provider: Provider, body: bytes, signature: str) -> bool:
        """Store a webhook with the job that processes it; return False if it is a duplicate.

        Raises:
            SignatureInvalid: the provider did not sign it. Nothing is stored.
            WebhookStale: it was signed too long ago. Nothing is stored.
        """
        verified = self._verified(provider, body, signature)
        webhook_id = uuid.uuid4()
        job = self._job(webhook_id, replay=0)
        is_new = await self.log.store(verified, body, provider=provider, webhook_id=webhook_id, job=job)
        if is_new:
            self.jobs.wake_relay()
        else:
            WEBHOOKS.labels(provider, "duplicate").inc()
        return is_new

    async def page(
        self, *, provider: Provider | None, status: WebhookStatus | None, page: Page
    ) -> tuple[list[WebhookSummary], Total]:
        """Return a page of webhooks, newest first, and the total."""
        webhooks, total = await self.log.page(
            provider=provider, status=status, limit=page.per_page, offset=page.offset, after=page.after
        )
        return [*webhooks], total

    async def show(self, webhook_id: uuid.UUID) -> WebhookDetail:
        """Return a webhook with its payload, secrets redacted, or raise WebhookNotFound."""
        webhook, body = await self._find(webhook_id)
        payload = redacted(body)
        if webhook.provider in SEALED_PROVIDERS:
            payload = _shown(payload)
        return WebhookDetail(**webhook.model_dump(), payload=payload)

    async def replay(self, webhook_id: uuid.UUID, *, admin_id: uuid.UUID) -> tuple[WebhookSummary, WebhookSummary]:
        """Process a webhook again, whatever its outcome, or raise WebhookNotFound. No effect happens twice.

        Returns:
            The webhook before and after.
        """
        webhook, _ = await self._find(webhook_id)
        job = self._job(webhook_id, replay=webhook.replays + 1)
        replayed = await self.log.replay(webhook, job, admin_id=admin_id)
        if replayed is None:  # another admin was faster, and one replay is enough
            replayed, _ = await self._find(webhook_id)
        self.jobs.wake_relay()
        return webhook, replayed

    def _job(self, webhook_id: uuid.UUID, *, replay: int) -> NewJob:
        request = ProcessWebhook(webhook_id=webhook_id, replay=replay)
        return self.jobs.new_job(KIND, request, idempotency_key=f"{webhook_id}/{replay}")

    async def _find(self, webhook_id: uuid.UUID) -> tuple[WebhookView, bytes]:
        stored = await self.log.find(webhook_id)
        if stored is None:
            raise WebhookNotFound
        return stored

    def _verified(self, provider: Provider, body: bytes, signature: str) -> VerifiedWebhook:
        try:
            return self.adapters[provider].verify(body, signature)
        except WebhookUnreadable as error:
            logger.warning("webhook.unreadable", provider=provider, bytes=len(body), **error.private)
            return VerifiedWebhook(external_id=f"sha256:{hashlib.sha256(body).hexdigest()}", event_type=UNREADABLE)
        except (SignatureInvalid, WebhookStale) as error:
            reason = REASONS[type(error)]
            WEBHOOK_REJECTIONS.labels(provider, reason).inc()
            logger.warning("webhook.rejected", provider=provider, reason=reason, bytes=len(body))
            raise


def _shown(payload: Any) -> dict[str, Any] | None:
    if not isinstance(payload, dict):
        return None
    return {name: content if name in SHOWN_OF_SEALED else REDACTED for name, content in payload.items()}
