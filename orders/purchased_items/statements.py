"""The SQL of purchased items: one statement for each repeatable action, as `common.db.idempotency` shows."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import ARRAY, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer
from orders.purchased_items.models import purchased_item_history, purchased_items
from orders.purchased_items.status import ENDED, UNFINISHED, ItemStatus
from orders.shared.messages import messages
from orders.shared.transitions import Aggregate
from orders.subscriptions.statements import IS_RENEWABLE, begin_period

_COLUMNS: Final = (
    "purchased_item_id", "type", "buyer_user_id", "performer_id", "offer_id", "menu_id", "conversation_id", "name",
    "description", "execution_mode", "message", "idempotency_key", "queue_request_id", "scheduled_for",
    "estimated_minutes", "bonus_points", "time_zone",
)  # fmt: skip
"""What an opening sets and an item shows as it is."""
_SHOWN: Final = (
    *_COLUMNS, "status", "settlement_status", "note", "file_url", "explanation", "created_at", "started_at", "ended_at",
)  # fmt: skip


def item_json(item: str) -> str:
    """Return the SQL expression that shapes a row of `purchased_items`, with its position and wait of this moment."""
    fields = ", ".join(f"'{column}', {item}.{column}" for column in _SHOWN)
    return f"""
        jsonb_build_object({fields}, 'price', {item}.price::text, 'device', coalesce({item}.device, '{{}}'))
        || (SELECT jsonb_build_object(
                'queue_position', queue_position, 'estimated_wait_minutes', estimated_wait_minutes)
            FROM queue_place({item}.performer_id, CASE {item}.status WHEN 'PENDING' THEN {item}.place END))
    """  # noqa: S608 - constant names


ITEMS: Final = Aggregate(purchased_items, purchased_item_history, item_json)

_DONE: Final = """
    jsonb_build_object(
        'purchased_item_id', item -> 'purchased_item_id', 'status', item -> 'status',
        'queue_position', item -> 'queue_position', 'estimated_wait_minutes', item -> 'estimated_wait_minutes')
