"""The SQL of the catalogue's repeatable actions: one statement each, as `common.db.idempotency` shows."""

from typing import Final

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.idempotency import SELECT_ANSWER

__all__ = ["CANCEL", "DISCARD", "DRAFT", "PUBLISH", "event_json"]


def event_json(event: str, *, venue: str = "venues", tiers: str = "pricing_tiers") -> str:
    """Return the SQL expression that shapes a row of `events`, with its venue and tiers, as an event.

    Prices leave as text: a JSON number would become a float on its way.
    """
    return f"""
        jsonb_build_object(
            'event_id', {event}.event_id, 'name', {event}.name, 'status', {event}.status,
            'venue', jsonb_build_object(
                'venue_id', {venue}.venue_id, 'name', {venue}.name, 'address', {venue}.address,
                'total_halls', {venue}.total_halls),
            'hall_id', {event}.hall_id, 'event_date', {event}.event_date, 'total_seats', {event}.total_seats,
            'pricing_tiers', (
                SELECT jsonb_object_agg(tier.category, tier.price::text)
                FROM {tiers} AS tier WHERE tier.event_id = {event}.event_id),
            'layout', {event}.layout, 'resale_cap_percent', {event}.resale_cap_percent,
            'refund_deadline_hours', {event}.refund_deadline_hours)
    """  # noqa: S608 - the names are ours


_PRIOR: Final = "prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)"
_IS_NEW: Final = "NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM events WHERE event_id = :event_id)"

DRAFT: Final = text(
    f"""
    WITH {_PRIOR},
    introduced AS (
        INSERT INTO venues (venue_id, name, address, total_halls, introduced_by_event_id)
        SELECT coalesce(:venue_id, gen_random_uuid()), :venue_name, :venue_address, :venue_total_halls, :event_id
        WHERE CAST(:venue_name AS text) IS NOT NULL AND {_IS_NEW}
            AND NOT EXISTS (SELECT FROM venues WHERE venue_id = :venue_id)
        RETURNING *),
    venue AS (
        SELECT venue_id, name, address, total_halls FROM introduced
        UNION ALL
        SELECT venue_id, name, address, total_halls FROM venues WHERE venue_id = :venue_id),
    drafted AS (
        INSERT INTO events (
            event_id, venue_id, name, status, hall_id, event_date, total_seats, layout,
            resale_cap_percent, refund_deadline_hours)
        SELECT :event_id, venue_id, :name, 'DRAFT', :hall_id, :event_date, :total_seats, :layout,
            :resale_cap_percent, :refund_deadline_hours
        FROM venue WHERE {_IS_NEW}
        RETURNING *),
    priced AS (
        INSERT INTO pricing_tiers (event_id, category, price)
        SELECT event_id, tier.key, tier.value::numeric FROM drafted, jsonb_each_text(:pricing_tiers) AS tier
        RETURNING *),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint,
            jsonb_build_object('done', {event_json("drafted", venue="venue", tiers="priced")})
        FROM drafted, venue
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(bindparam("layout", type_=JSONB), bindparam("pricing_tiers", type_=JSONB))


def _moved(to_status: str, *, from_status: str, noted: str) -> TextClause:
    """Return the statement that moves an event on and notes when in the column `noted`."""
    return text(
        f"""
        WITH {_PRIOR},
        moved AS (
            UPDATE events SET status = '{to_status}', {noted} = now()
            WHERE event_id = :event_id AND status = '{from_status}' AND NOT EXISTS (SELECT FROM prior)
            RETURNING *),
        remembered AS (
            INSERT INTO requests (request_id, fingerprint, result)
            SELECT :request_id, :fingerprint, jsonb_build_object('done', {event_json("moved")})
            FROM moved JOIN venues USING (venue_id)
            RETURNING result)
        {SELECT_ANSWER}
        """  # noqa: S608 - the names are ours
    )


PUBLISH: Final = _moved("PUBLISHED", from_status="DRAFT", noted="published_at")
CANCEL: Final = _moved("CANCELLED", from_status="PUBLISHED", noted="cancelled_at")

# The undo of DRAFT; the draft's tombstone is made before it, which waits for a draft in flight.
DISCARD: Final = text(
    f"""
    WITH {_PRIOR},
    discarded AS (
        DELETE FROM events
        WHERE event_id = :event_id AND status = 'DRAFT' AND NOT EXISTS (SELECT FROM prior)
        RETURNING event_id, venue_id),
    deserted AS (
        DELETE FROM venues USING discarded
        WHERE venues.venue_id = discarded.venue_id AND venues.introduced_by_event_id = discarded.event_id
            AND NOT EXISTS (
                SELECT FROM events AS other
                WHERE other.venue_id = venues.venue_id AND other.event_id <> discarded.event_id)),
    gone AS (
        SELECT event_id FROM discarded
        UNION ALL
        SELECT :event_id WHERE NOT EXISTS (SELECT FROM events WHERE event_id = :event_id)),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object('event_id', event_id))
        FROM gone WHERE NOT EXISTS (SELECT FROM prior)
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608
)
