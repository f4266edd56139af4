"""Records of webhooks."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.clients.users.payments import Provider


class WebhookStatus(enum.StrEnum):
    RECEIVED = "received"  # waits for its job
    PROCESSING = "processing"  # its job has begun, and is retried until it succeeds or fails permanently
    PROCESSED = "processed"
    IGNORED = "ignored"  # of an unused type, or without a report
    FAILED = "failed"  # needs an admin: it contradicts the record, cannot be parsed, or all attempts failed
    UNMATCHED = "unmatched"  # about an unknown payment or reservation


DONE: Final = frozenset({WebhookStatus.PROCESSED, WebhookStatus.IGNORED})
"""A webhook in another status may be processed again, and needs the codes that it carries."""


class WebhookError(BaseModel):
    code: str
    message: str


class EarlierOutcome(BaseModel):
    """A webhook's outcome before an admin replayed it."""

    status: WebhookStatus
    outcome: str | None
    error: WebhookError | None
    attempts: int
    job_id: uuid.UUID
    processed_at: datetime | None
    replayed_at: datetime
    replayed_by: uuid.UUID


class WebhookSummary(BaseModel):
    """`attempts` counts the attempts since the webhook was received or last replayed; `job_id` is their job."""

    model_config = ConfigDict(frozen=True)

    webhook_id: uuid.UUID
    provider: Provider
    external_id: str = Field(examples=["evt_1PqRsT"])
    event_type: str = Field(examples=["payment_intent.succeeded"])
    status: WebhookStatus
    outcome: str | None = Field(
        description="The outcome at the ledger or, for a supplier's notice, at the order.", examples=["CREDITED"]
    )
    payment_id: uuid.UUID | None
    attempts: int
    replays: int
    job_id: uuid.UUID
    error: WebhookError | None
    received_at: datetime
    processed_at: datetime | None


class WebhookView(WebhookSummary):
    """A stored webhook."""

    earlier: list[EarlierOutcome] = Field(description="The outcomes before each replay, oldest first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWebhook:
    """A webhook as its job processes it."""

    webhook_id: uuid.UUID
    provider: Provider
    body: bytes
    replay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOutcome:
    """The outcome of processing a webhook."""

    status: WebhookStatus
    outcome: str | None = None
    payment_id: uuid.UUID | None = None
    error: WebhookError | None = None
