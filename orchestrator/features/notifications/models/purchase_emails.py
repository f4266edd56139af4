"""Which emails the messages about purchases from performers bring.

What is delivered at once, such as a tip, is in the feeds only: the fan is present, and an email for each would hide the
ones that matter. A queued tip brings an email if it ends without being performed, and a scheduled one also when it is
performed: its fan is away, and is charged then.
"""

from collections.abc import Mapping
from typing import Final

from common.messaging.message import Message
from orchestrator.clients.orders.purchased_items import ExecutionMode, ItemType
from orchestrator.features.notifications.models.notifications import NotificationKind

__all__ = ["purchase_email"]

EmailsByParty = Mapping[str, NotificationKind]

_MENU_ITEM: Final[Mapping[str, EmailsByParty]] = {
    "purchased_item.queued": {"buyer": NotificationKind.ITEM_QUEUED, "seller": NotificationKind.ITEM_RECEIVED},
    "purchased_item.next": {"buyer": NotificationKind.ITEM_NEXT},
    "purchased_item.started": {"buyer": NotificationKind.ITEM_STARTED},
    "purchased_item.success": {"buyer": NotificationKind.ITEM_COMPLETED},
    "purchased_item.declined": {"buyer": NotificationKind.ITEM_DECLINED},
    "purchased_item.expired": {"buyer": NotificationKind.ITEM_EXPIRED},
    "purchased_item.cancelled": {"buyer": NotificationKind.ITEM_CANCELLED},
    "purchased_item.failed": {"buyer": NotificationKind.ITEM_FAILED},
}
_TIP: Final = {
    name: _MENU_ITEM[name]
    for name in (
        "purchased_item.declined",
        "purchased_item.expired",
        "purchased_item.cancelled",
        "purchased_item.failed",
    )
}
_SCHEDULED_TIP: Final = _TIP | {"purchased_item.success": _MENU_ITEM["purchased_item.success"]}
_OTHERS: Final[Mapping[str, EmailsByParty]] = {
    "subscription.started": {"buyer": NotificationKind.SUBSCRIPTION_STARTED},
    "subscription.renewed": {"buyer": NotificationKind.SUBSCRIPTION_RENEWED},
    "subscription.ending_soon": {"buyer": NotificationKind.SUBSCRIPTION_ENDING_SOON},
    "subscription.cancelled": {"buyer": NotificationKind.SUBSCRIPTION_CANCELLED},
    "subscription.ended": {"buyer": NotificationKind.SUBSCRIPTION_ENDED},
    "payout.completed": {"seller": NotificationKind.PAYOUT_COMPLETED},
}


def purchase_email(message: Message, party: str) -> NotificationKind | None:
    """Return the email that a party of a purchase gets because of a message.

    Args:
        party: `buyer`, or `seller` for the performer.
    """
    if message.type in _OTHERS:
        return _OTHERS[message.type].get(party)
    if message.data.get("execution_mode") != ExecutionMode.QUEUED:
        return None
    tip = _SCHEDULED_TIP if message.data.get("scheduled_for") else _TIP
    by_type = {ItemType.MENU: _MENU_ITEM, ItemType.TIP: tip}.get(message.data.get("type", ""), {})
    return by_type.get(message.type, {}).get(party)
