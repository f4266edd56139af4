"""The inbox: takes webhooks in, shows them to admins, and has them processed again."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Final

from common.http.envelope import Page
from common.redaction import redacted
from common.telemetry.logs import get_logger
from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.errors import WebhookNotFound
from orchestrator.features.inbound_webhooks.metrics import WEBHOOK_REJECTIONS, WEBHOOKS
from orchestrator.features.inbound_webhooks.models.records import WebhookStatus, WebhookView
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.inbound_webhooks.schemas import KIND, ProcessWebhook, WebhookDetail, WebhookSummary
from orchestrator.features.payments.adapters.port import Inbound, WebhookAdapter
from orchestrator.features.payments.errors import SignatureInvalid, WebhookStale, WebhookUnreadable
from orchestrator.jobs.service import JobQueue

__all__ = ["WebhookInbox"]

REASONS: Final = {SignatureInvalid: "signature", WebhookStale: "stale"}
UNREADABLE: Final = "unreadable"
"""The type of a webhook that says not even what it is. Its job fails, so that a person looks."""

logger = get_logger(__name__)


class WebhookInbox:
    def __init__(
        self,
        log: WebhookLog,
        adapters: Mapping[Provider, WebhookAdapter],
        jobs: JobQueue,
    ) -> None:
        self._log = log
        self._adapters = adapters
        self._jobs = jobs

    async def receive(self, provider: Provider, body: bytes, signature: str) -> bool:
        """Store a webhook with the job that processes it; False when it came before.

        Raises:
            SignatureInvalid: it was not the provider who sent this. Nothing is stored.
            WebhookStale: it was signed too long ago. Nothing is stored.
        """
        inbound = self._verified(provider, body, signature)
        webhook_id = uuid.uuid4()
        job = self._jobs.new_job(
            KIND, ProcessWebhook(webhook_id=webhook_id, replay=0), idempotency_key=f"{webhook_id}/0"
        )
        is_new = await self._log.store(inbound, body, provider=provider, webhook_id=webhook_id, job=job)
        if is_new:
            self._jobs.wake()
        else:
            WEBHOOKS.labels(provider, "duplicate").inc()
        return is_new

    async def page(
        self, *, provider: Provider | None, status: WebhookStatus | None, page: Page
    ) -> tuple[list[WebhookSummary], int]:
        """Return a page of webhooks, newest first, and how many there are in all."""
        found, total = await self._log.page(provider=provider, status=status, limit=page.per_page, offset=page.offset)
        return [WebhookSummary.model_validate(webhook) for webhook in found], total

    async def show(self, webhook_id: uuid.UUID) -> WebhookDetail:
        """Return a webhook with what it says, secrets redacted.

        Raises:
            WebhookNotFound.
        """
        webhook, body = await self._find(webhook_id)
        summary = WebhookSummary.model_validate(webhook).model_dump()
        return WebhookDetail(**summary, earlier=webhook.earlier, payload=redacted(body))

    async def replay(self, webhook_id: uuid.UUID, *, admin_id: uuid.UUID) -> WebhookSummary:
        """Have a webhook processed again, whatever came of it. What it did already is not done twice.

        Raises:
            WebhookNotFound.
        """
        webhook, _ = await self._find(webhook_id)
        replay = webhook.replays + 1
        job = self._jobs.new_job(
            KIND, ProcessWebhook(webhook_id=webhook_id, replay=replay), idempotency_key=f"{webhook_id}/{replay}"
        )
        replayed = await self._log.replay(webhook, job, admin_id=admin_id)
        if replayed is None:  # another admin was faster, and one replay is enough
            replayed, _ = await self._find(webhook_id)
        self._jobs.wake()
        return WebhookSummary.model_validate(replayed)

    async def _find(self, webhook_id: uuid.UUID) -> tuple[WebhookView, bytes]:
        found = await self._log.find(webhook_id)
        if found is None:
            raise WebhookNotFound
        return found

    def _verified(self, provider: Provider, body: bytes, signature: str) -> Inbound:
        try:
            return self._adapters[provider].verify(body, signature)
        except WebhookUnreadable as error:
            logger.warning("webhook.unreadable", provider=provider, bytes=len(body), **error.private)
            return Inbound(external_id=f"sha256:{hashlib.sha256(body).hexdigest()}", event_type=UNREADABLE)
        except (SignatureInvalid, WebhookStale) as error:
            reason = REASONS[type(error)]
            WEBHOOK_REJECTIONS.labels(provider, reason).inc()
            logger.warning("webhook.rejected", provider=provider, reason=reason, bytes=len(body))
            raise
