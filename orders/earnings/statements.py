"""The SQL of earnings."""

from typing import Final

from sqlalchemy import text

from common.messaging.inbox import RECEIVED

COMPLETED_ITEM: Final = text(
    """
    SELECT performer_id, offer_id, name, type, price, time_zone, ended_at FROM purchased_items
    WHERE purchased_item_id = :item_id AND status = 'SUCCESS'
    """
)
# Once for a message, and once for an item, even if its message is sent again after the inbox has forgotten it.
RECORD: Final = text(
    f"""
    WITH {RECEIVED},
    recorded AS (
        INSERT INTO earnings (item_id, performer_id, offer_id, name, type, amount, day, time_zone, at)
        SELECT :item_id, :performer_id, :offer_id, :name, :type, :price, :day, :time_zone, :ended_at FROM received
        ON CONFLICT DO NOTHING
        RETURNING performer_id, day, offer_id, name, type, amount)
    INSERT INTO earnings_by_day AS sums (performer_id, day, offer_id, name, type, count, amount)
    SELECT performer_id, day, offer_id, name, type, 1, amount FROM recorded
    ON CONFLICT (performer_id, day, offer_id) DO UPDATE SET
        name = excluded.name, count = sums.count + 1, amount = sums.amount + excluded.amount
    """  # noqa: S608 - constants only
)
TIME_ZONE: Final = text("SELECT time_zone FROM earnings WHERE performer_id = :performer_id ORDER BY at DESC LIMIT 1")
# Amounts are text: a JSON number would become a float.
SUMS: Final = text(
    """
    WITH range AS MATERIALIZED (
        SELECT day, offer_id, type, name, count, amount FROM earnings_by_day
        WHERE performer_id = :performer_id AND day BETWEEN :first AND :last),
    types AS (SELECT type, sum(count) AS count, sum(amount)::text AS amount FROM range GROUP BY type ORDER BY type),
    items AS (
        SELECT offer_id, type, (array_agg(name ORDER BY day DESC))[1] AS name, sum(count) AS count,
               sum(amount)::text AS amount
        FROM range GROUP BY offer_id, type ORDER BY sum(amount) DESC, offer_id LIMIT 1000),
    days AS (SELECT day, sum(count) AS count, sum(amount)::text AS amount FROM range GROUP BY day ORDER BY day)
    SELECT (SELECT coalesce(sum(amount), 0) FROM earnings_by_day
            WHERE performer_id = :performer_id AND day = :today) AS today,
           (SELECT coalesce(sum(amount), 0) FROM range) AS total,
           (SELECT coalesce(sum(price), 0) FROM purchased_items
            WHERE performer_id = :performer_id AND status = 'SUCCESS' AND settlement_status = 'pending') AS pending,
           (SELECT coalesce(jsonb_agg(types), '[]') FROM types) AS by_type,
           (SELECT coalesce(jsonb_agg(items), '[]') FROM items) AS by_item,
           (SELECT coalesce(jsonb_agg(days), '[]') FROM days) AS by_day
    """
)
