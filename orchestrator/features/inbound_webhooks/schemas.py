"""Webhooks as admins see them, and the payload of their jobs."""

import uuid
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from orchestrator.features.inbound_webhooks.models.records import WebhookView

KIND: Final = "webhook"  # of the job that processes one


class WebhookReceived(BaseModel):
    received: Literal[True] = True


class WebhookDetail(WebhookView):
    payload: Any = Field(
        description="The body with secrets redacted; null if it is not JSON.", examples=[{"id": "evt_1PqRsT"}]
    )


class ProcessWebhook(BaseModel):
    """A webhook, and the number of its replay."""

    webhook_id: uuid.UUID
    replay: int
