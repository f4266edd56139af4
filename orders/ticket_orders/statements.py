"""The SQL of ticket orders: one statement for each repeatable action, as `common.db.idempotency` shows."""

from typing import Final

from sqlalchemy import ARRAY, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer
from orders.shared.transitions import Aggregate
from orders.ticket_orders.models import order_history, orders


def order_json(order: str, *, seats: str = "order_seats") -> str:
    """Return the SQL expression that shapes a row of `orders`, and its rows of `order_seats`, as an order.

    Amounts are text: a JSON number would become a float.
    """
    return f"""
        jsonb_build_object(
            'order_id', {order}.order_id, 'user_id', {order}.user_id, 'event_id', {order}.event_id,
            'status', {order}.status, 'total', {order}.total::text, 'held_until', {order}.held_until,
            'created_at', {order}.created_at, 'confirmed_at', {order}.confirmed_at, 'ended_at', {order}.ended_at,
            'reason', {order}.reason,
            'seats', (
                SELECT jsonb_agg(
                    jsonb_build_object(
                        'seat_id', seat.seat_id, 'category', seat.category, 'row_number', seat.row_number,
                        'seat_number', seat.seat_number, 'price', seat.price::text,
                        'refunded_at', CASE {order}.status WHEN 'REFUNDED' THEN coalesce(seat.refunded_at, {order}.ended_at)
                            ELSE seat.refunded_at END)
                    ORDER BY seat.row_number, seat.seat_number, seat.seat_id)
                FROM {seats} AS seat WHERE seat.order_id = {order}.order_id))
    """  # noqa: S608 - constant names


ORDERS: Final = Aggregate(orders, order_history, order_json)

# Also sets the time that belongs to the status.
_MOVED: Final = """
    moved AS (
        UPDATE orders SET
            status = :to_status,
            confirmed_at = CASE WHEN :to_status = 'CONFIRMED' THEN now() ELSE confirmed_at END,
            ended_at = CASE WHEN :to_status = 'CONFIRMED' THEN NULL ELSE now() END,
            reason = :reason
        WHERE order_id = :order_id AND status = :from_status AND NOT EXISTS (SELECT FROM prior)
        RETURNING *),
    noted AS (
        INSERT INTO order_history (order_id, from_status, to_status, reason)
        SELECT order_id, :from_status, status, reason FROM moved)
"""

_SEATS_ASKED: Final = """
    jsonb_to_recordset(:seats)
        AS asked (seat_id uuid, category text, row_number text, seat_number integer, price numeric)
"""

OPEN: Final = text(
    f"""
    WITH {PRIOR},
    opened AS (
        INSERT INTO orders (order_id, user_id, event_id, status, total, held_until)
        SELECT :order_id, :user_id, :event_id, 'PENDING', :total, :held_until
        WHERE NOT EXISTS (SELECT FROM prior)
        ON CONFLICT (order_id) DO NOTHING
        RETURNING *),
    seated AS (
        INSERT INTO order_seats (order_id, seat_id, category, row_number, seat_number, price)
        SELECT opened.order_id, asked.* FROM opened, {_SEATS_ASKED}
        RETURNING *),
    noted AS (
        INSERT INTO order_history (order_id, to_status) SELECT order_id, status FROM opened),
    {stored_answer(order_json("opened", seats="seated"), rows="opened")}
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(bindparam("seats", type_=JSONB))

MOVE: Final = text(
    f"""
    WITH {PRIOR}, {_MOVED},
    {stored_answer(order_json("moved"), rows="moved")}
    {SELECT_ANSWER}
    """
)

# The undo of OPEN. If the opening is in progress, the insert of the tombstone waits for its commit, but the snapshot of
# this statement does not include it. The statement then stores no answer, and `attempt_undo` runs it again.
END: Final = text(
    f"""
    WITH {PRIOR}, {_MOVED},
    buried AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :undoes_request_id, :tombstone_fingerprint, :tombstone WHERE NOT EXISTS (SELECT FROM prior)
        ON CONFLICT (request_id) DO NOTHING
        RETURNING request_id),
    standing AS (SELECT status FROM orders WHERE order_id = :order_id),
    outcome AS (
        SELECT status FROM moved
        UNION ALL
        SELECT status FROM standing WHERE status = :to_status
        UNION ALL
        SELECT NULL WHERE NOT EXISTS (SELECT FROM standing) AND (
            EXISTS (SELECT FROM buried) OR EXISTS (SELECT FROM requests WHERE request_id = :undoes_request_id))),
    {ORDERS.stored_outcome}
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(bindparam("tombstone", type_=JSONB))

_SEAT_IDS: Final = bindparam("seat_ids", type_=ARRAY(UUID(as_uuid=True)))

# Once the refund of a ticket has begun, it cannot be disputed; while it is disputed, its refund does not begin. The refund
# is of the whole order if `seat_ids` is NULL.
_OBSTACLE: Final = """
    obstacle AS MATERIALIZED (
        SELECT refund_obstacle(:order_id, :seat_ids) AS kind WHERE NOT EXISTS (SELECT FROM prior))
"""
_SELECT_ANSWER_OR_OBSTACLE: Final = f"{SELECT_ANSWER}, (SELECT kind FROM obstacle) AS obstacle"  # noqa: S608

