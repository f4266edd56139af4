"""The SQL of digital orders: one statement for each repeatable action, as `common.db.idempotency` shows.

A change of an item is not repeatable by a request id but by its state. It runs behind `LOCK` in one transaction, so that
its statements see what other items of the order have become.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer
from orders.digital_orders.models import digital_order_history, digital_orders
from orders.shared.messages import messages
from orders.shared.transitions import Aggregate

_OPENED: Final = ("order_id", "buyer_user_id", "pay_with", "total")
_SHOWN: Final = (
    "order_id", "buyer_user_id", "pay_with", "status", "storage_ref", "failure_code", "created_at", "paid_at",
    "ready_at", "downloaded_at", "keys_deleted_at", "ended_at",
)  # fmt: skip
_OF_ITEM: Final = (
    "item_id", "product_id", "name", "supplier_product_id", "status", "reservation_id", "reserved_at",
)  # fmt: skip
_NEW_ITEM: Final = "item_id, product_id, name, supplier_product_id, price"


def _item_json() -> str:
    fields = ", ".join(f"'{column}', item.{column}" for column in _OF_ITEM)
    return f"jsonb_build_object({fields}, 'price', item.price::text, 'failure', nullif(item.failure, ''))"


def _fulfillment_status(row: str) -> str:
    return f"""
        CASE {row}.status
            WHEN 'CREATED' THEN 'awaiting_payment' WHEN 'PAID' THEN 'reserving'
            WHEN 'FULFILLED' THEN CASE WHEN EXISTS (
                    SELECT FROM digital_order_items WHERE order_id = {row}.order_id AND status = 'FAILED')
                THEN 'partially_delivered' ELSE 'delivered' END
            ELSE lower({row}.status) END
    """


def order_json(row: str) -> str:
    """Return the SQL expression that shapes a row of `digital_orders`, with its items."""
    fields = ", ".join(f"'{column}', {row}.{column}" for column in _SHOWN)
    return f"""
        jsonb_build_object(
            {fields}, 'total', {row}.total::text, 'failure_message', nullif({row}.failure_message, ''),
            'fulfillment_status', {_fulfillment_status(row)}, 'items', (
                SELECT coalesce(jsonb_agg({_item_json()} ORDER BY position), '[]')
                FROM digital_order_items AS item WHERE item.order_id = {row}.order_id))
    """  # noqa: S608 - constant names


ORDERS: Final = Aggregate(digital_orders, digital_order_history, order_json)

_DONE: Final = "jsonb_build_object('order_id', order_id, 'status', status)"

# An order that is tried again was paid before.
_KIND: Final = """
    CASE
        WHEN from_status = 'FAILED' AND status = 'PAID' THEN 'resumed'
        WHEN status = 'WAITING' THEN 'reserved'
        ELSE lower(status)
    END
