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
                'time_zone', {venue}.time_zone, 'total_halls', {venue}.total_halls, 'halls', {venue}.halls),
            'hall_id', {event}.hall_id, 'event_date', {event}.event_date, 'ends_at', {event}.ends_at,
            'doors_open_at', coalesce({event}.doors_open_at, {event}.event_date - interval '2 hours'),
            'has_doors_time', {event}.doors_open_at IS NOT NULL, 'total_seats', {event}.total_seats,
            'pricing_tiers', (
                SELECT jsonb_object_agg(tier.category, tier.price::text)
                FROM {tiers} AS tier WHERE tier.event_id = {event}.event_id),
            'layout', {event}.layout, 'resale_cap_percent', {event}.resale_cap_percent,
            'refund_deadline_hours', {event}.refund_deadline_hours, 'description', {event}.description,
            'sale_starts_at', {event}.sale_starts_at, 'refundable_until', {event}.refundable_until,
            'organiser_user_id', {event}.organiser_user_id, 'version', {event}.version)
    """  # noqa: S608 - constant names


# The newest articles about an event of `events`. Lists of events do not have them.
ARTICLES_JSON: Final = """
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('slug', slug, 'title', title)) FROM (
            SELECT slug, title FROM articles WHERE articles.event_id = events.event_id
            ORDER BY published_at DESC, article_id DESC LIMIT 20) AS newest), '[]')
"""

_IS_NEW: Final = "NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM events WHERE event_id = :event_id)"

# Half-open, so that one event may begin when another ends.
_OVERLAPS: Final = """
    other.venue_id = {venue_id} AND normalize(other.hall_id) = normalize(CAST(:hall_id AS text))
    AND other.status <> 'CANCELLED'
    AND tstzrange(other.event_date, other.ends_at) && tstzrange(
        CAST(:event_date AS timestamptz),
        coalesce(CAST(:ends_at AS timestamptz), CAST(:event_date AS timestamptz) + interval '4 hours'))
"""


def _first_of(others: str) -> str:
    """Return the SQL expression that reports the first of the overlapping events."""
    return f"""(
        SELECT jsonb_build_object(
            'event_id', other.event_id, 'name', other.name, 'event_date', other.event_date,
            'ends_at', other.ends_at)
        FROM events AS other WHERE {others} ORDER BY other.event_date LIMIT 1)
    """  # noqa: S608 - constant names


# The id of the venue that a draft means: the one given, or that of an equal name and address. NULL for a new venue. And the
# hall's name as the venue has it, which a release that did not normalise may have stored.
_MEANT: Final = """
    meant AS MATERIALIZED (
        SELECT coalesce(CAST(:venue_id AS uuid), CASE WHEN CAST(:venue_name AS text) IS NOT NULL
            THEN find_venue(:venue_name, :venue_address) END) AS venue_id),
    hall AS MATERIALIZED (
        SELECT coalesce((
            SELECT known FROM meant JOIN venues USING (venue_id) CROSS JOIN unnest(halls) AS known
            WHERE normalize(known) = normalize(CAST(:hall_id AS text)) ORDER BY known = :hall_id DESC LIMIT 1),
            :hall_id) AS hall_id)