BEGIN_REFUND: Final = text(
    f"""
    WITH {PRIOR}, {_OBSTACLE},
    begun AS (
        UPDATE orders SET refund_begun_by = :request_id FROM obstacle WHERE order_id = :order_id AND kind IS NULL
        RETURNING orders.*),
    {stored_answer(order_json("begun"), rows="begun")}
    {_SELECT_ANSWER_OR_OBSTACLE}
    """  # noqa: S608
).bindparams(_SEAT_IDS)

BEGIN_SEAT_REFUND: Final = text(
    f"""
    WITH {PRIOR}, {_OBSTACLE},
    begun AS (
        UPDATE order_seats SET refund_begun_by = :request_id FROM obstacle
        WHERE order_id = :order_id AND seat_id = ANY(:seat_ids) AND kind IS NULL
        RETURNING order_id),
    {stored_answer(order_json("orders"), rows="orders WHERE order_id IN (SELECT order_id FROM begun)")}
    {_SELECT_ANSWER_OR_OBSTACLE}
    """  # noqa: S608
).bindparams(_SEAT_IDS)

# The undo of both. Stores no answer if the refund was made.
ABANDON_REFUND: Final = text(
    f"""
    WITH {PRIOR},
    abandoned AS (
        UPDATE orders SET refund_begun_by = NULL
        WHERE order_id = :order_id AND status = 'CONFIRMED' AND refund_begun_by = :undoes_request_id
          AND NOT EXISTS (SELECT FROM prior)),
    abandoned_seats AS (
        UPDATE order_seats SET refund_begun_by = NULL
        WHERE order_id = :order_id AND refunded_at IS NULL AND refund_begun_by = :undoes_request_id
          AND NOT EXISTS (SELECT FROM prior)),
    outcome AS (
        SELECT (SELECT status FROM orders WHERE order_id = :order_id) AS status
        WHERE NOT EXISTS (
            SELECT FROM orders
            WHERE order_id = :order_id AND status = 'REFUNDED' AND refund_begun_by = :undoes_request_id)
          AND NOT EXISTS (
            SELECT FROM order_seats
            WHERE order_id = :order_id AND refunded_at IS NOT NULL AND refund_begun_by = :undoes_request_id)),
    {ORDERS.stored_outcome}
    {SELECT_ANSWER}
    """  # noqa: S608
)

# The order is REFUNDED with the last of its seats. `has_seats_besides` serializes the refunds of one order.
REFUND_SEATS: Final = text(
    f"""
    WITH {PRIOR},
    remaining AS MATERIALIZED (
        SELECT has_seats_besides(:order_id, :seat_ids) AS has_seats WHERE NOT EXISTS (SELECT FROM prior)),
    refunded AS (
        UPDATE order_seats SET refunded_at = now() FROM remaining
        WHERE order_id = :order_id AND seat_id = ANY(:seat_ids) AND refund_begun_by IS NOT NULL AND refunded_at IS NULL
        RETURNING order_id, has_seats),
    moved AS (
        UPDATE orders SET status = 'REFUNDED', ended_at = now(), reason = :reason
        WHERE status = 'CONFIRMED' AND order_id IN (SELECT order_id FROM refunded WHERE NOT has_seats)
        RETURNING order_id, status, reason),
    noted AS (
        INSERT INTO order_history (order_id, from_status, to_status, reason)
        SELECT order_id, 'CONFIRMED', status, reason FROM moved),
    outcome AS (
        SELECT coalesce((SELECT status FROM moved), 'CONFIRMED') AS status FROM refunded LIMIT 1),
    {ORDERS.stored_outcome}
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(_SEAT_IDS)

# The seats of a row of `orders` that a refund may begin for, unless a refund of the whole order has begun.
_REFUNDABLE: Final = """
    SELECT seat.seat_id FROM order_seats AS seat
    WHERE seat.order_id = orders.order_id AND seat.refund_begun_by IS NULL
      AND NOT EXISTS (
        SELECT FROM transfers AS dispute
        WHERE dispute.order_id = seat.order_id AND dispute.seat_id = seat.seat_id
          AND dispute.status IN ('DISPUTED', 'REVERSING'))
"""
_REFUNDABLE_ORDER: Final = f"""
    SELECT order_id, ARRAY({_REFUNDABLE} ORDER BY seat_id) AS seat_ids
    FROM orders WHERE status = 'CONFIRMED' AND refund_begun_by IS NULL
"""  # noqa: S608 - constants
REFUNDABLE_SEATS: Final = text(f"{_REFUNDABLE_ORDER} AND order_id = :order_id")
REFUNDABLE_ORDERS: Final = text(
    f"""
    {_REFUNDABLE_ORDER} AND event_id = :event_id AND EXISTS ({_REFUNDABLE})
    ORDER BY created_at, order_id LIMIT :limit OFFSET :offset
    """
)

# The completed changes of the owners of an order's tickets, oldest first. A reversed transfer changed nothing.
OWNER_CHANGES: Final = text(
    """
    SELECT seat_id, seller_user_id, buyer_user_id, credits_amount AS price, completed_at
    FROM transfers WHERE order_id = :order_id AND completed_at IS NOT NULL AND status <> 'REVERSED'
    UNION ALL
    SELECT seat_id, seller_user_id, buyer_user_id, asking_price, completed_at
    FROM listings WHERE order_id = :order_id AND completed_at IS NOT NULL
    ORDER BY completed_at
    """
)
