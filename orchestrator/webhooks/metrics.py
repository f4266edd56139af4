"""What operators see of webhooks."""

from prometheus_client import Counter

__all__ = ["WEBHOOKS", "WEBHOOK_REJECTIONS"]

WEBHOOKS = Counter(
    "webhooks_total", "Webhooks taken, by what came of them; duplicate: was there.", ["provider", "status"]
)
WEBHOOK_REJECTIONS = Counter("webhook_rejections_total", "Webhooks refused and not stored.", ["provider", "reason"])
