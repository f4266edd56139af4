"""Which emails the messages about payments and digital orders bring: one for each turn that the buyer is to know of.

What a payment means to a waiting digital order, its order says: it is paid, or cancelled. The payment speaks for itself
once that order has ended: then it is closed, and what arrives becomes credits.
"""

from collections.abc import Mapping
from typing import Final

from common.messaging.message import Message
from orchestrator.features.notifications.models.notifications import NotificationKind

__all__ = ["payment_email"]

_EMAILS: Final[Mapping[str, NotificationKind]] = {
    "payment.partially_paid": NotificationKind.PAYMENT_PARTIALLY_PAID,
    "payment.confirmed": NotificationKind.PAYMENT_CONFIRMED,
    "payment.failed": NotificationKind.PAYMENT_FAILED,
    "payment.overpaid": NotificationKind.PAYMENT_OVERPAID,
    "payment.refunded": NotificationKind.PAYMENT_REFUNDED,
    "payment.partially_refunded": NotificationKind.PAYMENT_PARTIALLY_REFUNDED,
    "payment.refund_failed": NotificationKind.PAYMENT_REFUND_FAILED,
    "payment.disputed": NotificationKind.PAYMENT_DISPUTED,
    "payment.dispute_won": NotificationKind.PAYMENT_DISPUTE_WON,
    "payment.dispute_lost": NotificationKind.PAYMENT_DISPUTE_LOST,
    "fulfillment.paid": NotificationKind.GOODS_PAID,
    "fulfillment.fulfilled": NotificationKind.GOODS_DELIVERED,
    "fulfillment.failed": NotificationKind.GOODS_FAILED,
    "fulfillment.refunded": NotificationKind.GOODS_REFUNDED,
    "fulfillment.cancelled": NotificationKind.GOODS_CANCELLED,
}
_WHILE_THE_ORDER_WAITS: Final[Mapping[str, NotificationKind | None]] = {
    "payment.partially_paid": NotificationKind.PAYMENT_PART_ARRIVED,
    "payment.confirmed": None,
}
_AFTER_THE_ORDER: Final[Mapping[str, NotificationKind | None]] = {
    "payment.partially_paid": None,  # less than a cent
    "payment.confirmed": NotificationKind.PAYMENT_LATE,
    "payment.failed": None,
}
PURPOSE: Final = "digital_order"
EXPIRED: Final = "EXPIRED"
# The supplier refused every item: the refund, which follows at once, has an email of its own.
GOODS_FAILED: Final = "GOODS_FAILED"


def payment_email(message: Message) -> NotificationKind | None:
    """Return the email that a payer or the buyer of a digital order gets because of a message."""
    usual = _EMAILS.get(message.type)
    if message.type == "fulfillment.failed":
        return None if message.data.get("code") == GOODS_FAILED else usual
    if message.data.get("purpose") != PURPOSE:
        return usual
    if message.data.get("closed_at"):
        return _AFTER_THE_ORDER.get(message.type, usual)
    if message.type == "payment.failed" and message.data.get("status") == EXPIRED:
        return None
    return _WHILE_THE_ORDER_WAITS.get(message.type, usual)
