"""The job of a webhook: it passes a payment's report to the ledger, and a supplier's notice to the order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from orchestrator.clients.users.payments import PaymentsClient, Provider, ReportOutcome
from orchestrator.features.digital_goods.service.delivery import DeliveryOutcome, DeliveryService
from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks, without_codes
from orchestrator.features.inbound_webhooks.errors import ReservationUnknown
from orchestrator.features.inbound_webhooks.metrics import WEBHOOKS
from orchestrator.features.inbound_webhooks.models.records import (
    DONE,
    StoredWebhook,
    WebhookError,
    WebhookOutcome,
    WebhookStatus,
)
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.inbound_webhooks.schemas import KIND, ProcessWebhook
from orchestrator.features.payments.adapters.interfaces import WebhookAdapter
from orchestrator.features.payments.errors import WebhookUnreadable
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.policies import FIVE_RETRIES, JobPolicy
from orchestrator.jobs.registry import JobContext

__all__ = ["POLICY", "WebhookProcessor"]

# A fan waits for the money: the last pause repeats for nine minutes. After that, reconciliation repairs the rest.
POLICY: Final = JobPolicy(KIND, max_attempts=20, retry_seconds=FIVE_RETRIES, timeout_seconds=30, concurrency=8)
REPORT: Final = "report"

_STATUS_OF_OUTCOME: Final = {
    ReportOutcome.CREDITED: WebhookStatus.PROCESSED,
    ReportOutcome.NOTED: WebhookStatus.PROCESSED,
    ReportOutcome.IGNORED: WebhookStatus.IGNORED,
    ReportOutcome.MISMATCH: WebhookStatus.FAILED,
    ReportOutcome.UNKNOWN: WebhookStatus.UNMATCHED,
}

_STATUS_OF_DELIVERY: Final = {
    DeliveryOutcome.APPLIED: WebhookStatus.PROCESSED,
    DeliveryOutcome.IGNORED: WebhookStatus.IGNORED,
    DeliveryOutcome.UNMATCHED: WebhookStatus.UNMATCHED,
}

logger = get_logger(__name__)


@dataclass(frozen=True)
class WebhookProcessor:
    log: WebhookLog
    adapters: Mapping[Provider, WebhookAdapter]
    payments: PaymentsClient
    delivery: DeliveryService

    async def process(self, request: ProcessWebhook, context: JobContext) -> Mapping[str, Any]:
        """Apply a webhook's report or notice.

        Raises:
            JobRefused: the webhook cannot be parsed, or has been replayed since.
            ServiceError: a service or the supplier does not respond; the job is to be retried.
        """
        webhook = await self.log.begin(request.webhook_id, replay=request.replay)
        if webhook is None:
            raise JobRefused("The webhook was replayed since, or is deleted.")
        try:
            outcome = await self._outcome_of(webhook, context)
        except WebhookUnreadable as error:
            refusal = WebhookError(code=error.code, message=error.public_message)
            await self._end(webhook, WebhookOutcome(status=WebhookStatus.FAILED, error=refusal))
            raise JobRefused(error.public_message, code=error.code) from error
        except Exception as error:
            await self._record_failure(webhook, error, is_last=context.is_last_attempt)
            raise
        await self._end(webhook, outcome)
        return {"status": outcome.status, "outcome": outcome.outcome}

    async def _outcome_of(self, webhook: StoredWebhook, context: JobContext) -> WebhookOutcome:
        adapter = self.adapters[webhook.provider]
        if isinstance(adapter, SupplierWebhooks):
            return await self._deliver(adapter, webhook, context)
        report = adapter.read_report(webhook.body)
        if report is None:
            return WebhookOutcome(status=WebhookStatus.IGNORED)
        result = await self.payments.report(report, request_id=context.request_id(REPORT))
        if result.outcome is ReportOutcome.MISMATCH:
            logger.error("webhook.mismatch", webhook_id=str(webhook.webhook_id), payment_id=str(result.payment_id))
        return WebhookOutcome(
            status=_STATUS_OF_OUTCOME[result.outcome],
            outcome=result.outcome.value,
            payment_id=result.payment_id,
        )

    async def _deliver(self, adapter: SupplierWebhooks, webhook: StoredWebhook, context: JobContext) -> WebhookOutcome:
        notice = adapter.read_notice(webhook.body)
        if notice is None:
            return WebhookOutcome(status=WebhookStatus.IGNORED)
        outcome = await self.delivery.apply(notice)
        if outcome is DeliveryOutcome.UNMATCHED and not context.is_last_attempt:
            raise ReservationUnknown  # it may be stored in a moment: an instant supplier's notice comes first
        return WebhookOutcome(status=_STATUS_OF_DELIVERY[outcome], outcome=outcome.value)

    async def _end(self, webhook: StoredWebhook, outcome: WebhookOutcome) -> None:
        adapter = self.adapters[webhook.provider]
        is_done = isinstance(adapter, SupplierWebhooks) and outcome.status in DONE
        await self.log.end(webhook, outcome, kept=without_codes(webhook.body) if is_done else None)
        WEBHOOKS.labels(webhook.provider, outcome.status).inc()

    async def _record_failure(self, webhook: StoredWebhook, error: Exception, *, is_last: bool) -> None:
        shown = _shown(error)
        if is_last:
            await self._end(webhook, WebhookOutcome(status=WebhookStatus.FAILED, error=shown))
        else:
            await self.log.record_error(webhook, shown)


def _shown(error: Exception) -> WebhookError:
    if isinstance(error, ServiceError):
        return WebhookError(code=error.code, message=error.public_message)
    return WebhookError(code="INTERNAL_ERROR", message=type(error).__name__)
