"""The SQL of commissions: one statement for each repeatable action, as `common.db.idempotency` shows."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import ARRAY, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer
from orders.commissions.models import UNFINISHED, commission_history, commissions
from orders.shared.messages import messages
from orders.shared.transitions import Aggregate

_OPENED: Final = (
    "order_id", "customer_user_id", "type", "pay_with", "event_id", "article_id", "brief", "keywords", "target_url",
    "anchor_text", "links_allowed",
)  # fmt: skip
"""What an opening sets and an order shows as it is."""
_SHOWN: Final = (
    *_OPENED, "status", "checkout_url", "checkout_expires_at", "round", "notes", "review_notes", "failure_code",
    "failure_message", "version_number", "title", "slug", "created_at", "paid_at", "failed_at", "ended_at",
)  # fmt: skip
_OF_VERSION: Final = (
    "version_id", "number", "title", "notes", "changes", "quality", "provider", "model", "input_tokens",
    "output_tokens", "created_at",
)  # fmt: skip


MOST_SHOWN: Final = 20
"""The versions of an order that are read with it; each of the others has its route."""


def _fields(row: str, columns: Iterable[str]) -> str:
    return ", ".join(f"'{column}', {row}.{column}" for column in columns)


def commission_json(row: str) -> str:
    """Return the SQL expression that shapes a row of `commissions`."""
    return f"jsonb_build_object({_fields(row, _SHOWN)}, 'price', {row}.price::text)"


def with_versions_json(row: str) -> str:
    """Return the same with its versions, oldest first."""
    return _with_versions(row, content="version.content", most="ALL")


def _with_latest_json(row: str) -> str:
    """Return the same with its latest versions, of which only the current one has its content: there may be any number."""
    content = f"CASE version.number WHEN {row}.version_number THEN version.content ELSE '' END"
    return _with_versions(row, content=content, most=f"{MOST_SHOWN}")


def _with_versions(row: str, *, content: str, most: str) -> str:
    return f"""
        {commission_json(row)} || jsonb_build_object('versions', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                {_fields("version", _OF_VERSION)}, 'content', {content}, 'cost_usd', version.cost_usd::text,
                'qc_status', CASE WHEN (version.quality -> 'passed')::boolean THEN 'passed' ELSE 'failed' END
            ) ORDER BY number), '[]')
            FROM (
                SELECT * FROM commission_versions WHERE order_id = {row}.order_id ORDER BY number DESC LIMIT {most}
            ) AS version))
    """  # noqa: S608 - constant names


COMMISSIONS: Final = Aggregate(commissions, commission_history, commission_json)
WITH_VERSIONS: Final = Aggregate(commissions, commission_history, with_versions_json)

_DONE: Final = "jsonb_build_object('order_id', order_id, 'status', status, 'round', round, 'number', version_number)"


_KIND: Final = """
    CASE
        WHEN status IN ('COMPLETED', 'FAILED', 'REFUNDED', 'CANCELLED') THEN lower(status)
        WHEN status = 'PROCESSING' AND from_status IN ('OPENING', 'AWAITING_PAYMENT') THEN 'received'
        WHEN status = 'QUALITY_CHECK' AND from_status = 'ADMIN_REVIEW' THEN 'sent_back'
        WHEN status = 'QUALITY_CHECK' THEN CASE version_number WHEN 1 THEN 'ready' ELSE 'revision_ready' END
        WHEN status = 'ADMIN_REVIEW' THEN 'submitted'
    END