"""
_MESSAGE_FIELDS: Final = (
    "purchased_item_id", "buyer_user_id", "performer_id", "offer_id", "type", "name", "execution_mode",
    "settlement_status", "queue_request_id", "queue_position", "estimated_wait_minutes", "scheduled_for", "time_zone",
)  # fmt: skip
_MESSAGE_TEXTS: Final = ("message", "note", "file_url", "explanation")


def announced(*, kind: str, rows: str) -> str:
    """Return the CTE `announced`, which sends a message about an item: `purchased_item.` and the kind.

    Args:
        kind: an SQL expression.
        rows: a CTE whose rows have the `item` as `item_json` shapes it.
    """
    fields = ", ".join(f"'{name}', item -> '{name}'" for name in _MESSAGE_FIELDS)
    texts = ", ".join(f"'{name}', nullif(item ->> '{name}', '')" for name in _MESSAGE_TEXTS)
    return messages(
        "announced",
        kind=f"'purchased_item.' || {kind}",
        subject="item ->> 'purchased_item_id'",
        data=f"""
            jsonb_strip_nulls(jsonb_build_object(
                {fields}, {texts}, 'seller_user_id', item -> 'performer_id', 'amount', item -> 'price',
                'status', lower(item ->> 'status')))
        """,
        rows=rows,
    )


_ANNOUNCED_MOVE: Final = announced(
    kind="CASE item ->> 'status' WHEN 'PENDING' THEN 'queued' WHEN 'IN_PROGRESS' THEN 'started' "
    "ELSE lower(item ->> 'status') END",
    rows="shaped",
)


def _names(statuses: Iterable[ItemStatus]) -> str:
    return ", ".join(f"'{status}'" for status in statuses)


def _moved(
    from_statuses: Iterable[ItemStatus], to_status: str, changes: str, *, found: str = "true", only: str = "true"
) -> str:
    """Return the CTEs that move an item, note that, and announce it.

    Args:
        to_status: an SQL expression.
        changes: more assignments.
        found: a condition on the item besides its status.
        only: a condition on the row that was found, in `was`.
    """
    return f"""
        was AS MATERIALIZED (
            SELECT purchased_item_id, status AS from_status FROM purchased_items
            WHERE purchased_item_id = :purchased_item_id AND status IN ({_names(from_statuses)}) AND {found}
              AND NOT EXISTS (SELECT FROM prior)
            FOR UPDATE),
        moved AS (
            UPDATE purchased_items AS item SET status = {to_status}, {changes} FROM was
            WHERE item.purchased_item_id = was.purchased_item_id AND {only}
            RETURNING item.*, was.from_status),
        noted AS (
            INSERT INTO purchased_item_history (purchased_item_id, from_status, to_status, request_id)
            SELECT purchased_item_id, nullif(from_status, 'OPENING'), status, :request_id FROM moved),
        shaped AS MATERIALIZED (SELECT {item_json("moved")} AS item FROM moved),
        {_ANNOUNCED_MOVE}
    """  # noqa: S608 - constants


def _move(from_statuses: Iterable[ItemStatus], to_status: ItemStatus, changes: str, *, more: str = "") -> TextClause:
    """Return the statement of a move; `more` are CTEs that use `moved`, each with a comma."""
    return text(
        f"""
        WITH {PRIOR}, {_moved(from_statuses, f"'{to_status}'", changes)}, {more}
        {stored_answer(_DONE, rows="shaped")}
        {SELECT_ANSWER}
        """
    )


OPEN: Final = text(
    f"""
    WITH {PRIOR},
    checked AS MATERIALIZED (
        SELECT reached_daily_limit(
            :offer_id, :opened_on, :buyer_user_id, CAST(:daily_limit AS integer), CAST(:daily_limit_per_user AS integer)
        ) AS reached,
        {IS_RENEWABLE} AS is_renewable
        WHERE NOT EXISTS (SELECT FROM prior)),
    opened AS (
        INSERT INTO purchased_items (
            {", ".join(_COLUMNS)}, price, is_batched, opened_on, renewed_periods, status, settlement_status,
            opened_by_request_id)
        SELECT {", ".join(f":{column}" for column in _COLUMNS)}, :price, :is_batched, :opened_on, :renewed_periods,
            'OPENING', 'pending', :request_id
        FROM checked WHERE reached IS NULL AND is_renewable
        ON CONFLICT DO NOTHING
        RETURNING purchased_item_id, status),
    {stored_answer("jsonb_build_object('purchased_item_id', purchased_item_id, 'status', status)", rows="opened")}
    {SELECT_ANSWER}, (SELECT reached FROM checked) AS reached, (SELECT is_renewable FROM checked) AS is_renewable
    """  # noqa: S608
)
_ENQUEUE: Final = _move(
    [ItemStatus.OPENING],
    ItemStatus.PENDING,
    """
    settlement_status = CASE WHEN CAST(:is_funded AS boolean) THEN 'held' ELSE settlement_status END,
    is_due = coalesce(scheduled_for <= now(), true)
    """,
)
_START: Final = _move([ItemStatus.PENDING], ItemStatus.IN_PROGRESS, "started_at = now()")
# A batch of earnings may be paid out before the item is complete: then `payout_id` is there already.
_COMPLETE: Final = _move(
    UNFINISHED,
    ItemStatus.SUCCESS,
    """
    note = :note, file_url = :file_url, ended_at = now(),
    settlement_status = CASE WHEN is_batched AND payout_id IS NULL THEN 'pending' ELSE 'settled' END
    """,
    more=f"{begin_period('moved')},",
)

MOVES: Final[Mapping[str, TextClause]] = MappingProxyType({"enqueue": _ENQUEUE, "start": _START, "complete": _COMPLETE})
"""The statement of each move."""

# The undo of OPEN; its tombstone is written before it. An OPENING item was invisible, so it is deleted. If the item has
# moved on since the statement began, no answer is stored, and `attempt_undo` runs it again.
_END: Final = _moved(
    UNFINISHED,
    "CAST(:status AS text)",
    """
    explanation = :explanation, ended_at = now(),
    settlement_status = CASE settlement_status WHEN 'held' THEN 'refunded' ELSE settlement_status END
    """,
    found="opened_by_request_id = :undoes_request_id",
    only="was.from_status <> 'OPENING'",
)
END: Final = text(
    f"""
    WITH {PRIOR}, {_END},
    discarded AS (
        DELETE FROM purchased_items AS item USING was
        WHERE item.purchased_item_id = was.purchased_item_id AND was.from_status = 'OPENING'
        RETURNING item.purchased_item_id),
    standing AS (
        SELECT status FROM purchased_items
        WHERE purchased_item_id = :purchased_item_id AND opened_by_request_id = :undoes_request_id),
    outcome AS (
        SELECT CAST(NULL AS text) AS status FROM discarded
        UNION ALL SELECT status FROM moved
        UNION ALL SELECT status FROM standing WHERE status IN ({_names(ENDED)})
        UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM standing)),
    {ITEMS.stored_outcome}
    {SELECT_ANSWER}
    """  # noqa: S608
)

# In one order, so that two copies of a request wait for each other.
SETTLE: Final = text(
    f"""
    WITH {PRIOR},
    paid AS MATERIALIZED (
        SELECT purchased_item_id FROM purchased_items
        WHERE purchased_item_id = ANY(:item_ids) AND payout_id IS NULL AND NOT EXISTS (SELECT FROM prior)
        ORDER BY purchased_item_id FOR UPDATE),
    settled AS (
        UPDATE purchased_items AS item SET
            payout_id = :payout_id,
            settlement_status = CASE status WHEN 'SUCCESS' THEN 'settled' ELSE settlement_status END
        FROM paid WHERE item.purchased_item_id = paid.purchased_item_id
        RETURNING item.purchased_item_id),
    outcome AS (
        SELECT (SELECT count(*) FROM settled) AS settled WHERE NOT EXISTS (SELECT FROM prior)),
    {stored_answer("jsonb_build_object('settled', settled)", rows="outcome")}
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(bindparam("item_ids", type_=ARRAY(UUID(as_uuid=True))))

