"""The SQL of articles: one statement for each repeatable action, as `common.db.idempotency` shows."""

from typing import Final

from sqlalchemy import text

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer

_ANSWER: Final = "jsonb_build_object('article_id', article_id, 'slug', slug)"
_NUMBERED: Final = "CAST(:slug AS text) || CASE number WHEN 1 THEN '' ELSE '-' || number END"

# It does nothing if another article takes the slug meanwhile. An order has one article, whatever the request.
PUBLISH: Final = text(
    f"""
    WITH {PRIOR},
    free AS MATERIALIZED (
        SELECT {_NUMBERED} AS slug FROM (SELECT generate_series(1, 1000000) AS number) AS numbers
        WHERE NOT EXISTS (SELECT FROM articles AS other WHERE other.slug = {_NUMBERED}) LIMIT 1),
    published AS (
        INSERT INTO articles (article_id, slug, title, content, owner_user_id, event_id, order_id, links_allowed)
        SELECT gen_random_uuid(), slug, :title, :content, :owner_user_id, CAST(:event_id AS uuid), :order_id,
            :links_allowed
        FROM free
        WHERE NOT EXISTS (SELECT FROM prior) AND (
            CAST(:event_id AS uuid) IS NULL
            OR EXISTS (SELECT FROM events WHERE event_id = CAST(:event_id AS uuid) AND status <> 'DRAFT'))
        ON CONFLICT DO NOTHING
        RETURNING article_id, slug),
    of_order AS (
        SELECT article_id, slug FROM published
        UNION ALL
        SELECT article_id, slug FROM articles WHERE order_id = :order_id AND NOT EXISTS (SELECT FROM prior)),
    {stored_answer(_ANSWER, rows="of_order")}
    {SELECT_ANSWER}
    """  # noqa: S608
)

REPLACE_CONTENT: Final = text(
    f"""
    WITH {PRIOR},
    changed AS (
        UPDATE articles SET content = :content, updated_at = now()
        WHERE article_id = :article_id AND NOT EXISTS (SELECT FROM prior)
        RETURNING article_id, slug),
    {stored_answer(_ANSWER, rows="changed")}
    {SELECT_ANSWER}
    """  # noqa: S608
)


def _newest(condition: str, *, place: int) -> str:
    return f"""(
        SELECT *, {place} AS place FROM articles WHERE {condition}
        ORDER BY published_at DESC, article_id DESC LIMIT :limit)
    """  # noqa: S608 - constant conditions


_ABOUT: Final = "event_id = CAST(:event_id AS uuid)"
# Those about the event first, then the newest.
SIMILAR: Final = text(
    f"""
    SELECT * FROM ({_newest(_ABOUT, place=1)} UNION ALL {_newest(f"({_ABOUT}) IS NOT TRUE", place=2)}) AS found
    ORDER BY place, published_at DESC, article_id DESC LIMIT :limit
    """  # noqa: S608
)