"""
# The statement that delivers does not see yet that the READY items are DELIVERED. Items that FAILED are refunded.
_ANNOUNCED: Final = messages(
    "announced",
    kind=f"'fulfillment.' || {_KIND}",
    subject="order_id::text",
    data=f"""
        jsonb_strip_nulls(jsonb_build_object(
            'order_id', order_id, 'user_id', buyer_user_id, 'status', lower(status),
            'fulfillment_status', {_fulfillment_status("moved")}, 'amount', total::text, 'currency', 'sgd',
            'items', (SELECT jsonb_agg(jsonb_build_object('item_id', item_id, 'name', name, 'status', lower(
                    CASE WHEN moved.status = 'FULFILLED' AND item.status = 'READY' THEN 'DELIVERED' ELSE item.status END
                )) ORDER BY position)
                FROM digital_order_items AS item WHERE item.order_id = moved.order_id),
            'refunded', CASE status WHEN 'REFUNDED' THEN total::text WHEN 'FULFILLED' THEN (
                SELECT sum(price)::text FROM digital_order_items AS item
                WHERE item.order_id = moved.order_id AND item.status = 'FAILED') END,
            'code', failure_code, 'reason', nullif(failure_message, '')))
    """,  # noqa: S608 - constant names
    rows="moved",
)


def _moved(from_statuses: str, to_status: str, changes: str, *, only: str, request_id: str = ":request_id") -> str:
    """Return the CTEs that move an order, note that and announce it.

    Args:
        from_statuses: their names with blanks between.
        to_status: an SQL expression.
        changes: more assignments, each after a comma.
        only: a condition on the order besides its status.
        request_id: an SQL expression.
    """
    listed = ", ".join(f"'{status}'" for status in from_statuses.split())
    return f"""
        was AS MATERIALIZED (
            SELECT order_id, status AS from_status FROM digital_orders
            WHERE order_id = :order_id AND status IN ({listed}) AND {only}
            FOR UPDATE),
        moved AS (
            UPDATE digital_orders AS digital_order SET status = {to_status}, status_at = now() {changes}
            FROM was WHERE digital_order.order_id = was.order_id
            RETURNING digital_order.*, was.from_status),
        noted AS (
            INSERT INTO digital_order_history (order_id, from_status, to_status, request_id)
            SELECT order_id, nullif(from_status, 'OPENING'), status, {request_id} FROM moved),
        {_ANNOUNCED}
    """  # noqa: S608 - constants


_IS_NEW: Final = "NOT EXISTS (SELECT FROM prior)"


def _move(from_statuses: str, to_status: str, changes: str = "", *, more: str = "") -> TextClause:
    """Return the statement of a repeatable move; `more` is a CTE that uses `moved`, with a comma."""
    return text(
        f"""
        WITH {PRIOR}, {_moved(from_statuses, f"'{to_status}'", changes, only=_IS_NEW)}, {more}
        {stored_answer(_DONE, rows="moved")}
        {SELECT_ANSWER}
        """
    )


UNPAID_AT_MOST: Final = 3
"""Crypto orders of a buyer: each holds its stock for as long as its payment may take, a day and more."""
OPEN: Final = text(
    f"""
    WITH {PRIOR},
    opened AS (
        INSERT INTO digital_orders ({", ".join(_OPENED)}, status, status_at, opened_by_request_id)
        SELECT {", ".join(f":{column}" for column in _OPENED)}, 'OPENING', now(), :request_id
        WHERE CASE
            WHEN NOT {_IS_NEW} THEN false
            WHEN :pay_with <> 'crypto' THEN true
            ELSE NOT reached_unpaid_limit(CAST(:buyer_user_id AS uuid), {UNPAID_AT_MOST}) END
        ON CONFLICT DO NOTHING
        RETURNING *),
    items AS (
        INSERT INTO digital_order_items (order_id, position, {_NEW_ITEM}, status_at)
        SELECT opened.order_id, position, {_NEW_ITEM}, now()
        FROM opened, ROWS FROM (jsonb_to_recordset(:items) AS (
            item_id uuid, product_id uuid, name text, supplier_product_id text, price numeric)
        ) WITH ORDINALITY AS item ({_NEW_ITEM}, position)),
    {stored_answer(_DONE, rows="opened")}
    {SELECT_ANSWER}
    """  # noqa: S608 - constant names
).bindparams(bindparam("items", type_=JSONB))

MOVES: Final[Mapping[str, TextClause]] = MappingProxyType(
    {
        "await-payment": _move("OPENING", "CREATED"),
        "accept": _move("OPENING CREATED", "PAID", ", paid_at = now()"),
        "fulfil": _move(
            "READY",
            "FULFILLED",
            ", ended_at = now()",
            more="""
                delivered AS (
                    UPDATE digital_order_items AS item SET status = 'DELIVERED', status_at = now()
                    FROM moved WHERE item.order_id = moved.order_id AND item.status = 'READY'),
            """,
        ),
    }
)
"""The statement of each repeatable move, by the name of its route."""

# The undo of OPEN; its tombstone is written before it. An OPENING order was invisible, so it is deleted. If it has moved
# on since the statement began, no answer is stored, and `attempt_undo` runs it again.
_OF_OPENING: Final = "opened_by_request_id = :undoes_request_id"
_ENDED: Final = _moved(
    "CREATED PAID WAITING READY FAILED",
    "CASE was.from_status WHEN 'CREATED' THEN 'CANCELLED' ELSE 'REFUNDED' END",
    """
    , ended_at = now(), failure_code = coalesce(failure_code, :reason),
    failure_message = CASE WHEN failure_code IS NULL THEN :explanation ELSE failure_message END
    """,
    only=f"{_OF_OPENING} AND {_IS_NEW}",
)
END: Final = text(
    f"""
    WITH {PRIOR}, {_ENDED},
    discarded AS (
        DELETE FROM digital_orders
        WHERE order_id = :order_id AND status = 'OPENING' AND {_OF_OPENING} AND {_IS_NEW}
        RETURNING order_id),
    standing AS (SELECT status FROM digital_orders WHERE order_id = :order_id AND {_OF_OPENING}),
    outcome AS (
        SELECT CAST(NULL AS text) AS status FROM discarded
        UNION ALL SELECT status FROM moved
        UNION ALL SELECT status FROM standing WHERE status IN ('CANCELLED', 'REFUNDED')
        UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM standing)),
    {ORDERS.stored_outcome}
    {SELECT_ANSWER}
    """  # noqa: S608 - constants
)


def _change(from_statuses: str, to_status: str, changes: str, *, only: str) -> TextClause:
    """Return the statement of a move that no request id makes repeatable. Its condition may read the items."""
    moved = _moved(from_statuses, f"'{to_status}'", changes, only=only, request_id="CAST(NULL AS uuid)")
    return text(f"WITH {moved} SELECT order_id FROM moved")  # noqa: S608 - constants


def _has_item(condition: str) -> str:
    return f"""EXISTS (
        SELECT FROM digital_order_items AS item WHERE item.order_id = digital_orders.order_id AND item.{condition})
    """


_IS_PENDING: Final = "status = 'PENDING'"
_IS_READY: Final = "status = 'READY'"
_IS_OPEN: Final = "status IN ('PENDING', 'RESERVED')"
_MAY_COME: Final = _has_item("status <> 'FAILED'")

LOCK: Final = text(
    """
    SELECT status, (
        SELECT item_id FROM digital_order_items AS item
        WHERE item.order_id = digital_orders.order_id AND item_id = CAST(:item_id AS uuid)) AS item_id
    FROM digital_orders WHERE order_id = :order_id AND status <> 'OPENING' FOR UPDATE
    """
)
RESUME: Final = _change("FAILED", "PAID", ", failure_code = NULL, failure_message = ''", only=_MAY_COME)
ADVANCE: Final = _change("PAID", "WAITING", "", only=f"NOT {_has_item(_IS_PENDING)} AND {_MAY_COME}")
MAKE_READY: Final = _change(
    "WAITING",
    "READY",
    ", ready_at = now(), storage_ref = :storage_ref",
    only=f"NOT {_has_item(_IS_OPEN)} AND {_has_item(_IS_READY)}",
)
# PAID: its reserve job is dead. WAITING: the supplier has failed every item, and no notice of another one is awaited.
FAIL: Final = _change(
    "PAID WAITING",
    "FAILED",
    ", failure_code = :code, failure_message = :message",
    only=f"(status = 'PAID' OR NOT {_MAY_COME})",
)

_ITEM: Final = "item.order_id = :order_id AND item.item_id = :item_id"


def _of_order(statuses: str) -> str:
    return f"(SELECT status FROM digital_orders WHERE order_id = :order_id) IN ({statuses})"  # noqa: S608


_UNDECIDED: Final = _of_order("'PAID', 'WAITING', 'FAILED'")
# One that the supplier delivered or failed before this keeps its status.
NOTE_RESERVATION: Final = text(
    f"""
    UPDATE digital_order_items AS item SET
        reservation_id = :reservation_id,
        reserved_at = coalesce(reserved_at, now()),
        status = CASE status WHEN 'PENDING' THEN 'RESERVED' ELSE status END,
        status_at = CASE status WHEN 'PENDING' THEN now() ELSE status_at END
    WHERE {_ITEM} AND (reservation_id = :reservation_id OR reservation_id IS NULL
        AND {_of_order("'PAID', 'WAITING', 'FAILED', 'READY', 'FULFILLED'")})
    RETURNING item_id
    """  # noqa: S608 - constants
)
# A code of an item that has FAILED counts as long as no stored object may lack it: one is made once no item is open.
ADD_CODES: Final = text(
    f"""
    WITH added AS (
        INSERT INTO digital_item_codes (item_id, sealed)
        SELECT item_id, CAST(:sealed AS bytea) FROM digital_order_items AS item
        WHERE {_ITEM} AND {_UNDECIDED} AND (item.{_IS_OPEN} OR item.status = 'FAILED' AND (
            EXISTS (SELECT FROM digital_order_items AS other WHERE other.order_id = item.order_id AND other.{_IS_OPEN})
            OR NOT EXISTS (
                SELECT FROM digital_order_items AS other WHERE other.order_id = item.order_id AND other.status = 'READY')))
        RETURNING item_id)
    UPDATE digital_order_items AS item SET status = 'READY', status_at = now(), failure = ''
    FROM added WHERE item.item_id = added.item_id
    RETURNING item.item_id
    """  # noqa: S608 - constants
)
FAIL_ITEM: Final = text(
    f"""
    UPDATE digital_order_items AS item SET status = 'FAILED', status_at = now(), failure = :failure
    WHERE {_ITEM} AND {_UNDECIDED} AND {_IS_OPEN}
    RETURNING item_id
    """  # noqa: S608 - constants
)

NOTE_DOWNLOAD: Final = text(
    """
    UPDATE digital_orders SET downloaded_at = now()
    WHERE order_id = :order_id AND downloaded_at IS NULL AND storage_ref IS NOT NULL
    RETURNING order_id
    """
)
DELETE_CODES: Final = text(
    """
    WITH deleted AS (
        DELETE FROM digital_item_codes AS code USING digital_order_items AS item
        WHERE item.item_id = code.item_id AND item.order_id = :order_id)
    UPDATE digital_orders SET storage_ref = NULL, keys_deleted_at = coalesce(keys_deleted_at, now())
    WHERE order_id = :order_id
    RETURNING order_id
    """
)
CODES: Final = text(
    """
    SELECT item_id, sealed FROM digital_item_codes JOIN digital_order_items USING (item_id)
    WHERE order_id = :order_id ORDER BY position
    """
)
ALL_CODES: Final = text(
    """
    SELECT item_id, sealed FROM digital_item_codes
    WHERE CAST(:after AS uuid) IS NULL OR item_id > CAST(:after AS uuid) ORDER BY item_id LIMIT :limit
    """
)
REPLACE_CODES: Final = text(
    """
    UPDATE digital_item_codes SET sealed = CAST(:sealed AS bytea)
    WHERE item_id = :item_id AND sealed = CAST(:replaced AS bytea)
    """
)

FIND: Final = text(
    f"""
    SELECT {order_json("digital_orders")} AS found FROM digital_orders
    WHERE order_id = :order_id AND status <> 'OPENING'
    """  # noqa: S608 - constants
)
FIND_BY_RESERVATION: Final = text(
    f"""
    SELECT {order_json("digital_orders")} AS found, item.item_id
    FROM digital_order_items AS item JOIN digital_orders USING (order_id)
    WHERE item.reservation_id = :reservation_id
    """  # noqa: S608 - constants
)
STATUS_OF: Final = text("SELECT status FROM digital_orders WHERE order_id = :order_id")