"""
"""What the message about a move is named; NULL if the move is not announced."""
_ANNOUNCED: Final = messages(
    "announced",
    kind=f"'commission.' || {_KIND}",
    subject="order_id::text",
    data="""
        jsonb_strip_nulls(jsonb_build_object(
            'order_id', order_id, 'user_id', customer_user_id, 'type', type, 'event_id', event_id,
            'article_id', article_id, 'amount', price::text, 'pay_with', pay_with, 'status', lower(status),
            'round', round, 'version_number', nullif(version_number, 0), 'title', nullif(title, ''), 'slug', slug,
            'notes', CASE from_status WHEN 'ADMIN_REVIEW' THEN CASE status WHEN 'QUALITY_CHECK' THEN review_notes END END,
            'code', failure_code, 'reason', nullif(failure_message, '')))
    """,
    rows=f"moved WHERE {_KIND} IS NOT NULL",
)


def _moved(from_statuses: str, to_status: str, changes: str, *, only: str = "true") -> str:
    """Return the CTEs that move an order, note that and announce it.

    Args:
        from_statuses: their names with blanks between.
        to_status: an SQL expression.
        changes: more assignments, each after a comma.
        only: a condition on the order besides its status.
    """
    listed = ", ".join(f"'{status}'" for status in from_statuses.split())
    return f"""
        was AS MATERIALIZED (
            SELECT order_id, status AS from_status FROM commissions
            WHERE order_id = :order_id AND status IN ({listed}) AND {only}
              AND NOT EXISTS (SELECT FROM prior)
            FOR UPDATE),
        moved AS (
            UPDATE commissions AS commission
            SET status = {to_status}, status_at = now(), moved_by_request_id = :request_id {changes}
            FROM was WHERE commission.order_id = was.order_id
            RETURNING commission.*, was.from_status),
        noted AS (
            INSERT INTO commission_history (order_id, from_status, to_status, request_id)
            SELECT order_id, nullif(from_status, 'OPENING'), status, :request_id FROM moved),
        {_ANNOUNCED}
    """  # noqa: S608 - constants


def _move(from_statuses: str, to_status: str, changes: str = "", *, only: str = "true", more: str = "") -> TextClause:
    """Return the statement of a move; `more` is a CTE that uses `moved`, with a comma."""
    return text(
        f"""
        WITH {PRIOR}, {_moved(from_statuses, f"'{to_status}'", changes, only=only)}, {more}
        {stored_answer(_DONE, rows="moved")}
        {SELECT_ANSWER}
        """
    )


def _no_other_backlink(article_id: str) -> str:
    """Return the condition that no paid backlink into the article is unfinished. Only an index can exclude two at once."""
    return f"""NOT EXISTS (
        SELECT FROM commissions AS other
        WHERE other.type = 'BACKLINK' AND other.article_id = {article_id} AND other.{UNFINISHED})
    """


OPEN: Final = text(
    f"""
    WITH {PRIOR},
    opened AS (
        INSERT INTO commissions ({", ".join(_OPENED)}, price, status, status_at, opened_by_request_id)
        SELECT {", ".join(f":{column}" for column in _OPENED)}, :price, 'OPENING', now(), :request_id
        WHERE NOT EXISTS (SELECT FROM prior) AND {_no_other_backlink(":article_id")}
        ON CONFLICT DO NOTHING
        RETURNING *),
    {stored_answer(_DONE, rows="opened")}
    {SELECT_ANSWER}
    """  # noqa: S608 - constant names
).bindparams(bindparam("keywords", type_=ARRAY(Text)))

_FORGET_FAILURE: Final = ", failure_code = NULL, failure_message = '', failed_at = NULL"
_IN_ROUND: Final = "round = :round"
_ADD_VERSION: Final = _move(
    "PROCESSING",
    "QUALITY_CHECK",
    ", version_number = version_number + 1, title = :title",
    only=_IN_ROUND,
    more="""
        stored AS (
            INSERT INTO commission_versions (
                order_id, number, round, title, notes, content, changes, quality, provider, model, input_tokens,
                output_tokens, cost_usd)
            SELECT order_id, version_number, round, title, notes, :content, :changes, :quality, :provider, :model,
                :input_tokens, :output_tokens, :cost_usd
            FROM moved),
    """,
).bindparams(bindparam("quality", type_=JSONB))

MOVES: Final[Mapping[str, TextClause]] = MappingProxyType(
    {
        "await-payment": _move(
            "OPENING",
            "AWAITING_PAYMENT",
            ", checkout_session_id = :session_id, checkout_url = :url, checkout_expires_at = :expires_at",
        ),
        "accept": _move(
            "OPENING AWAITING_PAYMENT",
            "PROCESSING",
            ", round = 1, paid_at = now()",
            only=_no_other_backlink("commissions.article_id"),
        ),
        "revise": _move("QUALITY_CHECK", "PROCESSING", ", round = round + 1, notes = :notes"),
        "retry": _move("FAILED", "PROCESSING", f", round = round + 1 {_FORGET_FAILURE}"),
        "versions": _ADD_VERSION,
        "fail": _move(
            "PROCESSING",
            "FAILED",
            ", failure_code = :code, failure_message = :message, failed_at = now()",
            only=_IN_ROUND,
        ),
        "submit": _move("QUALITY_CHECK", "ADMIN_REVIEW"),
        "send-back": _move("ADMIN_REVIEW", "QUALITY_CHECK", ", review_notes = :notes"),
        "begin-publication": _move(
            "ADMIN_REVIEW",
            "PUBLISHING",
            only="version_number = coalesce(CAST(:version_number AS integer), version_number)",
        ),
        "complete": _move("PUBLISHING", "COMPLETED", ", slug = :slug, ended_at = now()"),
    }
)
"""The statement of each move, by the name of its route."""

# Not a repeatable action: the job that calls it again finds what the first call left.
RESUME: Final = text(
    f"""
    WITH resumed AS (
        UPDATE commissions SET status = 'PROCESSING', status_at = now() {_FORGET_FAILURE}
        WHERE order_id = :order_id AND status = 'FAILED' AND {_IN_ROUND}
        RETURNING order_id)
    INSERT INTO commission_history (order_id, from_status, to_status)
    SELECT order_id, 'FAILED', 'PROCESSING' FROM resumed
    """  # noqa: S608 - constants
)

# The undo of OPEN; its tombstone is written before it. An OPENING order was invisible, so it is deleted. If it has moved
# on since the statement began, no answer is stored, and `attempt_undo` runs it again.
_OF_OPENING: Final = "opened_by_request_id = :undoes_request_id"
_ENDED: Final = _moved(
    "AWAITING_PAYMENT PROCESSING QUALITY_CHECK ADMIN_REVIEW PUBLISHING FAILED",
    "CASE was.from_status WHEN 'AWAITING_PAYMENT' THEN 'CANCELLED' ELSE 'REFUNDED' END",
    """
    , ended_at = now(), failure_code = coalesce(failure_code, :reason),
    failure_message = CASE WHEN failure_code IS NULL THEN :explanation ELSE failure_message END
    """,
    only=_OF_OPENING,
)
_END: Final = text(
    f"""
    WITH {PRIOR}, {_ENDED},
    discarded AS (
        DELETE FROM commissions
        WHERE order_id = :order_id AND status = 'OPENING' AND {_OF_OPENING} AND NOT EXISTS (SELECT FROM prior)
        RETURNING order_id),
    standing AS (SELECT status FROM commissions WHERE order_id = :order_id AND {_OF_OPENING}),
    outcome AS (
        SELECT CAST(NULL AS text) AS status FROM discarded
        UNION ALL SELECT status FROM moved
        UNION ALL SELECT status FROM standing WHERE status IN ('CANCELLED', 'REFUNDED')
        UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM standing)),
    {COMMISSIONS.stored_outcome}
    {SELECT_ANSWER}
    """  # noqa: S608 - constants
)
_ABANDON_PUBLICATION: Final = COMMISSIONS.undo(", status_at = now()").bindparams(
    from_status="PUBLISHING", to_status="ADMIN_REVIEW"
)
UNDOS: Final[Mapping[str, TextClause]] = MappingProxyType({"end": _END, "abandon-publication": _ABANDON_PUBLICATION})

_FIND: Final = "AS found FROM commissions WHERE order_id = :order_id AND status <> 'OPENING'"
FIND: Final = text(f"SELECT {with_versions_json('commissions')} {_FIND}")
FIND_LATEST: Final = text(f"SELECT {_with_latest_json('commissions')} {_FIND}")
FIND_BY_CHECKOUT: Final = text(
    f"""
    SELECT {_with_latest_json("commissions")} AS found FROM commissions
    WHERE checkout_session_id = :session_id
    """  # noqa: S608 - constants
)
STATUS_OF: Final = text("SELECT status FROM commissions WHERE order_id = :order_id")
LATEST_TEXT: Final = text(
    """
    SELECT title, content FROM commission_versions WHERE order_id = :order_id ORDER BY number DESC LIMIT 1
    """
)
UNFINISHED_BACKLINK: Final = text(
    f"""
    SELECT article_id FROM commissions
    WHERE type = 'BACKLINK' AND order_id <> :order_id AND {UNFINISHED} AND article_id = coalesce(
        CAST(:article_id AS uuid), (SELECT article_id FROM commissions WHERE order_id = :order_id))
    """  # noqa: S608 - constants
)
# Durations are those of orders that were paid lately.
STATS: Final = text(
    """
    WITH lately AS (
        SELECT version_number, status, ended_at, extract(epoch FROM first.created_at - paid_at) AS writing,
            CASE status WHEN 'COMPLETED' THEN extract(epoch FROM ended_at - paid_at) END AS publishing
        FROM commissions LEFT JOIN commission_versions AS first
          ON first.order_id = commissions.order_id AND first.number = 1
        WHERE paid_at > now() - interval '30 days')
    SELECT
        (SELECT coalesce(jsonb_object_agg(shown, orders), '{}') FROM (
            SELECT replace(status, 'PUBLISHING', 'ADMIN_REVIEW') AS shown, count(*) AS orders
            FROM commissions WHERE status <> 'OPENING' GROUP BY shown) AS counted) AS orders,
        avg(version_number - 1) FILTER (WHERE version_number > 0) AS revisions_per_order,
        (count(*) FILTER (WHERE status = 'COMPLETED'))::float / nullif(count(ended_at), 0) AS success_rate,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY writing) AS median_seconds_to_first_version,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY writing) AS p95_seconds_to_first_version,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY publishing) AS median_seconds_to_publication,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY publishing) AS p95_seconds_to_publication
    FROM lately
    """
)
