"""The SQL of listings: one statement for each repeatable action, as `common.db.idempotency` shows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import TextClause, text

from common.db.idempotency import PRIOR, SELECT_ANSWER
from orders.listings.models import listing_history, listings
from orders.listings.status import ListingMove, ListingStatus
from orders.shared.seat_exclusivity import OCCUPANT, SELECT_OCCUPIED_ANSWER
from orders.shared.transitions import Aggregate, Move


def listing_json(listing: str) -> str:
    """Return the SQL expression that shapes a row of `listings`. Amounts are text, so that they do not become floats."""
    return f"""
        jsonb_build_object(
            'listing_id', {listing}.listing_id, 'seat_id', {listing}.seat_id, 'order_id', {listing}.order_id,
            'event_id', {listing}.event_id, 'category', {listing}.category, 'row_number', {listing}.row_number,
            'seat_number', {listing}.seat_number, 'face_value', {listing}.face_value::text,
            'asking_price', {listing}.asking_price::text, 'seller_user_id', {listing}.seller_user_id,
            'buyer_user_id', {listing}.buyer_user_id, 'sale_id', {listing}.sale_id, 'status', {listing}.status,
            'created_at', {listing}.created_at, 'expires_at', {listing}.expires_at,
            'completed_at', {listing}.completed_at, 'ended_at', {listing}.ended_at)
    """


LISTINGS: Final = Aggregate(listings, listing_history, listing_json, changes_owner_at=ListingStatus.PENDING_TRANSFER)

OPEN: Final = text(
    f"""
    WITH {PRIOR}, {OCCUPANT},
    opened AS (
        INSERT INTO listings (
            listing_id, seat_id, order_id, event_id, category, row_number, seat_number,
            face_value, asking_price, seller_user_id, status, moved_by_request_id)
        SELECT :listing_id, :seat_id, :order_id, :event_id, :category, :row_number, :seat_number,
            :face_value, :asking_price, :seller_user_id, 'OPENING', :request_id
        FROM occupant WHERE kind IS NULL
        ON CONFLICT DO NOTHING
        RETURNING *),
    {LISTINGS.opened("seller_user_id")}
    {SELECT_OCCUPIED_ANSWER}
    """  # noqa: S608
)

# The undo of OPEN; its tombstone is written before it.
_DISCARD: Final = text(
    f"""
    WITH {PRIOR},
    discarded AS (
        DELETE FROM listings
        WHERE listing_id = :listing_id AND status = 'OPENING' AND moved_by_request_id = :undoes_request_id
            AND NOT EXISTS (SELECT FROM prior)
        RETURNING listing_id),
    outcome AS (
        SELECT CAST(NULL AS text) AS status
        WHERE EXISTS (SELECT FROM discarded)
            OR NOT EXISTS (SELECT FROM listings WHERE listing_id = :listing_id)
            OR NOT EXISTS (
                SELECT FROM requests WHERE request_id = :undoes_request_id AND result -> 'done' IS NOT NULL)),
    {LISTINGS.stored_outcome}
    {SELECT_ANSWER}
    """  # noqa: S608
)
_MOVE: Final = LISTINGS.move()
_CLAIM: Final = LISTINGS.move(
    ", sale_id = :sale_id, buyer_user_id = :buyer_user_id, expires_at = :expires_at",
    only="seller_user_id <> :buyer_user_id",
    noted={"user_id": "buyer_user_id"},
)
_RELEASE_CLAIM: Final = LISTINGS.undo(
    ", sale_id = NULL, buyer_user_id = NULL, expires_at = NULL", only="sale_id = :sale_id"
)

MOVES: Final[Mapping[Move, TextClause]] = MappingProxyType(
    {
        ListingMove.DISCARD: _DISCARD,
        ListingMove.ACTIVATE: _MOVE,
        ListingMove.BEGIN_WITHDRAWAL: _MOVE,
        ListingMove.ABANDON_WITHDRAWAL: LISTINGS.undo(),
        ListingMove.CANCEL: LISTINGS.move(", ended_at = now()"),
        ListingMove.CLAIM: _CLAIM,
        ListingMove.RELEASE_CLAIM: _RELEASE_CLAIM,
        ListingMove.COMPLETE: LISTINGS.move(", completed_at = now()", only="sale_id = :sale_id"),
    }
)
"""The statement of each move."""
