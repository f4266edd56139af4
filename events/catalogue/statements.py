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
                'total_halls', {venue}.total_halls),
            'hall_id', {event}.hall_id, 'event_date', {event}.event_date, 'ends_at', {event}.ends_at,
            'doors_open_at', coalesce({event}.doors_open_at, {event}.event_date - interval '2 hours'),
            'total_seats', {event}.total_seats,
            'pricing_tiers', (
                SELECT jsonb_object_agg(tier.category, tier.price::text)
                FROM {tiers} AS tier WHERE tier.event_id = {event}.event_id),
            'layout', {event}.layout, 'resale_cap_percent', {event}.resale_cap_percent,
            'refund_deadline_hours', {event}.refund_deadline_hours)
    """  # noqa: S608 - constant names


_IS_NEW: Final = "NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM events WHERE event_id = :event_id)"

DRAFT: Final = text(
    f"""
    WITH {PRIOR},
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
            event_id, venue_id, name, status, hall_id, event_date, ends_at, doors_open_at, total_seats, layout,
            resale_cap_percent, refund_deadline_hours)
        SELECT :event_id, venue_id, :name, 'DRAFT', :hall_id, :event_date, :ends_at, :doors_open_at, :total_seats,
            :layout, :resale_cap_percent, :refund_deadline_hours
        FROM venue WHERE {_IS_NEW}
        RETURNING *),
    priced AS (
        INSERT INTO pricing_tiers (event_id, category, price)
        SELECT event_id, tier.key, tier.value::numeric FROM drafted, jsonb_each_text(:pricing_tiers) AS tier
        RETURNING *),
    {stored_answer(event_json("drafted", venue="venue", tiers="priced"), rows="drafted, venue")}
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(bindparam("layout", type_=JSONB), bindparam("pricing_tiers", type_=JSONB))


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
