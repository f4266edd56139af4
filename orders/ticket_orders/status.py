"""The status machine of an order. A trigger in the database refuses all other moves.

::

    PENDING ──> CONFIRMED ──> REFUNDED
       ├──────> FAILED
       └──────> CANCELLED
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


class OrderStatus(enum.StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


REACHED_FROM: Final[Mapping[OrderStatus, OrderStatus]] = MappingProxyType(
    {
        OrderStatus.CONFIRMED: OrderStatus.PENDING,
        OrderStatus.FAILED: OrderStatus.PENDING,
        OrderStatus.CANCELLED: OrderStatus.PENDING,
        OrderStatus.REFUNDED: OrderStatus.CONFIRMED,
    }
)
"""Each status but PENDING, the first, is reached from exactly one other."""
