"""Whom a message of the platform concerns, what they see of it, and which letters they get."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.messaging.message import InvalidMessage, Message
from orchestrator.features.notifications.models.emails import Channel, EmailKind

__all__ = ["Notice", "notices_of", "shown"]

# Where messages name people. `shares` maps them to what they got.
PEOPLE: Final = ("user_id", "seller_user_id", "buyer_user_id")
SHARES: Final = "shares"
# What only the sender and we need to know.
NOT_SHOWN: Final = frozenset({SHARES, "error", "flags"})

_BOTH: Final = ("seller", "buyer")
_MAIL_OF: Final[Mapping[str, Mapping[str, EmailKind]]] = {
    "order.confirmed": {"": EmailKind.TICKETS_BOUGHT},
    "transfer.pending": dict.fromkeys(_BOTH, EmailKind.TRANSFER_PENDING),
    "transfer.completed": {"seller": EmailKind.TRANSFER_COMPLETED, "buyer": EmailKind.TICKET_RECEIVED},
    "transfer.failed": dict.fromkeys(_BOTH, EmailKind.TRANSFER_FAILED),
    "transfer.reversed": dict.fromkeys(_BOTH, EmailKind.TRANSFER_REVERSED),
    "sale.pending": {"seller": EmailKind.SALE_PENDING},
    "sale.completed": {"seller": EmailKind.SALE_COMPLETED, "buyer": EmailKind.TICKET_RESOLD},
    "sale.failed": {"buyer": EmailKind.SALE_FAILED},
    "payment.partially_paid": {"": EmailKind.PAYMENT_PARTIALLY_PAID},
    "payment.confirmed": {"": EmailKind.PAYMENT_CONFIRMED},
    "payment.failed": {"": EmailKind.PAYMENT_FAILED},
    "payment.refunded": {"": EmailKind.PAYMENT_REFUNDED},
}
_MAIL: Final = Channel.EMAIL


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is told. `letters` says by which ways besides the feed."""

    user_id: uuid.UUID
    entry: dict[str, Any]
    letters: tuple[tuple[Channel, EmailKind], ...] = ()


def notices_of(message: Message) -> list[Notice]:
    """Return a notice for each person that the message names; none for messages that concern nobody in particular.

    Raises:
        InvalidMessage: it names somebody by what is no id.
    """
    return [
        Notice(user_id, _entry(message, user_id), tuple(_letters(message, user_id)))
        for user_id in sorted(_people(message))
    ]


def shown(message: Message) -> dict[str, Any]:
    """Return what a message says to whoever it is sent to: nothing of what others got, nothing for our eyes only."""
    return {name: value for name, value in message.data.items() if name not in NOT_SHOWN}


def _people(message: Message) -> set[uuid.UUID]:
    named = [message.data[name] for name in PEOPLE if message.data.get(name) is not None]
    try:
        return {uuid.UUID(user_id) for user_id in [*named, *message.data.get(SHARES, {})]}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidMessage(message_id=message.id) from error


def _entry(message: Message, user_id: uuid.UUID) -> dict[str, Any]:
    """Return what they see: not what others got."""
    share = message.data.get(SHARES, {}).get(str(user_id))
    return {
        "id": str(message.id),
        "type": message.type,
        "time": message.time.isoformat(),
        "subject": message.subject,
        "data": shown(message) | ({"amount": share} if share is not None else {}),
    }


def _letters(message: Message, user_id: uuid.UUID) -> Iterator[tuple[Channel, EmailKind]]:
    if message.type == "order.refunded":
        yield from _refund_letters(message, user_id)
    elif kind := _MAIL_OF.get(message.type, {}).get(_party(message, user_id)):
        yield _MAIL, kind


def _refund_letters(message: Message, user_id: uuid.UUID) -> Iterator[tuple[Channel, EmailKind]]:
    """Write to whoever had the tickets; who had handed them all on has nothing to do with it any more."""
    if str(user_id) not in message.data.get(SHARES, {}):
        return
    if message.data.get("event_is_off"):
        yield _MAIL, EmailKind.EVENT_CANCELLED
        yield Channel.SMS, EmailKind.EVENT_CANCELLED  # somebody may be on the way already
    else:
        yield _MAIL, EmailKind.ORDER_REFUNDED


def _party(message: Message, user_id: uuid.UUID) -> str:
    """Return `seller` or `buyer`; nothing where there is but one party."""
    for party in _BOTH:
        if message.data.get(f"{party}_user_id") == str(user_id):
            return party
    return ""
