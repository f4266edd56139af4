"""What operators see of webhooks."""

from prometheus_client import Counter

from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.models.records import WebhookStatus

__all__ = ["WEBHOOKS", "WEBHOOK_REJECTIONS"]

WEBHOOKS = Counter(
    "webhooks_total", "Webhooks taken, by what came of them; duplicate: was there.", ["provider", "status"]
)
WEBHOOK_REJECTIONS = Counter("webhook_rejections_total", "Webhooks refused and not stored.", ["provider", "reason"])

# Known from the start: a counter that appears with its first event shows no increase.
for provider in Provider:
    for status in WebhookStatus:
        WEBHOOKS.labels(provider, status)
