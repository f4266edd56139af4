"""Notifications by email and text message, and the payload of the jobs that send them."""

import enum
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from common.time_zones import DEFAULT_TIME_ZONE
from orchestrator.clients.orders.commissions import CommissionType


class Channel(enum.StrEnum):
    """How a notification is sent; the value is the kind of job."""

    EMAIL = "email"
    ACCOUNT_EMAIL = "account_email"
    SMS = "sms"


class NotificationKind(enum.StrEnum):
    """The value is the name of the template."""

    TICKETS_BOUGHT = "tickets_bought"
    TRANSFER_PENDING = "transfer_pending"
    TRANSFER_COMPLETED = "transfer_completed"
    TICKET_RECEIVED = "ticket_received"
    TRANSFER_FAILED = "transfer_failed"
    TRANSFER_REVERSED = "transfer_reversed"
    SALE_PENDING = "sale_pending"
    SALE_COMPLETED = "sale_completed"
    TICKET_RESOLD = "ticket_resold"
    SALE_FAILED = "sale_failed"
    ORDER_REFUNDED = "order_refunded"
    EVENT_CANCELLED = "event_cancelled"
    EVENT_RESCHEDULED = "event_rescheduled"
    PREMIUM_TAKEN_BACK = "premium_taken_back"
    PAYMENT_PARTIALLY_PAID = "payment_partially_paid"
    PAYMENT_CONFIRMED = "payment_confirmed"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_PART_ARRIVED = "payment_part_arrived"
    PAYMENT_LATE = "payment_late"
    PAYMENT_OVERPAID = "payment_overpaid"
    PAYMENT_REFUNDED = "payment_refunded"
    PAYMENT_PARTIALLY_REFUNDED = "payment_partially_refunded"
    PAYMENT_REFUND_FAILED = "payment_refund_failed"
    PAYMENT_DISPUTED = "payment_disputed"
    PAYMENT_DISPUTE_WON = "payment_dispute_won"
    PAYMENT_DISPUTE_LOST = "payment_dispute_lost"
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    EMAIL_CHANGED = "email_changed"
    PHONE_CHANGED = "phone_changed"
    ITEM_QUEUED = "item_queued"
    ITEM_RECEIVED = "item_received"
    ITEM_NEXT = "item_next"
    ITEM_STARTED = "item_started"
    ITEM_COMPLETED = "item_completed"
    ITEM_DECLINED = "item_declined"
    ITEM_EXPIRED = "item_expired"
    ITEM_CANCELLED = "item_cancelled"
    ITEM_FAILED = "item_failed"
    SUBSCRIPTION_STARTED = "subscription_started"
    SUBSCRIPTION_RENEWED = "subscription_renewed"
    SUBSCRIPTION_ENDING_SOON = "subscription_ending_soon"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled"
    SUBSCRIPTION_ENDED = "subscription_ended"
    PAYOUT_COMPLETED = "payout_completed"
    COMMISSION_RECEIVED = "commission_received"
    COMMISSION_ARTICLE_READY = "commission_article_ready"
    COMMISSION_BACKLINK_READY = "commission_backlink_ready"
    COMMISSION_REVISION_READY = "commission_revision_ready"
    COMMISSION_SENT_BACK = "commission_sent_back"
    COMMISSION_COMPLETED = "commission_completed"
    COMMISSION_FAILED = "commission_failed"
    COMMISSION_REFUNDED = "commission_refunded"
    COMMISSION_CANCELLED = "commission_cancelled"
    GOODS_PAID = "goods_paid"
    GOODS_DELIVERED = "goods_delivered"
    GOODS_FAILED = "goods_failed"
    GOODS_REFUNDED = "goods_refunded"
    GOODS_CANCELLED = "goods_cancelled"

    @property
    def brings_tickets(self) -> bool:
        """Whether the recipient receives tickets."""
        return self in {
            NotificationKind.TICKETS_BOUGHT,
            NotificationKind.TICKET_RECEIVED,
            NotificationKind.TICKET_RESOLD,
        }

    @property
    def asks_for_code(self) -> bool:
        """Whether the notification asks for a code, and is useless once that expires."""
        return self in {NotificationKind.TRANSFER_PENDING, NotificationKind.SALE_PENDING}

    @property
    def is_about_commission(self) -> bool:
        return self.startswith("commission_")

    @property
    def is_about_goods(self) -> bool:
        return self.startswith("goods_")