# An activation is final, and so is the first time of a failure.
NOTE_DEVICE: Final = text(
    """
    UPDATE purchased_items SET device = :device
    WHERE purchased_item_id = :purchased_item_id
      AND coalesce(device ->> 'status', '') NOT IN ('activated', CAST(:status AS text))
    """
).bindparams(bindparam("device", type_=JSONB))

STATUS_OF: Final = text("SELECT status FROM purchased_items WHERE purchased_item_id = :purchased_item_id")
FIRST_WITH_KEY: Final = text(
    """
    SELECT purchased_item_id, queue_request_id FROM purchased_items
    WHERE buyer_user_id = :buyer_user_id AND idempotency_key = CAST(:idempotency_key AS text)
      AND (type = 'subscription') = (CAST(:type AS text) = 'subscription')
    """
)
FIND_BY_QUEUE_REQUEST: Final = text(
    f"""
    SELECT {item_json("purchased_items")} AS found FROM purchased_items
    WHERE queue_request_id = :queue_request_id AND status <> 'OPENING'
    """  # noqa: S608
)
FIND_WITH_HISTORY: Final = text(
    f"""
    SELECT {item_json("purchased_items")} || jsonb_build_object('history', (
        SELECT jsonb_agg(
            jsonb_build_object('from_status', lower(from_status), 'to_status', lower(to_status), 'at', at)
            ORDER BY history_id)
        FROM purchased_item_history AS history
        WHERE history.purchased_item_id = purchased_items.purchased_item_id)) AS found
    FROM purchased_items WHERE purchased_item_id = :purchased_item_id AND status <> 'OPENING'
    """  # noqa: S608
)
