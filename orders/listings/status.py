"""The status machine of a listing. A trigger in the database refuses all other moves.

::

    OPENING ──> ACTIVE <──> PENDING_TRANSFER ──> COMPLETED
                  ^
                  └──────> WITHDRAWING ──> CANCELLED

A listing that is still OPENING may be discarded; its row is then deleted.
"""

import enum

from orders.shared.transitions import Move


class ListingStatus(enum.StrEnum):
    """OPENING and WITHDRAWING while inventory changes the seat; PENDING_TRANSFER during a sale."""

    OPENING = "OPENING"
    ACTIVE = "ACTIVE"
    PENDING_TRANSFER = "PENDING_TRANSFER"
    WITHDRAWING = "WITHDRAWING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


@enum.unique
class ListingMove(Move):
    DISCARD = (ListingStatus.OPENING, None)
    ACTIVATE = (ListingStatus.OPENING, ListingStatus.ACTIVE)
    BEGIN_WITHDRAWAL = (ListingStatus.ACTIVE, ListingStatus.WITHDRAWING)
    ABANDON_WITHDRAWAL = (ListingStatus.WITHDRAWING, ListingStatus.ACTIVE)
    CANCEL = (ListingStatus.WITHDRAWING, ListingStatus.CANCELLED)
    CLAIM = (ListingStatus.ACTIVE, ListingStatus.PENDING_TRANSFER)
    RELEASE_CLAIM = (ListingStatus.PENDING_TRANSFER, ListingStatus.ACTIVE)
    COMPLETE = (ListingStatus.PENDING_TRANSFER, ListingStatus.COMPLETED)
