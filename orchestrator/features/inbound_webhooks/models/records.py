"""What is stored of a webhook."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from orchestrator.clients.users.payments import Provider

__all__ = ["EarlierOutcome", "StoredWebhook", "WebhookError", "WebhookOutcome", "WebhookStatus", "WebhookView"]


class WebhookStatus(enum.StrEnum):
    RECEIVED = "received"  # waits for its job
    PROCESSING = "processing"  # its job was begun, and will be tried again until it succeeds or has failed for good
    PROCESSED = "processed"
    IGNORED = "ignored"  # of a type that we have no use for, or it says nothing new
    FAILED = "failed"  # somebody must look: it contradicts our record, cannot be read, or no try succeeded
    UNMATCHED = "unmatched"  # about a payment that is none of ours


class WebhookError(BaseModel):
    code: str
    message: str


class EarlierOutcome(BaseModel):
    """What had come of a webhook when an admin had it processed again."""

    status: WebhookStatus
    outcome: str | None
    error: WebhookError | None
    attempts: int
    job_id: uuid.UUID
    processed_at: datetime | None
    replayed_at: datetime
    replayed_by: uuid.UUID


class WebhookView(BaseModel):
    """One webhook as it was last written; `outcome` is what the ledger made of it."""

    model_config = ConfigDict(frozen=True)

    webhook_id: uuid.UUID
    provider: Provider
    external_id: str
    event_type: str
    status: WebhookStatus
    outcome: str | None
    payment_id: uuid.UUID | None
    attempts: int
    replays: int
    job_id: uuid.UUID
    error: WebhookError | None
    earlier: list[EarlierOutcome]
    received_at: datetime
    processed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWebhook:
    """What its job works on."""

    webhook_id: uuid.UUID
    provider: Provider
    body: bytes
    replay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOutcome:
    """What came of a webhook."""

    status: WebhookStatus
    outcome: str | None = None
    payment_id: uuid.UUID | None = None
    error: WebhookError | None = None
