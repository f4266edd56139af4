"""The bodies and answers of the routes of commissions."""

import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from common.fields import ArticleHtml, Instant, SentText, StoredInstant
from common.http.calls import RepeatableCall, UndoCall
from common.money import Money
from orders.commissions.status import CommissionStatus, CommissionType, ShownStatus

PayWith = Literal["credits", "stripe"]
MoveName = Literal[
    "await-payment",
    "accept",
    "revise",
    "retry",
    "versions",
    "fail",
    "submit",
    "send-back",
    "begin-publication",
    "complete",
]
"""As in the routes."""
UndoName = Literal["end", "abandon-publication"]

Words = Annotated[SentText, Field(max_length=10_000)]
Line = Annotated[SentText, Field(max_length=500)]
Url = Annotated[SentText, Field(max_length=5_000)]
Count = Annotated[int, Field(strict=True, ge=0, le=2_147_483_647)]


class OpenCommission(RepeatableCall):
    """An article has an event; a backlink has the published article that it goes into, an address and an anchor."""

    order_id: uuid.UUID
    customer_user_id: uuid.UUID
    type: CommissionType
    price: Money
    pay_with: PayWith
    event_id: uuid.UUID | None = None
    article_id: uuid.UUID | None = None
    brief: Words
    keywords: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    target_url: Url | None = None
    anchor_text: Line | None = None
    links_allowed: bool = False


class AwaitPayment(RepeatableCall):
    session_id: Line
    url: Url
    expires_at: Instant


class BeginPublication(RepeatableCall):
    """`version_number`: only if this version is the current one."""

    version_number: Count | None = None


class Notes(RepeatableCall):
    notes: Words


class AddVersion(RepeatableCall):
    """`content` is clean HTML, `quality` the report of the checks."""

    round: Count
    title: Line
    content: ArticleHtml
    provider: Line
    model: Line
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cost_usd: Annotated[Decimal, Field(ge=0, lt=1_000_000, decimal_places=6)] | None = None
    quality: dict[str, Any]


class FailCommission(RepeatableCall):
    """`message`: in plain words, for the customer."""

    round: Count
    code: Line
    message: Words


class CompleteCommission(RepeatableCall):
    slug: Line


class EndCommission(UndoCall):
    """The undo of opening. `reason` is the code of the error that ends the order, `explanation` what its customer reads."""

    reason: Annotated[SentText, Field(max_length=100)] = ""
    explanation: Words = ""


class ResumeCommission(BaseModel):
    round: Count


class MovedCommission(BaseModel):
    """`number`: of the current version, 0 if there is none."""

    order_id: uuid.UUID
    status: CommissionStatus
    round: int
    number: int


class UndoneCommission(BaseModel):
    """`status` is null if there is no such order."""

    order_id: uuid.UUID
    status: CommissionStatus | None


class PublicVersion(BaseModel):
    """A version of the text."""

    version_id: uuid.UUID
    number: int = Field(description="1 for the first.")
    title: str = Field(examples=["A night at the Indoor Stadium"])
    content: str = Field(description="Clean HTML.", examples=["<p>The doors open at seven.</p>"])
    notes: str = Field(description="The revision that was asked for.", examples=["A livelier opening, please."])
    changes: str = Field(description="A unified diff of its sentences to the version before; empty for the first.")
    qc_status: Literal["passed", "failed"]
    quality: dict[str, Any] = Field(description="The report of the quality checks.")
    created_at: StoredInstant


class Version(PublicVersion):
    """A version as admins and other services see it, with what all its drafts took."""

    provider: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: str | None


class Comparison(BaseModel):
    """Two versions side by side."""

    order_id: uuid.UUID
    from_version: Version | PublicVersion
    to_version: Version | PublicVersion
    changes: str = Field(description="A unified diff of their sentences.")


_EXAMPLE: JsonDict = {
    "order_id": "7c0f6f1e-0f5e-4a59-9a53-1f0f6ad1c3b7",
    "customer_user_id": "41414141-4141-4141-4141-414141414141",
    "status": "QUALITY_CHECK",
    "type": "ARTICLE",
    "price": "40.00",
    "pay_with": "credits",
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "brief": "A look ahead at the concert, for readers who have never been there.",
    "keywords": ["concert", "Singapore"],
    "links_allowed": True,
    "version_number": 2,
    "title": "A night at the Indoor Stadium",
    "notes": "A livelier opening, please.",
    "review_notes": "",
    "failure_message": "",
    "created_at": "2026-11-20T10:00:00Z",
    "paid_at": "2026-11-20T10:00:01Z",
}


class _Facts(BaseModel):
    order_id: uuid.UUID
    customer_user_id: uuid.UUID
    type: CommissionType
    price: Money
    pay_with: PayWith
    event_id: uuid.UUID | None = Field(description="The event that an article is about.")
    article_id: uuid.UUID | None = Field(description="The published article that a backlink goes into.")
    brief: str
    keywords: list[str]
    target_url: str | None
    anchor_text: str | None
    links_allowed: bool = Field(description="Whether other customers may order backlinks into the article.")
    checkout_url: str | None = Field(description="Where it is paid.")
    version_number: int = Field(description="Of the current version; 0 if there is none.")
    title: str = Field(description="Of the current version.")
    notes: str = Field(description="What the customer asked for with the last revision.")
    review_notes: str = Field(description="What an admin wrote when the order was sent back last.")
    failure_code: str | None
    failure_message: str = Field(description="Why it has failed or ended, in plain words.")
    slug: str | None = Field(description="Of the published article.")
    created_at: StoredInstant
    paid_at: StoredInstant | None
    ended_at: StoredInstant | None


class PublicCommission(_Facts):
    """An order as its customer and admins see it in lists."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    status: ShownStatus


class Commission(_Facts):
    """An order as other services see it. `versions`, oldest first, are empty in lists."""

    status: CommissionStatus
    checkout_expires_at: StoredInstant | None
    round: int
    failed_at: StoredInstant | None
    versions: tuple[Version, ...] = ()

    def public(self) -> PublicCommission:
        is_approved = self.status == CommissionStatus.PUBLISHING
        is_unpaid = self.status == CommissionStatus.AWAITING_PAYMENT
        return PublicCommission(
            **self.model_dump(exclude={"status", "checkout_url", "versions"}),
            status="ADMIN_REVIEW" if is_approved else self.status.value,
            checkout_url=self.checkout_url if is_unpaid else None,
        )


class Stats(BaseModel):
    """`orders` are all; the rest is of those that were paid in the last 30 days, null if there is none."""

    orders: dict[ShownStatus, int]
    revisions_per_order: float | None
    success_rate: float | None = Field(description="The part of the ended orders that is COMPLETED, 0 to 1.")
    median_seconds_to_first_version: float | None
    p95_seconds_to_first_version: float | None
    median_seconds_to_publication: float | None
    p95_seconds_to_publication: float | None
