"""The SQL of the catalogue: one statement for each repeatable action, as `common.db.idempotency` shows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from common.db.idempotency import PRIOR, SELECT_ANSWER, stored_answer
from events.catalogue.status import EventMove


def event_json(event: str, *, venue: str = "venues", tiers: str = "pricing_tiers") -> str:
    """Return the SQL expression that shapes a row of `events`, with its venue and tiers, as an event.

    Prices are text: a JSON number would become a float.
    """
    return f"""
        jsonb_build_object(
            'event_id', {event}.event_id, 'name', {event}.name, 'status', {event}.status,
            'venue', jsonb_build_object(
                'venue_id', {venue}.venue_id, 'name', {venue}.name, 'address', {venue}.address,
                'total_halls', {venue}.total_halls, 'halls', {venue}.halls),
            'hall_id', {event}.hall_id, 'event_date', {event}.event_date, 'ends_at', {event}.ends_at,
            'doors_open_at', coalesce({event}.doors_open_at, {event}.event_date - interval '2 hours'),
            'has_doors_time', {event}.doors_open_at IS NOT NULL, 'total_seats', {event}.total_seats,
            'pricing_tiers', (
                SELECT jsonb_object_agg(tier.category, tier.price::text)
                FROM {tiers} AS tier WHERE tier.event_id = {event}.event_id),
            'layout', {event}.layout, 'resale_cap_percent', {event}.resale_cap_percent,
            'refund_deadline_hours', {event}.refund_deadline_hours)
    """  # noqa: S608 - constant names


_IS_NEW: Final = "NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM events WHERE event_id = :event_id)"

# Half-open, so that one event may begin when another ends.
_OVERLAPS: Final = """
    other.venue_id = {venue_id} AND other.hall_id = :hall_id AND other.status <> 'CANCELLED'
    AND tstzrange(other.event_date, other.ends_at) && tstzrange(
        CAST(:event_date AS timestamptz),
        coalesce(CAST(:ends_at AS timestamptz), CAST(:event_date AS timestamptz) + interval '4 hours'))
"""

# `accepting` is the venue, if the hall is one of its halls or can become one. The update locks it, so that two drafts
# cannot both add the last name. Names that differ only in case are one hall.
DRAFT: Final = text(
    f"""
    WITH {PRIOR},
    introduced AS (
        INSERT INTO venues (venue_id, name, address, total_halls, halls, introduced_by_event_id)
        SELECT coalesce(:venue_id, gen_random_uuid()), :venue_name, :venue_address, :venue_total_halls,
            CAST(:venue_halls AS text[]), :event_id
        WHERE CAST(:venue_name AS text) IS NOT NULL AND {_IS_NEW}
            AND NOT EXISTS (SELECT FROM venues WHERE venue_id = :venue_id)
        RETURNING *),
    accepting AS (
        UPDATE venues SET halls = CASE WHEN :hall_id = ANY(halls) THEN halls ELSE halls || CAST(:hall_id AS text) END
        WHERE venue_id = :venue_id AND {_IS_NEW} AND (
            :hall_id = ANY(halls)
            OR cardinality(halls) < total_halls
                AND NOT lower(CAST(:hall_id AS text)) = ANY(ARRAY(SELECT lower(hall) FROM unnest(halls) AS hall)))
        RETURNING *),
    venue AS (
        SELECT venue_id, name, address, total_halls, halls FROM introduced
        UNION ALL
        SELECT venue_id, name, address, total_halls, halls FROM accepting),
    drafted AS (
        INSERT INTO events (
            event_id, venue_id, name, status, hall_id, event_date, ends_at, doors_open_at, total_seats, layout,
            resale_cap_percent, refund_deadline_hours)
        SELECT :event_id, venue_id, :name, 'DRAFT', :hall_id, :event_date, CAST(:ends_at AS timestamptz),
            coalesce(CAST(:doors_open_at AS timestamptz), CAST(:event_date AS timestamptz) - interval '2 hours'),
            :total_seats, :layout, :resale_cap_percent, :refund_deadline_hours
        FROM venue WHERE {_IS_NEW} AND NOT EXISTS (
            SELECT FROM events AS other WHERE {_OVERLAPS.format(venue_id="venue.venue_id")})
        RETURNING *),
    priced AS (
        INSERT INTO pricing_tiers (event_id, category, price)
        SELECT event_id, tier.key, tier.value::numeric FROM drafted, jsonb_each_text(:pricing_tiers) AS tier
        RETURNING *),
    {stored_answer(event_json("drafted", venue="venue", tiers="priced"), rows="drafted, venue")}
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(bindparam("layout", type_=JSONB), bindparam("pricing_tiers", type_=JSONB))


# Why DRAFT did nothing.
FIND_OBSTACLES: Final = text(
    f"""
    SELECT (SELECT status FROM events WHERE event_id = :event_id) AS status, venues.halls,
        :hall_id = ANY(venues.halls) AS has_hall, (
            SELECT jsonb_build_object(
                'event_id', other.event_id, 'name', other.name, 'event_date', other.event_date,
                'ends_at', other.ends_at)
            FROM events AS other WHERE {_OVERLAPS.format(venue_id="venues.venue_id")}
            ORDER BY other.event_date LIMIT 1) AS overlapping
    FROM (VALUES (1)) AS always LEFT JOIN venues ON venues.venue_id = :venue_id
    """  # noqa: S608
)


def _moved(to_status: str, *, from_status: str, noted: str) -> TextClause:
    """Return the statement that moves an event to a status and notes the time in the column `noted`."""
    return text(
        f"""
        WITH {PRIOR},
        moved AS (
            UPDATE events SET status = '{to_status}', {noted} = now()
            WHERE event_id = :event_id AND status = '{from_status}' AND NOT EXISTS (SELECT FROM prior)
            RETURNING *),
        {stored_answer(event_json("moved"), rows="moved JOIN venues USING (venue_id)")}
        {SELECT_ANSWER}
        """  # noqa: S608 - constant names
    )


MOVES: Final[Mapping[EventMove, TextClause]] = MappingProxyType(
    {
        EventMove.PUBLISH: _moved("PUBLISHED", from_status="DRAFT", noted="published_at"),
        EventMove.CANCEL: _moved("CANCELLED", from_status="PUBLISHED", noted="cancelled_at"),
    }
)

# The undo of DRAFT; the draft's tombstone is written before it, which waits for a draft in flight.
DISCARD: Final = text(
    f"""
    WITH {PRIOR},
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
    {stored_answer("jsonb_build_object('event_id', event_id)", rows="gone WHERE NOT EXISTS (SELECT FROM prior)")}
    {SELECT_ANSWER}
    """  # noqa: S608
)
