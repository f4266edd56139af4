"""The users that a message concerns, what each of them sees of it, and which emails each gets."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.messaging.message import InvalidMessage, Message
from orchestrator.features.notifications.models.notifications import Channel, NotificationKind

__all__ = ["Notice", "notices_of", "shown"]

# The fields in which messages name users. `shares` maps users to amounts.
USER_FIELDS: Final = ("user_id", "seller_user_id", "buyer_user_id")
SHARES: Final = "shares"
# Fields that users and integrators do not see.
PRIVATE_FIELDS: Final = frozenset({SHARES, "error", "flags"})

_BOTH: Final = ("seller", "buyer")
_EMAILS: Final[Mapping[str, Mapping[str, NotificationKind]]] = {
    "order.confirmed": {"": NotificationKind.TICKETS_BOUGHT},
    "transfer.pending": dict.fromkeys(_BOTH, NotificationKind.TRANSFER_PENDING),
    "transfer.completed": {"seller": NotificationKind.TRANSFER_COMPLETED, "buyer": NotificationKind.TICKET_RECEIVED},
    "transfer.failed": dict.fromkeys(_BOTH, NotificationKind.TRANSFER_FAILED),
    "transfer.reversed": dict.fromkeys(_BOTH, NotificationKind.TRANSFER_REVERSED),
    "sale.pending": {"seller": NotificationKind.SALE_PENDING},
    "sale.completed": {"seller": NotificationKind.SALE_COMPLETED, "buyer": NotificationKind.TICKET_RESOLD},
    "sale.failed": {"buyer": NotificationKind.SALE_FAILED},
    "payment.partially_paid": {"": NotificationKind.PAYMENT_PARTIALLY_PAID},
    "payment.confirmed": {"": NotificationKind.PAYMENT_CONFIRMED},
    "payment.failed": {"": NotificationKind.PAYMENT_FAILED},
    "payment.refunded": {"": NotificationKind.PAYMENT_REFUNDED},
    "payment.partially_refunded": {"": NotificationKind.PAYMENT_PARTIALLY_REFUNDED},
    "payment.refund_failed": {"": NotificationKind.PAYMENT_REFUND_FAILED},
    "payment.disputed": {"": NotificationKind.PAYMENT_DISPUTED},
    "payment.dispute_won": {"": NotificationKind.PAYMENT_DISPUTE_WON},
    "payment.dispute_lost": {"": NotificationKind.PAYMENT_DISPUTE_LOST},
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A user's feed entry, and the emails and text messages that go with it."""

    user_id: uuid.UUID
    entry: dict[str, Any]
    emails: tuple[tuple[Channel, NotificationKind], ...] = ()


def notices_of(message: Message) -> list[Notice]:
    """Return a notice for each user that the message names.

    Raises:
        InvalidMessage: it names a user by an invalid id.
    """
    return [
        Notice(user_id, _entry(message, user_id), tuple(_emails(message, user_id)))
        for user_id in sorted(_user_ids(message))
    ]


def shown(message: Message) -> dict[str, Any]:
    """Return a message's data without private fields and other users' shares."""
    return {name: value for name, value in message.data.items() if name not in PRIVATE_FIELDS}


def _user_ids(message: Message) -> set[uuid.UUID]:
    named = [message.data[name] for name in USER_FIELDS if message.data.get(name) is not None]
    try:
        return {uuid.UUID(user_id) for user_id in [*named, *message.data.get(SHARES, {})]}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidMessage(message_id=message.id) from error


def _entry(message: Message, user_id: uuid.UUID) -> dict[str, Any]:
    """Return what the user sees, with their own share only."""
    share = message.data.get(SHARES, {}).get(str(user_id))
    return {
        "id": str(message.id),
        "type": message.type,
        "time": message.time.isoformat(),
        "subject": message.subject,
        "data": shown(message) | ({"amount": share} if share is not None else {}),
    }


def _emails(message: Message, user_id: uuid.UUID) -> Iterator[tuple[Channel, NotificationKind]]:
    if message.type == "order.refunded":
        yield from _refund_emails(message, user_id)
    elif kind := _EMAILS.get(message.type, {}).get(_party(message, user_id)):
        yield Channel.EMAIL, kind


def _refund_emails(message: Message, user_id: uuid.UUID) -> Iterator[tuple[Channel, NotificationKind]]:
    """Notify the tickets' owners; a buyer who transferred all tickets gets no email."""
    if str(user_id) not in message.data.get(SHARES, {}):
        return
    if message.data.get("event_is_off"):
        yield Channel.EMAIL, NotificationKind.EVENT_CANCELLED
        yield Channel.SMS, NotificationKind.EVENT_CANCELLED  # the fan may already be on the way
    else:
        yield Channel.EMAIL, NotificationKind.ORDER_REFUNDED


def _party(message: Message, user_id: uuid.UUID) -> str:
    """Return `seller` or `buyer`, or an empty string if the message has a single party."""
    for party in _BOTH:
        if message.data.get(f"{party}_user_id") == str(user_id):
            return party
    return ""
