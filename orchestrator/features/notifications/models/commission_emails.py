"""Which emails the messages about commissions bring: one at each turn of the order to the customer (C5).

A submission is in the feed only: the customer has just made it.
"""

from collections.abc import Mapping
from typing import Final

from common.messaging.message import Message
from orchestrator.clients.orders.commissions import CommissionType
from orchestrator.features.notifications.models.notifications import NotificationKind

PREFIX: Final = "commission."
_EMAILS: Final[Mapping[str, NotificationKind]] = {
    "commission.received": NotificationKind.COMMISSION_RECEIVED,
    "commission.ready": NotificationKind.COMMISSION_ARTICLE_READY,
    "commission.revision_ready": NotificationKind.COMMISSION_REVISION_READY,
    "commission.sent_back": NotificationKind.COMMISSION_SENT_BACK,
    "commission.completed": NotificationKind.COMMISSION_COMPLETED,
    "commission.failed": NotificationKind.COMMISSION_FAILED,
    "commission.refunded": NotificationKind.COMMISSION_REFUNDED,
    "commission.cancelled": NotificationKind.COMMISSION_CANCELLED,
}


def commission_email(message: Message) -> NotificationKind | None:
    """Return the email that the customer of an order gets because of a message."""
    kind = _EMAILS.get(message.type)
    if kind is NotificationKind.COMMISSION_ARTICLE_READY and message.data.get("type") == CommissionType.BACKLINK:
        return NotificationKind.COMMISSION_BACKLINK_READY
    return kind
