"""SQL fragments shared by several statements. All are constants: no input becomes SQL."""

from typing import Final

from inventory.models import MAX_RUN

PRIOR: Final = """
    prior AS MATERIALIZED (SELECT fingerprint, result FROM requests WHERE request_id = CAST(:request_id AS uuid))
"""

# Serialises duplicates of one request, so that the second does not see its own seats locked and refuse them as taken.
# It has one row if the request has no result yet and the event is on sale.
REQUEST_LOCK: Final = """
    request_lock AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(CAST(:request_lock_id AS bigint))
        WHERE NOT EXISTS (SELECT FROM prior)
            AND NOT EXISTS (SELECT FROM closed_events WHERE event_id = CAST(:event_id AS uuid)))
"""

STORE_RESULT: Final = """
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT CAST(:request_id AS uuid), CAST(:fingerprint AS text), jsonb_build_object('done', jsonb_build_object(
"""

# An expired hold counts as free. The clock is read in a subquery so that an index on held_until can be used.
IS_FREE: Final = """
    (status = 'AVAILABLE' OR (status = 'HELD' AND held_until <= (SELECT clock_timestamp())))
"""

# Frees the seats of `locked` (rows of `seats` that are locked and HELD).
FREE_LOCKED: Final = """
    freed AS (
        UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, held_by_user_id = NULL, held_until = NULL,
            hold_size = NULL, version = version + 1
        WHERE seat_id = ANY(ARRAY(SELECT seat_id FROM locked))
        RETURNING seat_id, event_id, category, row_rank)
"""

# Stores the holds whose seats are `ended` (hold_id, held_by_user_id, event_id, held_until). Sorted, so that two statements
# that end the same holds do not wait for each other.
STORE_LAPSES: Final = """
    lapsed AS (
        INSERT INTO lapsed_holds (hold_id, user_id, event_id, ended_at)
        SELECT DISTINCT ON (hold_id) hold_id, held_by_user_id, event_id, least(held_until, clock_timestamp())
        FROM ended ORDER BY hold_id
        ON CONFLICT (hold_id) DO NOTHING)
"""

COUNT_FREED: Final = """
    counted AS (
        INSERT INTO seat_count_changes (event_id, category, available, held, sold, blocked)
        SELECT event_id, category, count(*), -count(*), 0, 0 FROM freed GROUP BY event_id, category)
"""

# Freed seats may make longer runs of free seats, so the bounds of their rows are reset. A standing area has no runs, so
# that its one row does not become hot.
RAISE_ROWS: Final = f"""
    rows_locked AS MATERIALIZED (
        SELECT event_id, row_rank FROM seat_rows
        WHERE (event_id, row_rank) IN (SELECT event_id, row_rank FROM freed) AND NOT is_general_admission
        ORDER BY event_id, row_rank FOR UPDATE),
    raised AS (
        UPDATE seat_rows SET free_run = {MAX_RUN}, version = version + 1 FROM rows_locked
        WHERE seat_rows.event_id = rows_locked.event_id AND seat_rows.row_rank = rows_locked.row_rank)
"""  # noqa: S608 - built of constants

# A seat as clients see it: an expired hold has ended.
SEAT_COLUMNS: Final = """
    seat_id, event_id, category, row_number, seat_number, hall_position, price,
    CASE WHEN status = 'HELD' AND held_until <= (SELECT clock_timestamp()) THEN 'AVAILABLE' ELSE status END AS status,
    owner_user_id, price_paid, purchased_at, CASE WHEN owner_user_id IS NOT NULL THEN hold_id END AS order_id
"""

# An owned seat in a stored result: arguments of jsonb_build_object.
SEAT_DOCUMENT: Final = """
    'seat_id', seat_id, 'event_id', event_id, 'category', category, 'row_number', row_number,
    'seat_number', seat_number, 'price', CAST(price AS text), 'status', status, 'owner_user_id', owner_user_id,
    'price_paid', CAST(price_paid AS text), 'purchased_at', purchased_at, 'order_id', hold_id
"""
