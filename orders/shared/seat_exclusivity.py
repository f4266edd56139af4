"""A seat is in one transfer or one listing at a time.

Whether it is free is asked of the database's `occupant_of(seat_id, order_id)` (migration 0004), which makes all who ask
about one seat take turns until they commit, and looks at both tables anew when it is their turn. Transfers and disputes
are about a ticket, which is a seat and the order it was sold with: one that outlives the order does not occupy the seat.
"""

from typing import Final

from common.errors import ServiceError
from orders.listings.errors import ListingInvalidState
from orders.transfers.errors import TransferInProgress

__all__ = ["OCCUPANT", "SELECT_OCCUPIED_ANSWER", "seat_occupied"]

OCCUPANT: Final = """
    occupant AS MATERIALIZED (SELECT occupant_of(:seat_id, :order_id) AS kind WHERE NOT EXISTS (SELECT FROM prior))
"""
"""The part of an opening that finds out; the rest may go on where its `kind` is NULL."""

SELECT_OCCUPIED_ANSWER: Final = """
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint,
           coalesce((SELECT result FROM prior), (SELECT result FROM remembered)) AS result,
           (SELECT kind FROM occupant) AS occupant
"""
"""`SELECT_ANSWER`, and who has the seat."""


def seat_occupied(occupant: str) -> ServiceError:
    """Return the refusal for what the database says has the seat: a transfer or a listing."""
    if occupant == "transfer":
        return TransferInProgress()
    return ListingInvalidState("The ticket is on the marketplace.")
