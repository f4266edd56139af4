"""The status machine of a purchased item. A trigger in the database refuses all other moves.

::

    OPENING ──> PENDING ──> IN_PROGRESS ──> SUCCESS
       │           │             │
       │           └─────────────┴──> CANCELLED, DECLINED, EXPIRED, FAILED
       └──> SUCCESS                (a queued tip moves from PENDING to SUCCESS)

An item that is still OPENING may be discarded; its row is then deleted.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


class ItemType(enum.StrEnum):
    TIP = "tip_grid_item"
    MENU = "menu_item"
    SUBSCRIPTION = "subscription"


class ItemStatus(enum.StrEnum):
    OPENING = "OPENING"  # not visible yet: the purchase may still be refused
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"


class SettlementStatus(enum.StrEnum):
    """Where the price is."""

    PENDING = "pending"  # with the buyer; of a SUCCESS: earned, and not paid out yet
    HELD = "held"  # in escrow
    SETTLED = "settled"  # in the performer's wallet
    REFUNDED = "refunded"


UNFINISHED: Final = (ItemStatus.OPENING, ItemStatus.PENDING, ItemStatus.IN_PROGRESS)
ENDED: Final = (ItemStatus.FAILED, ItemStatus.CANCELLED, ItemStatus.DECLINED, ItemStatus.EXPIRED)
ENDED_BY: Final[Mapping[str, ItemStatus]] = MappingProxyType(
    {
        "ITEM_CANCELLED": ItemStatus.CANCELLED,
        "ITEM_DECLINED": ItemStatus.DECLINED,
        "ITEM_EXPIRED": ItemStatus.EXPIRED,
    }
)
"""The status of an item that ends for a reason; for any other reason it has FAILED."""

MOVES: Final = frozenset(
    {
        (ItemStatus.OPENING, ItemStatus.PENDING),
        (ItemStatus.PENDING, ItemStatus.IN_PROGRESS),
        *((status, ItemStatus.SUCCESS) for status in UNFINISHED),
        *((status, ended) for status in (ItemStatus.PENDING, ItemStatus.IN_PROGRESS) for ended in ENDED),
    }
)
