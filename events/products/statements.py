"""The SQL of the stock: one statement for each repeatable action, as `common.db.idempotency` shows."""

from typing import Final

from sqlalchemy import text

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer

_NOTHING_TO_TELL: Final = "jsonb_build_object()"

# All products or none. Their rows are locked in one order, and the locked rows decide: of two requests for the last unit,
# the second sees what the first one left. `problem` is why nothing was taken.
TAKE: Final = text(
    f"""
    WITH {PRIOR},
    wanted AS MATERIALIZED (
        SELECT product_id, quantity FROM unnest(CAST(:product_ids AS uuid[]), CAST(:quantities AS integer[]))
            AS wanted (product_id, quantity)
        WHERE NOT EXISTS (SELECT FROM prior)),
    locked AS MATERIALIZED (
        SELECT product_id, quantity, is_active, stock, stock - quantity AS remaining
        FROM products JOIN wanted USING (product_id)
        ORDER BY product_id
        FOR NO KEY UPDATE OF products),
    problem AS MATERIALIZED (
        SELECT jsonb_build_object('product_id', product_id, 'reason', CASE
            WHEN locked.is_active IS NULL THEN 'UNKNOWN' WHEN locked.is_active THEN 'OUT_OF_STOCK' ELSE 'INACTIVE' END)
            AS found
        FROM wanted LEFT JOIN locked USING (product_id)
        WHERE locked.is_active IS NOT TRUE OR remaining < 0
        ORDER BY locked.is_active NULLS FIRST, product_id LIMIT 1),
    allowed AS MATERIALIZED (
        SELECT 1 WHERE EXISTS (SELECT FROM wanted) AND NOT EXISTS (SELECT FROM problem)),
    taken AS (
        UPDATE products SET stock = remaining FROM locked
        WHERE products.product_id = locked.product_id AND remaining IS NOT NULL AND EXISTS (SELECT FROM allowed)
        RETURNING products.product_id, quantity),
    noted AS (
        INSERT INTO stock_movements (request_id, product_id, quantity)
        SELECT :request_id, product_id, quantity FROM taken),
    {stored_answer(_NOTHING_TO_TELL, rows="allowed")}
    {SELECT_ANSWER}, (SELECT found FROM problem) AS problem
    """  # noqa: S608
)

# The undo of TAKE; its tombstone is written before it. A stock that is no longer counted stays so.
RETURN: Final = text(
    f"""
    WITH {PRIOR},
    returned AS (
        UPDATE stock_movements SET returned_at = now()
        WHERE request_id = :undoes_request_id AND returned_at IS NULL AND NOT EXISTS (SELECT FROM prior)
        RETURNING product_id, quantity),
    locked AS MATERIALIZED (
        SELECT product_id, stock + quantity AS restored FROM products JOIN returned USING (product_id)
        ORDER BY product_id
        FOR NO KEY UPDATE OF products),
    restored AS (
        UPDATE products SET stock = locked.restored FROM locked WHERE products.product_id = locked.product_id),
    {stored_answer(_NOTHING_TO_TELL, rows="(SELECT WHERE NOT EXISTS (SELECT FROM prior)) AS done")}
    {SELECT_ANSWER}
    """  # noqa: S608
)
