"""The SQL of transfers: one statement for each repeatable action, as `common.db.idempotency` shows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import TextClause, text

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer
from orders.shared.seat_exclusivity import OCCUPANT, SELECT_OCCUPIED_ANSWER
from orders.shared.transitions import Aggregate, Move
from orders.transfers.models import transfer_history, transfers
from orders.transfers.status import TransferMove, TransferStatus


def transfer_json(transfer: str) -> str:
    """Return the SQL expression that shapes a row of `transfers`. Amounts are text, so that they do not become floats."""
    return f"""
        jsonb_build_object(
            'transfer_id', {transfer}.transfer_id, 'seat_id', {transfer}.seat_id, 'order_id', {transfer}.order_id,
            'event_id', {transfer}.event_id, 'category', {transfer}.category, 'row_number', {transfer}.row_number,
            'seat_number', {transfer}.seat_number, 'seller_user_id', {transfer}.seller_user_id,
            'buyer_user_id', {transfer}.buyer_user_id, 'initiated_by_user_id', {transfer}.initiated_by_user_id,
            'credits_amount', {transfer}.credits_amount::text, 'status', {transfer}.status,
            'waiting_for', CASE WHEN {transfer}.status = 'PENDING_OTP' THEN array_remove(ARRAY[
                CASE WHEN {transfer}.seller_confirmed_at IS NULL THEN 'seller' END,
                CASE WHEN {transfer}.buyer_confirmed_at IS NULL THEN 'buyer' END], NULL) ELSE '{{}}' END,
            'expires_at', {transfer}.expires_at, 'created_at', {transfer}.created_at,
            'completed_at', {transfer}.completed_at, 'ended_at', {transfer}.ended_at, 'reason', {transfer}.reason,
            'disputed_by_user_id', {transfer}.disputed_by_user_id, 'dispute_reason', {transfer}.dispute_reason,
            'disputed_at', {transfer}.disputed_at)
    """


TRANSFERS: Final = Aggregate(transfers, transfer_history, transfer_json, changes_owner_at=TransferStatus.PENDING_OTP)

OPEN: Final = text(
    f"""
    WITH {PRIOR}, {OCCUPANT},
    opened AS (
        INSERT INTO transfers (
            transfer_id, seat_id, order_id, event_id, category, row_number, seat_number,
            seller_user_id, buyer_user_id, initiated_by_user_id, credits_amount, expires_at,
            status, moved_by_request_id)
        SELECT :transfer_id, :seat_id, :order_id, :event_id, :category, :row_number, :seat_number,
            :seller_user_id, :buyer_user_id, :initiated_by_user_id, :credits_amount, :expires_at,
            'PENDING_OTP', :request_id
        FROM occupant WHERE kind IS NULL
        ON CONFLICT DO NOTHING
        RETURNING *),
    {TRANSFERS.opened("initiated_by_user_id")}
    {SELECT_OCCUPIED_ANSWER}
    """  # noqa: S608
)

CONFIRM: Final = text(
    f"""
    WITH {PRIOR},
    confirmed AS (
        UPDATE transfers SET
            seller_confirmed_at = CASE WHEN :by_seller THEN coalesce(seller_confirmed_at, now())
                ELSE seller_confirmed_at END,
            buyer_confirmed_at = CASE WHEN :by_buyer THEN coalesce(buyer_confirmed_at, now())
                ELSE buyer_confirmed_at END
        WHERE transfer_id = :transfer_id AND status = 'PENDING_OTP' AND NOT EXISTS (SELECT FROM prior)
        RETURNING *),
    {stored_answer(transfer_json("confirmed"), rows="confirmed")}
    {SELECT_ANSWER}
    """  # noqa: S608
)

# The time of completion stays even if a dispute is dismissed.
_MOVE: Final = TRANSFERS.move(
    """
    , completed_at = coalesce(completed_at, now())
    , ended_at = CASE WHEN :to_status = 'REVERSED' THEN now() END
    """
)
# A ticket whose refund has begun cannot be disputed: its price may already belong to another user. Nor can a ticket that
# the buyer is passing on, or has passed on: its new owner is not affected.
_DISPUTE: Final = TRANSFERS.move(
    ", disputed_by_user_id = :user_id, dispute_reason = :reason, disputed_at = now()",
    only="""
        NOT is_given_back(transfers.order_id, transfers.seat_id)
        AND NOT is_passed_on(transfers.seat_id, transfers.order_id, transfers.completed_at)
    """,
    noted={"user_id": "disputed_by_user_id", "reason": "dispute_reason"},
)
_END: Final = TRANSFERS.undo(", ended_at = now(), reason = :reason", noted={"reason": "reason"})

MOVES: Final[Mapping[Move, TextClause]] = MappingProxyType(
    {
        TransferMove.COMPLETE: _MOVE,
        TransferMove.FAIL: _END,
        TransferMove.CANCEL: _END,
        TransferMove.DISPUTE: _DISPUTE,
        TransferMove.DISMISS: _MOVE,
        TransferMove.BEGIN_REVERSAL: _MOVE,
        TransferMove.ABANDON_REVERSAL: TRANSFERS.undo(),
        TransferMove.REVERSE: _MOVE,
    }
)
"""The statement of each move."""
