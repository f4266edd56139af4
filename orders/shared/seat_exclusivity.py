"""A seat is in one transfer or one listing at a time.

The database function `occupant_of(seat_id, order_id)` (migration 0004) returns the seat's occupant. It serializes the
transactions that ask about one seat until they commit, and reads both tables after the wait. Transfers and disputes
are about a ticket, which is a seat and the order it was sold with. Those about a former order do not occupy the seat.
"""

from typing import Final

from common.errors import ServiceError
from orders.listings.errors import ListingInvalidState
from orders.transfers.errors import TransferInProgress

OCCUPANT: Final = """
    occupant AS MATERIALIZED (SELECT occupant_of(:seat_id, :order_id) AS kind WHERE NOT EXISTS (SELECT FROM prior))
"""
"""The CTE of an opening that finds the occupant; the opening is allowed if its `kind` is NULL."""

SELECT_OCCUPIED_ANSWER: Final = """
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint,
           coalesce((SELECT result FROM prior), (SELECT result FROM remembered)) AS result,
           (SELECT kind FROM occupant) AS occupant
"""
"""`SELECT_ANSWER`, and the occupant of the seat."""


def seat_occupied(occupant: str) -> ServiceError:
    """Return the refusal for the occupant of the seat: a transfer or a listing."""
    if occupant == "transfer":
        return TransferInProgress()
    return ListingInvalidState("The ticket is on the marketplace.")
