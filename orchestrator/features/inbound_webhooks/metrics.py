"""Metrics of inbound webhooks."""

from prometheus_client import Counter

from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.models.records import WebhookStatus

WEBHOOKS = Counter(
    "webhooks_total", "Webhooks accepted, by outcome; duplicate: received before.", ["provider", "status"]
)
WEBHOOK_REJECTIONS = Counter("webhook_rejections_total", "Webhooks rejected and not stored.", ["provider", "reason"])

# Initialised, because a counter that first appears with its first event shows no increase.
for provider in Provider:
    for status in WebhookStatus:
        WEBHOOKS.labels(provider, status)
