"""A seat is in one transfer or one listing at a time, and changes owner only while no transfer of it is disputed.

The database function `occupant_of(seat_id, order_id)` (migration 0004) returns the seat's occupant. It serializes the
transactions that ask about one seat until they commit, and reads both tables after the wait. Transfers and disputes
are about a ticket, which is a seat and the order it was sold with. Those about a former order do not occupy the seat.

A dispute may come while a transfer or a sale waits for its confirmation, and stops it. So just before inventory changes the
owner, the transfer or the sale notes that (`owner_change_begun_by`) under the seat's lock, unless the ticket is disputed;
and under the same lock a dispute looks for such a note, and for a later owner (functions of migration 0006).
"""

from typing import Final

from sqlalchemy import TextClause, text

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer
from common.errors import ServiceError
from orders.listings.errors import ListingInvalidState
from orders.shared.transitions import Aggregate
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


def begin_owner_change(aggregate: Aggregate) -> TextClause:
    """Return the statement that notes that a transfer or a listing is about to change its ticket's owner."""
    return text(
        f"""
        WITH {PRIOR},
        begun AS (
            UPDATE {aggregate.table.name} SET owner_change_begun_by = :request_id
            WHERE {aggregate.key} = :{aggregate.key} AND status = '{aggregate.changes_owner_at}'
              AND owner_change_begun_by IS NULL AND NOT EXISTS (SELECT FROM prior)
              AND NOT is_disputed(seat_id, order_id)
            RETURNING *),
        {stored_answer(aggregate.shape("begun"), rows="begun")}
        {SELECT_ANSWER}
        """  # noqa: S608 - constant names
    )


def abandon_owner_change(aggregate: Aggregate) -> TextClause:
    """Return the undo of `begin_owner_change`; its tombstone is written before it. No answer is stored after the change."""
    return text(
        f"""
        WITH {PRIOR},
        abandoned AS (
            UPDATE {aggregate.table.name} SET owner_change_begun_by = NULL
            WHERE {aggregate.key} = :{aggregate.key} AND status = '{aggregate.changes_owner_at}'
              AND owner_change_begun_by = :undoes_request_id AND NOT EXISTS (SELECT FROM prior)),
        outcome AS (
            SELECT (SELECT status FROM {aggregate.table.name} WHERE {aggregate.key} = :{aggregate.key}) AS status
            WHERE NOT EXISTS (
                SELECT FROM {aggregate.table.name}
                WHERE {aggregate.key} = :{aggregate.key} AND status <> '{aggregate.changes_owner_at}'
                  AND owner_change_begun_by = :undoes_request_id)),
        {aggregate.stored_outcome}
        {SELECT_ANSWER}
        """  # noqa: S608 - constant names
    )


def seat_occupied(occupant: str) -> ServiceError:
    """Return the refusal for the occupant of the seat: a transfer or a listing."""
    if occupant == "transfer":
        return TransferInProgress()
    return ListingInvalidState("The ticket is on the marketplace.")
