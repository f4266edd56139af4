"""The status machine of a commission. A trigger in the database refuses all other moves.

::

    OPENING ──> AWAITING_PAYMENT ──> CANCELLED
       │               │
       └───────────────┴──> PROCESSING <──> QUALITY_CHECK <──> ADMIN_REVIEW <──> PUBLISHING ──> COMPLETED
                                ^
                                └──> FAILED     (from all that are paid and not COMPLETED: REFUNDED)

An order that is still OPENING may be discarded; its row is then deleted.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal


class CommissionType(enum.StrEnum):
    ARTICLE = "ARTICLE"
    BACKLINK = "BACKLINK"


class CommissionStatus(enum.StrEnum):
    OPENING = "OPENING"  # not visible yet: the order may still be refused
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PROCESSING = "PROCESSING"
    QUALITY_CHECK = "QUALITY_CHECK"  # the customer reads it, asks for revisions, or submits it
    ADMIN_REVIEW = "ADMIN_REVIEW"
    PUBLISHING = "PUBLISHING"  # approved; users see it as ADMIN_REVIEW
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"  # its credits stay in escrow until an admin retries it, or it is refunded
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"  # never paid


ShownStatus = Literal[
    "AWAITING_PAYMENT", "PROCESSING", "QUALITY_CHECK", "ADMIN_REVIEW", "COMPLETED", "FAILED", "REFUNDED", "CANCELLED"
]  # fmt: skip
"""As users see it."""

ENDED_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CHECKOUT_EXPIRED": "The order was not paid in time.",
        "COMMISSION_EXPIRED": "The text was not published in time.",
        "COMMISSION_FAILED": "The text could not be written.",
        "COMMISSION_REFUNDED": "The order was refunded.",
    }
)
"""Why an order ended, in plain words, by the code of the error that ended it."""
ENDED: Final = "The order could not be carried out."
"""The same for any other error."""
