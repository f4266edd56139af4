"""Webhooks as providers are answered, and as admins see them."""

import uuid
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.models.records import EarlierOutcome, WebhookError, WebhookStatus

__all__ = ["KIND", "ProcessWebhook", "WebhookDetail", "WebhookReceived", "WebhookSummary"]

KIND: Final = "webhook"  # of the job that processes one


class WebhookReceived(BaseModel):
    received: Literal[True] = True


class WebhookSummary(BaseModel):
    """`attempts` counts the tries since it came or was last replayed; `job_id` is the job of these tries."""

    model_config = ConfigDict(from_attributes=True)

    webhook_id: uuid.UUID
    provider: Provider
    external_id: str = Field(examples=["evt_1PqRsT"])
    event_type: str = Field(examples=["payment_intent.succeeded"])
    status: WebhookStatus
    outcome: str | None = Field(description="What the ledger made of it.", examples=["CREDITED"])
    payment_id: uuid.UUID | None
    attempts: int
    replays: int
    job_id: uuid.UUID
    error: WebhookError | None
    received_at: datetime
    processed_at: datetime | None


class WebhookDetail(WebhookSummary):
    earlier: list[EarlierOutcome] = Field(description="What had come of it before each replay, the first first.")
    payload: Any = Field(
        description="What it says, secrets redacted; null when it is no JSON.", examples=[{"id": "evt_1PqRsT"}]
    )


class ProcessWebhook(BaseModel):
    """Which webhook, and the how manieth time an admin wants it processed again."""

    webhook_id: uuid.UUID
    replay: int