"""

# `accepting` is the venue, if the hall is one of its halls or can become one. The update locks it, so that two drafts
# cannot both add the last name. Names that differ only in case are one hall.
DRAFT: Final = text(
    f"""
    WITH {PRIOR},
    {_MEANT},
    introduced AS (
        INSERT INTO venues (venue_id, name, address, time_zone, total_halls, halls, halls_of_events, limits_halls,
            introduced_by_event_id)
        SELECT coalesce((SELECT venue_id FROM meant), gen_random_uuid()), :venue_name, :venue_address,
            CAST(:venue_time_zone AS text), :venue_total_halls, CAST(:venue_halls AS text[]), CAST(:halls_of_events AS text[]), true, :event_id
        WHERE CAST(:venue_name AS text) IS NOT NULL AND {_IS_NEW}
            AND NOT EXISTS (SELECT FROM venues JOIN meant USING (venue_id))
        RETURNING *),
    accepting AS (
        UPDATE venues SET
            halls = CASE WHEN hall.hall_id = ANY(halls) THEN halls ELSE halls || hall.hall_id END,
            halls_of_events = CASE
                WHEN hall.hall_id = ANY(halls) THEN halls_of_events ELSE halls_of_events || hall.hall_id END,
            total_halls = CASE
                WHEN hall.hall_id = ANY(halls) THEN total_halls ELSE greatest(total_halls, cardinality(halls) + 1) END
        FROM hall
        WHERE venue_id = (SELECT venue_id FROM meant) AND {_IS_NEW} AND (
            hall.hall_id = ANY(halls)
            OR (cardinality(halls) < total_halls OR NOT limits_halls)
                AND NOT lower(hall.hall_id) = ANY(ARRAY(SELECT lower(hall) FROM unnest(halls) AS hall)))
        RETURNING venues.*),
    venue AS (
        SELECT venue_id, name, address, time_zone, total_halls, halls FROM introduced
        UNION ALL
        SELECT venue_id, name, address, time_zone, total_halls, halls FROM accepting),
    drafted AS (
        INSERT INTO events (
            event_id, venue_id, name, status, hall_id, event_date, ends_at, doors_open_at, total_seats, layout,
            resale_cap_percent, refund_deadline_hours, description, sale_starts_at, organiser_user_id)
        SELECT :event_id, venue_id, :name, 'DRAFT', (SELECT hall_id FROM hall), :event_date, CAST(:ends_at AS timestamptz),
            coalesce(CAST(:doors_open_at AS timestamptz), CAST(:event_date AS timestamptz) - interval '2 hours'),
            :total_seats, :layout, :resale_cap_percent, :refund_deadline_hours, :description,
            CAST(:sale_starts_at AS timestamptz), CAST(:organiser_user_id AS uuid)
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
    WITH {_MEANT}
    SELECT (SELECT status FROM events WHERE event_id = :event_id) AS status, venues.halls,
        (SELECT hall_id FROM hall) = ANY(venues.halls) AS has_hall,
        {_first_of(_OVERLAPS.format(venue_id="venues.venue_id"))} AS overlapping
    FROM meant LEFT JOIN venues USING (venue_id)
    """  # noqa: S608
)


# Seconds, not days: a day of the session's time zone may have 23 hours.
_DATE_CHANGE: Final = "make_interval(secs => extract(epoch FROM new_event_date - event_date))"


def _judged(condition: str = "") -> str:
    """Return the CTEs of an event as it is (`present`) and as it is to be (`judged`).

    Times that stay may lie beyond the years that the API accepts, as an earlier release stored them.
    """
    return f"""
    present AS MATERIALIZED (
        SELECT *, coalesce((CAST(:changes AS jsonb) ->> 'event_date')::timestamptz, event_date) AS new_event_date
        FROM events WHERE event_id = :event_id {condition}),
    wanted AS (
        SELECT *, new_event_date <> event_date AS moves,
            coalesce((CAST(:changes AS jsonb) ->> 'ends_at')::timestamptz,
                CASE WHEN new_event_date <> event_date
                    THEN least(ends_at + {_DATE_CHANGE}, timestamptz '9000-01-01T00:00:00Z') ELSE ends_at END
            ) AS new_ends_at,
            coalesce((CAST(:changes AS jsonb) ->> 'doors_open_at')::timestamptz,
                CASE WHEN new_event_date <> event_date AND doors_open_at IS NOT NULL
                    THEN greatest(doors_open_at + {_DATE_CHANGE}, timestamptz '1970-01-01T00:00:00Z')
                    ELSE doors_open_at END
            ) AS new_doors_open_at
        FROM present),
    judged AS MATERIALIZED (
        SELECT *, (new_event_date, new_ends_at) <> (event_date, ends_at) AS needs_hall,
            new_ends_at > new_event_date AND coalesce(new_doors_open_at <= new_event_date, true)
                AND (NOT moves OR new_event_date > clock_timestamp()) AS is_valid
        FROM wanted)
    """  # noqa: S608 - constant conditions


_OTHERS_IN_HALL: Final = """
    judged.needs_hall AND other.venue_id = judged.venue_id AND normalize(other.hall_id) = normalize(judged.hall_id)
    AND other.event_id <> judged.event_id AND other.status <> 'CANCELLED' AND tstzrange(other.event_date, other.ends_at)
        && tstzrange(judged.new_event_date, greatest(judged.new_ends_at, judged.new_event_date))
"""
_EXPECTED: Final = """
    AND status = 'PUBLISHED' AND version = coalesce(CAST(:version AS integer), version)
    AND NOT EXISTS (SELECT FROM prior) FOR UPDATE
"""

_PREVIOUS: Final = """
    jsonb_build_object(
        'name', judged.name, 'description', judged.description, 'event_date', judged.event_date,
        'ends_at', judged.ends_at,
        'doors_open_at', coalesce(judged.doors_open_at, judged.event_date - interval '2 hours'),
        'sale_starts_at', judged.sale_starts_at, 'refund_deadline_hours', judged.refund_deadline_hours,
        'refundable_until', judged.refundable_until, 'organiser_user_id', judged.organiser_user_id,
        'version', judged.version)
"""

# An event that keeps its times may go on sharing its hall, as some of an earlier release do.
EDIT: Final = text(
    f"""
    WITH {PRIOR},
    {_judged(_EXPECTED)},
    edited AS (
        UPDATE events SET version = events.version + 1,
            name = coalesce(CAST(:changes AS jsonb) ->> 'name', events.name),
            description = coalesce(CAST(:changes AS jsonb) ->> 'description', events.description),
            event_date = new_event_date, ends_at = new_ends_at, doors_open_at = new_doors_open_at,
            shares_hall = events.shares_hall AND NOT needs_hall,
            sale_starts_at = CASE WHEN CAST(:changes AS jsonb) ? 'sale_starts_at'
                THEN (CAST(:changes AS jsonb) ->> 'sale_starts_at')::timestamptz ELSE events.sale_starts_at END,
            refund_deadline_hours = coalesce(
                (CAST(:changes AS jsonb) ->> 'refund_deadline_hours')::integer, events.refund_deadline_hours),
            refundable_until = CASE
                WHEN moves THEN CAST(:refundable_until AS timestamptz) ELSE events.refundable_until END,
            organiser_user_id = CASE WHEN CAST(:changes AS jsonb) ? 'organiser_user_id'
                THEN (CAST(:changes AS jsonb) ->> 'organiser_user_id')::uuid ELSE events.organiser_user_id END
        FROM judged
        WHERE events.event_id = judged.event_id AND is_valid
            AND NOT EXISTS (SELECT FROM events AS other WHERE {_OTHERS_IN_HALL})
        RETURNING events.*, judged.event_date AS previous_event_date, {_PREVIOUS} AS previous),
    {
        stored_answer(
            event_json("edited")
            + "|| jsonb_build_object('previous_event_date', previous_event_date, 'previous', previous)",
            rows="edited JOIN venues USING (venue_id)",
        )
    }
    {SELECT_ANSWER}
    """  # noqa: S608
).bindparams(bindparam("changes", type_=JSONB))

# Why EDIT did nothing.
FIND_OBSTACLES_TO_EDIT: Final = text(
    f"""
    WITH {_judged()}
    SELECT status, version, version = coalesce(CAST(:version AS integer), version) AS has_expected_version, is_valid,
        {_first_of(_OTHERS_IN_HALL)} AS overlapping
    FROM judged
    """  # noqa: S608
).bindparams(bindparam("changes", type_=JSONB))


def _released(events: str, *, unless: str = "false") -> str:
    """Return the CTE that removes the hall's name from the venue, if an event added it and no other event uses it.

    The conditions are in SET, so that the venue is locked in any case: of two last events, one sees the other gone.
    """
    is_kept = f"""
        NOT {events}.hall_id = ANY(halls_of_events)
        OR is_hall_used(venues.venue_id, {events}.hall_id, {events}.event_id)"""
    names = ", ".join(
        f"{column} = CASE WHEN {is_kept} THEN {column} ELSE array_remove({column}, {events}.hall_id) END"
        for column in ("halls", "halls_of_events")
    )
    return f"""
    released AS (
        UPDATE venues SET {names} FROM {events} WHERE venues.venue_id = {events}.venue_id AND NOT ({unless}))
    """  # noqa: S608 - constant names


def _moved(to_status: str, *, from_status: str, noted: str, also: str = "") -> TextClause:
    """Return the statement that moves an event to a status and notes the time in the column `noted`.

    Args:
        also: further CTEs, each behind a comma.
    """
    return text(
        f"""
        WITH {PRIOR},
        moved AS (
            UPDATE events SET status = '{to_status}', {noted} = now()
            WHERE event_id = :event_id AND status = '{from_status}' AND NOT EXISTS (SELECT FROM prior)
            RETURNING *){also},
        {stored_answer(event_json("moved"), rows="moved JOIN venues USING (venue_id)")}
        {SELECT_ANSWER}
        """  # noqa: S608 - constant names
    )


MOVES: Final[Mapping[EventMove, TextClause]] = MappingProxyType(
    {
        EventMove.PUBLISH: _moved("PUBLISHED", from_status="DRAFT", noted="published_at"),
        EventMove.CANCEL: _moved(
            "CANCELLED", from_status="PUBLISHED", noted="cancelled_at", also=f", {_released('moved')}"
        ),
    }
)

# The undo of DRAFT; the draft's tombstone is written before it, which waits for a draft in flight.
DISCARD: Final = text(
    f"""
    WITH {PRIOR},
    discarded AS (
        DELETE FROM events
        WHERE event_id = :event_id AND status = 'DRAFT' AND NOT EXISTS (SELECT FROM prior)
        RETURNING event_id, venue_id, hall_id),
    deserted AS (
        DELETE FROM venues USING discarded
        WHERE venues.venue_id = discarded.venue_id AND venues.introduced_by_event_id = discarded.event_id
            AND NOT EXISTS (
                SELECT FROM events AS other
                WHERE other.venue_id = venues.venue_id AND other.event_id <> discarded.event_id)
        RETURNING 1),
    {_released("discarded", unless="EXISTS (SELECT FROM deserted)")},
    gone AS (
        SELECT event_id FROM discarded
        UNION ALL
        SELECT :event_id WHERE NOT EXISTS (SELECT FROM events WHERE event_id = :event_id)),
    {stored_answer("jsonb_build_object('event_id', event_id)", rows="gone WHERE NOT EXISTS (SELECT FROM prior)")}
    {SELECT_ANSWER}
    """  # noqa: S608
)
