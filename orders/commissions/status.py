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
from typing import Literal


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
