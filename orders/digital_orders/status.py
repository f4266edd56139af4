"""The status machines of a digital order and of its items. Triggers in the database refuse all other moves.

::

    OPENING ──> CREATED ──> CANCELLED
       │           │
       └───────────┴──> PAID ──> WAITING ──> READY ──> FULFILLED
                        │  ^        │
                        v  │        │
                       FAILED <─────┘      (from PAID, WAITING, READY and FAILED: REFUNDED)

    PENDING ──> RESERVED ──> READY ──> DELIVERED
                             ^         (from PENDING and RESERVED: READY or FAILED)
                   FAILED ───┘

An order that is still OPENING may be discarded; its rows are then deleted. A supplier may deliver an item without a
reservation, and one that it has called failed before.
"""

import enum
from typing import Literal


class DigitalOrderStatus(enum.StrEnum):
    OPENING = "OPENING"  # not visible yet: the order may still be refused
    CREATED = "CREATED"  # waits for its crypto payment
    PAID = "PAID"
    WAITING = "WAITING"  # no item is PENDING, and not all have FAILED
    READY = "READY"  # every code that comes is stored
    FULFILLED = "FULFILLED"
    FAILED = "FAILED"  # nothing was delivered; its credits are in escrow until an admin retries it, or it is refunded
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"  # never paid


class DigitalItemStatus(enum.StrEnum):
    PENDING = "PENDING"
    RESERVED = "RESERVED"
    READY = "READY"  # its code is sealed
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"  # refunded with the order's end


ShownStatus = Literal["CREATED", "PAID", "WAITING", "READY", "FULFILLED", "FAILED", "REFUNDED", "CANCELLED"]
"""As users see it."""
FulfillmentStatus = Literal[
    "awaiting_payment", "reserving", "waiting", "ready", "delivered", "partially_delivered", "failed", "refunded",
    "cancelled",
]  # fmt: skip
"""What the status means for the buyer."""
