"""What customers and admins see of an order, and how the work goes on."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from common.fields import is_none
from common.money import Money
from orchestrator.clients.orders.commissions import CommissionType, PayWith, QualityReport
from orchestrator.jobs.record import JobStatus, KindStats

CommissionState = Literal[
    "AWAITING_PAYMENT", "PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW", "COMPLETED", "FAILED", "REFUNDED", "CANCELLED"
]  # fmt: skip


class Attributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class OrderDetails(Attributes):
    """What was ordered. An article is about an event; a backlink goes into a published article."""

    type: CommissionType
    event_id: uuid.UUID | None
    article_id: uuid.UUID | None
    brief: str
    keywords: list[str]
    target_url: str | None
    anchor_text: str | None
    links_allowed: bool
    price: Money
    pay_with: PayWith
    created_at: datetime


class Progress(Attributes):
    """Step 0 is an order that is not paid."""

    step: int = Field(ge=0, le=5)
    total: Literal[5] = 5
    description: str


class VersionSummary(Attributes):
    """A version; `notes` is the revision that was asked for, `changes` a unified diff to the version before."""

    version_id: uuid.UUID
    number: int
    title: str
    notes: str
    qc_status: str
    changes: str
    created_at: datetime


class Version(VersionSummary):
    """The current version. `content` is HTML."""

    content: str
    quality: QualityReport


class WritingJobView(Attributes):
    job_id: uuid.UUID
    type: str
    status: JobStatus
    attempts: int
    progress: Progress | None
    created_at: datetime


class QueueInfo(BaseModel):
    """The latest jobs of the order, newest first. `has_failed_job` tells of the newest one."""

    has_active_job: bool
    has_failed_job: bool
    jobs: list[WritingJobView]


class CommissionFailure(BaseModel):
    """Why an order failed or ended, in plain words."""

    code: str
    message: str


class CommissionView(BaseModel):
    order_id: uuid.UUID
    status: CommissionState
    status_message: str
    order_details: OrderDetails
    checkout_url: str | None = Field(default=None, exclude_if=is_none, description="While the order awaits payment.")
    progress: Progress
    version: Version | None
    versions: list[VersionSummary] = Field(description="The latest 20, oldest first.")
    queue: QueueInfo
    estimated_time: str | None = Field(
        default=None, exclude_if=is_none, examples=["2-5 minutes"], description="While the text is written."
    )
    can_request_revision: bool
    can_submit_for_review: bool
    review_notes: str = Field(description="What an admin wrote when the order was sent back.")
    failure: CommissionFailure | None = Field(default=None, exclude_if=is_none)
    slug: str | None = Field(default=None, exclude_if=is_none)
    article_url: str | None = Field(default=None, exclude_if=is_none, description="Where the article is published.")


class CommissionStats(BaseModel):
    """`orders` are all; the rest is of those that were paid in the last 30 days. `jobs` is the work of the last 24 hours."""

    orders: dict[CommissionState, int]
    revisions_per_order: float | None
    success_rate: float | None = Field(description="The part of the ended orders that is COMPLETED, 0 to 1.")
    median_seconds_to_first_version: float | None
    p95_seconds_to_first_version: float | None
    median_seconds_to_publication: float | None
    p95_seconds_to_publication: float | None
    jobs: KindStats
