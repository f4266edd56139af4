"""The job of a webhook: what it says of a payment goes to the ledger, which decides."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.users.payments import PaymentsClient, Provider, ReportOutcome
from orchestrator.features.inbound_webhooks.metrics import WEBHOOKS
from orchestrator.features.inbound_webhooks.models.records import (
    StoredWebhook,
    WebhookError,
    WebhookOutcome,
    WebhookStatus,
)
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.inbound_webhooks.schemas import KIND, ProcessWebhook
from orchestrator.features.payments.adapters.port import WebhookAdapter
from orchestrator.features.payments.errors import WebhookUnreadable
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.policies import FIVE_REPETITIONS, JobPolicy
from orchestrator.jobs.registry import JobContext

__all__ = ["POLICY", "WebhookProcessor"]

# Money is waiting: the last pause repeats for nine minutes. After that the reconciliation repairs what is left.
POLICY: Final = JobPolicy(KIND, tries=20, retry_seconds=FIVE_REPETITIONS, timeout_seconds=30, concurrency=8)
REPORT: Final = "report"

_STATUS_OF_OUTCOME: Final = {
    ReportOutcome.CREDITED: WebhookStatus.PROCESSED,
    ReportOutcome.NOTED: WebhookStatus.PROCESSED,
    ReportOutcome.IGNORED: WebhookStatus.IGNORED,
    ReportOutcome.MISMATCH: WebhookStatus.FAILED,
    ReportOutcome.UNKNOWN: WebhookStatus.UNMATCHED,
}

logger = get_logger(__name__)


class WebhookProcessor:
    def __init__(self, log: WebhookLog, adapters: Mapping[Provider, WebhookAdapter], payments: PaymentsClient) -> None:
        self._log = log
        self._adapters = adapters
        self._payments = payments

    async def process(self, work: ProcessWebhook, context: JobContext) -> Mapping[str, Any]:
        """Do what a webhook means.

        Raises:
            JobRefused: it cannot be read, or it was replayed since.
            ServiceError: the ledger cannot be asked; the next try will.
        """
        webhook = await self._log.begin(work.webhook_id, replay=work.replay)
        if webhook is None:
            raise JobRefused("The webhook was replayed since, or is gone.")
        try:
            verdict = await self._judge(webhook, context.request_id(REPORT))
        except WebhookUnreadable as error:
            refusal = WebhookError(code=error.code, message=error.public_message)
            await self._end(webhook, WebhookOutcome(status=WebhookStatus.FAILED, error=refusal))
            raise JobRefused(error.public_message, code=error.code) from error
        except Exception as error:
            await self._note_failure(webhook, error, is_last=context.is_last_attempt)
            raise
        await self._end(webhook, verdict)
        return {"status": verdict.status, "outcome": verdict.outcome}

    async def _judge(self, webhook: StoredWebhook, request_id: uuid.UUID) -> WebhookOutcome:
        news = self._adapters[webhook.provider].news(webhook.body)
        if news is None:
            return WebhookOutcome(status=WebhookStatus.IGNORED)
        report = await self._payments.report(news, request_id=request_id)
        if report.outcome is ReportOutcome.MISMATCH:
            logger.error("webhook.contradicts", webhook_id=str(webhook.webhook_id), payment_id=str(report.payment_id))
        return WebhookOutcome(
            status=_STATUS_OF_OUTCOME[report.outcome],
            outcome=report.outcome.value,
            payment_id=report.payment_id,
        )

    async def _end(self, webhook: StoredWebhook, verdict: WebhookOutcome) -> None:
        await self._log.end(webhook, verdict)
        WEBHOOKS.labels(webhook.provider, verdict.status).inc()

    async def _note_failure(self, webhook: StoredWebhook, error: Exception, *, is_last: bool) -> None:
        why = _shown(error)
        if is_last:
            await self._end(webhook, WebhookOutcome(status=WebhookStatus.FAILED, error=why))
        else:
            await self._log.note_error(webhook, why)


def _shown(error: Exception) -> WebhookError:
    if isinstance(error, ServiceError):
        return WebhookError(code=error.code, message=error.public_message)
    return WebhookError(code="INTERNAL_ERROR", message=type(error).__name__)
