"""The users that a message concerns, what each of them sees of it, and which emails each gets.

Each user sees their own seats and amounts only, and no id of another user. If a message tells its parties different
things, its sender writes what each of them sees into its field `views`, by user.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.feeds import ADMIN_FEED
from common.messaging.message import InvalidMessage, Message
from orchestrator.features.notifications.models.admin_feed import admin_facts
from orchestrator.features.notifications.models.commission_emails import PREFIX, commission_email
from orchestrator.features.notifications.models.notifications import Channel, NotificationKind, NotificationRequest
from orchestrator.features.notifications.models.payment_emails import payment_email
from orchestrator.features.notifications.models.purchase_emails import purchase_email

__all__ = ["Notice", "notices_of", "shown"]

# The fields in which messages name users. `shares` maps users to amounts, `views` to what they see.
USER_FIELDS: Final = ("user_id", "seller_user_id", "buyer_user_id")
SHARES: Final = "shares"
VIEWS: Final = "views"
# Fields that users and integrators do not see.
PRIVATE_FIELDS: Final = frozenset({SHARES, VIEWS, "error", "flags", "lane", "duration_seconds"})
SELLERS_OWN: Final = "shortfall"  # what the seller of a reversed transfer owes
# What a fan and a performer write to each other. The performer reads the fan's words in the queue, in an email of a
# queued menu item, and in the sales, the fan the performer's in the feed; integrators see neither, and a feed keeps no words of another fan.
FANS_WORDS: Final = "message"
PRIVATE_WORDS: Final = frozenset({FANS_WORDS, "note", "file_url", "explanation"})
# What an admin writes to the customer of a commission, why it failed, and the title of a text before it is published.
PUBLISHED: Final = f"{PREFIX}completed"
TITLE: Final = frozenset({"title"})
PRIVATE_WORDS_OF_COMMISSIONS: Final = frozenset({"notes", "reason"}) | TITLE

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
    "ticket.rescheduled": {"": NotificationKind.EVENT_RESCHEDULED},
}


@dataclass(frozen=True, slots=True)
class Notice:
    """An entry of a user's feed, or of the admins', and the emails and text messages that go with it."""

    user_id: uuid.UUID
    entry: dict[str, Any]
    emails: tuple[tuple[Channel, NotificationRequest], ...] = ()


def notices_of(message: Message) -> list[Notice]:
    """Return a notice for each user that the message names, and for the admins.

    Raises:
        InvalidMessage: it names a user by an invalid id.
    """
    facts = admin_facts(message)
    own = [] if facts is None else [Notice(ADMIN_FEED, _stored(message, *facts))]
    return own + [_notice(message, user_id) for user_id in sorted(_user_ids(message))]


def shown(message: Message) -> dict[str, Any]:
    """Return a message's data without private fields and words, for integrators."""
    private = PRIVATE_WORDS | _private_words(message)
    return {name: value for name, value in _facts(message).items() if name not in private}


def _private_words(message: Message) -> frozenset[str]:
    if message.type.startswith(PREFIX):
        return PRIVATE_WORDS_OF_COMMISSIONS - (TITLE if message.type == PUBLISHED else frozenset())
    return frozenset()


def _facts(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message.data.items() if name not in PRIVATE_FIELDS}


def _notice(message: Message, user_id: uuid.UUID) -> Notice:
    seen = _seen_by(message, user_id)
    # An email is built from all facts, such as the id of an order to look up its seats, and says what the user sees.
    facts = {name: value for name, value in _facts(message).items() if name != "seat_ids"} | seen
    return Notice(user_id, _entry(message, seen), tuple(_emails(message, user_id, facts)))


def _user_ids(message: Message) -> set[uuid.UUID]:
    named = [message.data[name] for name in USER_FIELDS if message.data.get(name) is not None]
    try:
        return {uuid.UUID(user_id) for field in (named, *_by_user(message)) for user_id in field}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidMessage(message_id=message.id) from error


def _by_user(message: Message) -> Iterator[Mapping[str, Any]]:
    """Return the fields that map users to something."""
    yield from (message.data.get(name, {}) for name in (SHARES, VIEWS))


def _seen_by(message: Message, user_id: uuid.UUID) -> dict[str, Any]:
    """Return what the user sees: their own view, or the data without what concerns another user."""
    shares, views = _by_user(message)
    if views:
        return dict(views.get(str(user_id), {}))
    seen = _facts(message)
    hidden = {FANS_WORDS} | {name for name in USER_FIELDS if seen.get(name) not in {None, str(user_id)}}
    if _party(message, user_id) == "buyer":
        hidden.add(SELLERS_OWN)
    # A refund by the previous release, which does not say whose seats it names.
    if shares and "user_id" in hidden:
        hidden.add("order_id")
    if shares.keys() - {str(user_id)}:
        hidden.add("seat_ids")
    own = {"amount": shares[str(user_id)]} if str(user_id) in shares else {}
    return {name: value for name, value in seen.items() if name not in hidden} | own


def _entry(message: Message, seen: Mapping[str, Any]) -> dict[str, Any]:
    is_of_hidden_order = message.subject == message.data.get("order_id") and "order_id" not in seen
    subject = str(seen.get("event_id", "")) if is_of_hidden_order else message.subject
    return _stored(message, message.type, dict(seen)) | {"subject": subject}


def _stored(message: Message, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(message.id),
        "type": kind,
        "time": message.time.isoformat(),
        "subject": message.subject,
        "data": data,
    }


def _emails(
    message: Message, user_id: uuid.UUID, facts: dict[str, Any]
) -> Iterator[tuple[Channel, NotificationRequest]]:
    if message.type == "order.refunded":
        yield from _refund_emails(user_id, facts)
        return
    party = _party(message, user_id)
    kind = _EMAILS.get(message.type, {}).get(party) or purchase_email(message, party) or commission_email(message)
    if kind := kind or payment_email(message):
        yield Channel.EMAIL, NotificationRequest(kind=kind, user_id=user_id, data=facts)


def _refund_emails(user_id: uuid.UUID, facts: dict[str, Any]) -> Iterator[tuple[Channel, NotificationRequest]]:
    """Notify the tickets' owners, and sellers who give a premium back; a buyer who transferred all tickets gets no email."""
    if facts.get("amount"):
        is_cancelled = facts.get("event_is_off")
        kind = NotificationKind.EVENT_CANCELLED if is_cancelled else NotificationKind.ORDER_REFUNDED
        request = NotificationRequest(kind=kind, user_id=user_id, data=facts)
        yield Channel.EMAIL, request
        if is_cancelled:  # the fan may already be on the way
            yield Channel.SMS, request
    if facts.get("premium_taken_back"):
        own = {"seat_ids": facts["sold_seat_ids"], "amount": facts["premium_taken_back"]}
        kind = NotificationKind.PREMIUM_TAKEN_BACK
        yield Channel.EMAIL, NotificationRequest(kind=kind, user_id=user_id, data=facts | own)


def _party(message: Message, user_id: uuid.UUID) -> str:
    """Return `seller` or `buyer`, or an empty string if the message has a single party."""
    for party in _BOTH:
        if message.data.get(f"{party}_user_id") == str(user_id):
            return party
    return ""
