"""Orders of commissions, what their customers ask for, and what admins decide."""

import uuid
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.fields import HttpUrl, Integer, LineText, PlainText
from common.http.body import RequestBody
from common.money import Money
from orchestrator.clients.orders.commissions import CommissionStatus, CommissionType, PayWith

__all__ = [
    "ApprovalRequest",
    "CommissionMoved",
    "CommissionOrdered",
    "CommissionPrice",
    "CommissionRequest",
    "RefundReason",
    "RevisionRequest",
    "SendBackRequest",
    "WritingRequested",
]

Text = Annotated[PlainText, Field(min_length=1, max_length=2_000)]
Keyword = Annotated[LineText, Field(min_length=1, max_length=60)]


class CommissionRequest(RequestBody):
    """An ARTICLE about a published event, with a link or without; or a BACKLINK into a published article."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "ARTICLE",
                "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
                "brief": "Why fans should not miss tonight's concert.",
                "keywords": ["live music", "Singapore"],
                "pay_with": "credits",
            }
        }
    )

    type: CommissionType
    event_id: uuid.UUID | None = Field(default=None, description="Of an article: the event it is about.")
    article_id: uuid.UUID | None = Field(
        default=None, description="Of a backlink: your own article, or one whose owner allows links."
    )
    brief: Text
    keywords: Annotated[tuple[Keyword, ...], Field(max_length=10)] = ()
    target_url: HttpUrl | None = None
    anchor_text: Annotated[LineText, Field(min_length=1, max_length=100)] | None = None
    links_allowed: bool = Field(
        default=False, description="Whether other customers may order backlinks into the published article."
    )
    pay_with: PayWith = PayWith.CREDITS

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        is_article = self.type is CommissionType.ARTICLE
        if is_article != (self.event_id is not None) or is_article == (self.article_id is not None):
            raise ValueError("an ARTICLE has an event_id, and a BACKLINK an article_id")
        if (self.target_url is None) != (self.anchor_text is None):
            raise ValueError("target_url and anchor_text belong together")
        if not is_article and (self.target_url is None or self.links_allowed):
            raise ValueError("a BACKLINK has a target_url, and does not change whether links are allowed")
        return self


class CommissionPrice(BaseModel):
    type: CommissionType
    price: Money = Field(examples=["40.00"])


class CommissionOrdered(BaseModel):
    """PROCESSING, or AWAITING_PAYMENT: then the order is paid at `checkout_url`."""

    order_id: uuid.UUID
    status: CommissionStatus
    price: Money
    pay_with: PayWith
    checkout_url: str | None = None
    message: str


class RevisionRequest(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": {"revision_notes": "Please make the opening livelier."}})

    revision_notes: Text


class ApprovalRequest(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": {"version_number": 2}})

    version_number: Annotated[Integer, Field(ge=1, le=2_147_483_647)] | None = Field(
        default=None, description="The version that was read: if another one is the current one, nothing is published."
    )


class SendBackRequest(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": {"notes": "Please name the venue."}})

    notes: Text


class RefundReason(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": {"reason": "The event has changed."}})

    reason: Annotated[PlainText, Field(min_length=1, max_length=500, description="For the audit trail.")]


class WritingRequested(BaseModel):
    order_id: uuid.UUID
    job_id: uuid.UUID
    estimated_time: str = Field(examples=["10-30 minutes"])
    message: str


class CommissionMoved(BaseModel):
    """The order's new status; `slug` is the published article's."""

    order_id: uuid.UUID
    status: CommissionStatus
    slug: str | None = None
    message: str
