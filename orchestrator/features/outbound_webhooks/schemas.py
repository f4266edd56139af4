"""Subscriptions and deliveries, as admins see them."""

import uuid
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.fields import PlainText
from common.http.body import RequestBody

__all__ = [
    "DELIVERABLE",
    "KIND",
    "DeliverWebhook",
    "Delivery",
    "NewSubscription",
    "Subscription",
    "SubscriptionWithSecret",
]

KIND: Final = "delivery"  # of the job that delivers one

MessageType = Literal[
    "order.confirmed",
    "order.refunded",
    "order.cancelled",
    "order.failed",
    "transfer.pending",
    "transfer.completed",
    "transfer.failed",
    "transfer.reversed",
    "sale.pending",
    "sale.completed",
    "sale.failed",
    "event.cancelled",
    "event.rescheduled",
    "payment.confirmed",
    "payment.failed",
    "payment.partially_paid",
    "payment.overpaid",
    "payment.refunded",
    "payment.partially_refunded",
    "payment.refund_failed",
    "payment.disputed",
    "payment.dispute_won",
    "payment.dispute_lost",
    "purchased_item.queued",
    "purchased_item.next",
    "purchased_item.started",
    "purchased_item.success",
    "purchased_item.failed",
    "purchased_item.cancelled",
    "purchased_item.declined",
    "purchased_item.expired",
    "subscription.started",
    "subscription.renewed",
    "subscription.ending_soon",
    "subscription.ended",
    "subscription.cancelled",
    "payout.completed",
    "commission.received",
    "commission.ready",
    "commission.revision_ready",
    "commission.submitted",
    "commission.sent_back",
    "commission.completed",
    "commission.failed",
    "commission.refunded",
    "commission.cancelled",
    "fulfillment.created",
    "fulfillment.paid",
    "fulfillment.reserved",
    "fulfillment.ready",
    "fulfillment.fulfilled",
    "fulfillment.failed",
    "fulfillment.resumed",
    "fulfillment.refunded",
    "fulfillment.cancelled",
]
DELIVERABLE: Final[frozenset[str]] = frozenset(MessageType.__args__)  # type: ignore[attr-defined] # typing's own


class NewSubscription(RequestBody):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"url": "https://integrator.example/hooks", "message_types": ["order.confirmed"]}
        },
    )

    url: Annotated[PlainText, Field(min_length=1, max_length=2_000)]
    message_types: Annotated[list[MessageType], Field(min_length=1, max_length=100)]


class Subscription(BaseModel):
    subscription_id: uuid.UUID
    url: str
    message_types: list[str]
    status: Literal["ACTIVE", "DISABLED"]
    reason: str | None = Field(description="Why the subscription is disabled.")
    created_at: datetime


class SubscriptionWithSecret(Subscription):
    secret: str = Field(description="Signs each webhook (Standard Webhooks). It cannot be shown again.")


class Delivery(BaseModel):
    """A message for one subscription. `last_status` is the HTTP status of the URL's last response, if there was one."""

    delivery_id: uuid.UUID
    subscription_id: uuid.UUID
    message_id: uuid.UUID
    message_type: str
    status: Literal["PENDING", "DELIVERED", "FAILED"]
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None


class DeliverWebhook(BaseModel):
    """The payload of a job."""

    delivery_id: uuid.UUID