class NotificationRequest(BaseModel):
    """A job's payload: the notification's kind and recipient, and the facts that it is built from."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    kind: NotificationKind = Field(alias="letter")  # the name in stored payloads
    user_id: uuid.UUID
    data: dict[str, Any]


class AccountEmailRequest(BaseModel):
    """A job's payload: the id of an email about an account, whose content the users service has."""

    link_id: uuid.UUID


class AccountEmail(BaseModel):
    """An email about an account, as the users service describes it. A notice has no token."""

    model_config = ConfigDict(extra="ignore")

    purpose: NotificationKind
    address: str
    token: str | None
    phone_ending: str | None = None  # absent in answers of the previous release


class Place(BaseModel):
    """An event's place and time; `time_zone` is the venue's."""

    event_name: str
    venue_name: str
    venue_address: str
    hall_id: str
    time_zone: str = DEFAULT_TIME_ZONE
    event_date: datetime


class SeatLine(BaseModel):
    seat_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int


class PurchaseFacts(BaseModel):
    """What a fan bought from a performer, or a payout for it. Times are shown in the performer's time zone."""

    performer: str = ""
    name: str = ""
    message: str = ""
    """The fan's words to the performer."""
    note: str = ""
    """The performer's words to the fan."""
    explanation: str = ""
    """Why the performer declined, or why an item has failed or expired."""
    reason: str = ""
    """The code of the error that ended a subscription."""
    is_refunded: bool = False
    queue_position: int | None = None
    estimated_wait_minutes: int | None = None
    ends_at: datetime | None = None
    items: int = 0
    """The number of purchases in a payout."""
    time_zone: str = DEFAULT_TIME_ZONE


class CommissionDetails(BaseModel):
    """What a message says about a commission."""

    model_config = ConfigDict(extra="ignore")

    order_id: uuid.UUID
    type: CommissionType
    title: str = ""
    notes: str = ""
    """An admin's, with an order that is sent back."""
    reason: str = ""
    """In plain words, why an order has failed or ended."""
    slug: str = ""
    """Of the published article."""


UNPAID: Final = frozenset({"PAYMENT_EXPIRED", "ORDER_CANCELLED"})
"""Codes of ends of an order that its buyer has not paid."""


class GoodsItem(BaseModel):
    """`status`: in lower case, as messages have it."""

    model_config = ConfigDict(extra="ignore")

    name: str
    status: str


class GoodsDetails(BaseModel):
    """What a message says about an order of digital goods. It never has a code."""

    model_config = ConfigDict(extra="ignore")

    order_id: uuid.UUID
    items: tuple[GoodsItem, ...] = ()
    refunded: Decimal = Decimal(0)
    """What returned to the wallet for items that were not delivered, or for all."""
    code: str = ""
    """Of the error by which an order has failed or ended."""
    reason: str = ""
    """In plain words, why an order has failed or ended."""

    @property
    def may_be_paid_late(self) -> bool:
        """Whether the order ended without its payment. It also ends if other charges took the credits of the payment."""
        return self.code in UNPAID

    @property
    def ordered(self) -> str:
        return _listed(self.items)

    @property
    def undelivered(self) -> str:
        """The items that the supplier could not deliver; empty if there are none."""
        return _listed([item for item in self.items if item.status == "failed"])


def _listed(items: Sequence[GoodsItem]) -> str:
    """Return the names of items: those that are there several times are counted."""
    counts = Counter(item.name for item in items)
    return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in counts.items())


class NotificationContext(BaseModel):
    """The facts that templates use; those that do not apply are absent."""

    reader: str
    address: str | None
    """None for a user without an email address, who gets no email."""
    place: Place | None = None
    purchase: PurchaseFacts | None = None
    commission: CommissionDetails | None = None
    goods: GoodsDetails | None = None
    seats: tuple[SeatLine, ...] = ()
    amount: Decimal | None = None
    refunded: Decimal = Decimal(0)
    """What was refunded of a payment so far."""
    other: str = ""
    """The name of the other party of a transfer, or of a performer's fan."""
    party: str = ""
    """The recipient's role: seller or buyer."""
    expires_at: datetime | None = None
    previous_date: datetime | None = None
    """When an event was to begin whose date has moved."""
    refundable_until: datetime | None = None
    reference: str = ""
    phone_ending: str = ""
    """The last digits of the account's phone, in an email about it."""
    link: str = ""
    """The page on which the recipient acts, or the file that they get."""


class Email(BaseModel):
    """A rendered email."""

    subject: str
    text: str
    html: str
