"""The statements of the saga log. Every write is one statement, which also inserts the write's messages into the outbox.

An owner's update has a condition on the epoch. The clock is the database's: replicas need not agree on the time.
"""

from typing import Final

from sqlalchemy import text

from common.messaging.outbox import ANNOUNCE

_COLUMNS: Final = """
    saga_id, kind, requested_by, fingerprint, state, step_name, round_number, data, error, signal_key, correlation_id,
    traceparent, epoch, attempts, retries, due_at
"""

INSERT: Final = text(
    f"""
    WITH written AS (
        INSERT INTO sagas (saga_id, kind, requested_by, fingerprint, correlation_id, traceparent, state, step, step_name,
                           data, due_at)
        VALUES (:saga_id, :kind, :requested_by, :fingerprint, :correlation_id, :traceparent, :state, :position,
                :step_name, CAST(:data AS jsonb),
                coalesce(CAST(:due_at AS timestamptz), clock_timestamp() + make_interval(secs => :lease_seconds)))
        ON CONFLICT (saga_id) DO NOTHING
        RETURNING saga_id), {ANNOUNCE}
    SELECT saga_id FROM written
    """  # noqa: S608 - constants only
)

# The lease is renewed only if it does not cover the next step and a second for its write: an unchanged due_at keeps the
# update off the index. The position changes only together with the name: a trigger takes a write that changes the
# position alone for an older release's.
ADVANCE: Final = text(
    f"""
    WITH written AS (
        UPDATE sagas SET
            state = :state, step = CASE WHEN step_name = :step_name THEN step ELSE :position END,
            step_name = :step_name, round_number = :round_number, attempts = :attempts,
            data = CAST(:data AS jsonb), error = CAST(:error AS jsonb), updated_at = clock_timestamp(),
            retries = :retries, due_at = CASE
                WHEN :is_settled THEN CAST(:due_at AS timestamptz)
                WHEN :pause_seconds > 0 THEN clock_timestamp() + make_interval(secs => :pause_seconds)
                WHEN due_at >= clock_timestamp() + make_interval(secs => :step_timeout_seconds + 1) THEN due_at
                ELSE clock_timestamp() + make_interval(secs => :lease_seconds) END
        WHERE saga_id = :saga_id AND epoch = :epoch
        RETURNING saga_id), {ANNOUNCE}
    SELECT saga_id FROM written
    """  # noqa: S608 - constants only
)

# Writes nothing that a saga's own functions made, so it works when they, or their results, cannot be stored. A stuck saga
# that is being retried is stored as STUCK.
COUNT_ATTEMPT: Final = text(
    """
    UPDATE sagas SET attempts = :attempts, updated_at = clock_timestamp(),
        state = CASE WHEN :is_stuck THEN 'STUCK' ELSE state END,
        error = CASE WHEN :is_stuck THEN CAST(:error AS jsonb) ELSE error END,
        due_at = clock_timestamp() + make_interval(secs => :pause_seconds)
    WHERE saga_id = :saga_id AND epoch = :epoch AND state IN (:state, 'STUCK') AND step_name = :step_name
    RETURNING saga_id
    """
)

FIND: Final = text(f"SELECT {_COLUMNS} FROM sagas WHERE saga_id = :saga_id")  # noqa: S608

# One write takes over the waiting saga and stores the next step's intent. If the key was used for another saga, the
# insert fails, and the whole statement with it.
SIGNAL: Final = text(
    f"""
    WITH claimed AS (
        UPDATE sagas SET state = 'RUNNING', step = step + 1, step_name = :next_step,
            epoch = epoch + 1, attempts = 0, data = data || CAST(:more AS jsonb),
            signal_key = CAST(:key AS text), signalled_by = :signalled_by, updated_at = clock_timestamp(),
            due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
        WHERE saga_id = :saga_id AND kind = :kind AND state = 'WAITING' AND step_name = :operation
          AND (requested_by = :signalled_by OR NOT :by_starter_only) AND due_at > clock_timestamp()
          AND NOT EXISTS (
              SELECT FROM idempotency_keys
              WHERE requested_by = :signalled_by AND operation = :operation AND key = :key AND saga_id <> :saga_id)
        RETURNING {_COLUMNS}),
    keyed AS (
        INSERT INTO idempotency_keys (requested_by, operation, key, saga_id)
        SELECT :signalled_by, :operation, :key, :saga_id FROM claimed
        WHERE CAST(:key AS text) IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM idempotency_keys
              WHERE requested_by = :signalled_by AND operation = :operation AND key = :key))
    SELECT {_COLUMNS} FROM claimed
    """  # noqa: S608 - constants only
)

UNWIND_WAITING: Final = text(
    f"""
    UPDATE sagas SET state = 'UNWINDING', epoch = epoch + 1, attempts = 0, error = CAST(:error AS jsonb),
        data = data || CAST(:more AS jsonb),
        updated_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE saga_id = :saga_id AND kind = :kind AND state = 'WAITING'
      AND (CAST(:signal AS text) IS NULL OR step_name = :signal)
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

# Fair: no step of a kind gets more than `slots` sagas, with the `occupied` ones of this process. A participant that hangs
# holds up the steps that need it, and no others.
TAKE_OVER: Final = text(
    f"""
    WITH due AS (
        SELECT saga_id, kind, step_name, row_number() OVER (PARTITION BY kind, step_name ORDER BY due_at) AS place
        FROM sagas WHERE due_at < now()),
    occupied AS (
        SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:step_names AS text[]), CAST(:counts AS integer[]))
            AS taken_over (kind, step_name, taken))
    UPDATE sagas SET epoch = epoch + 1, updated_at = clock_timestamp(),
        state = CASE state WHEN 'WAITING' THEN 'UNWINDING' ELSE state END,
        error = CASE state WHEN 'WAITING' THEN NULL ELSE error END,
        due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE saga_id IN (
        SELECT saga_id FROM sagas
        WHERE due_at < now() AND saga_id IN (
            SELECT saga_id FROM due LEFT JOIN occupied USING (kind, step_name)
            WHERE place <= :slots - coalesce(taken, 0))
        FOR UPDATE SKIP LOCKED)
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

UNSTICK: Final = text(
    f"""
    UPDATE sagas SET state = :state, epoch = epoch + 1, attempts = 0, updated_at = clock_timestamp(),
        due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE saga_id = :saga_id AND state = 'STUCK' AND epoch = :epoch
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

# Bounded: an admin's request must not wait for a whole outage's sagas. The oldest come first.
MAKE_STUCK_DUE: Final = text(
    """
    UPDATE sagas SET due_at = clock_timestamp()
    WHERE saga_id IN (
        SELECT saga_id FROM sagas
        WHERE state = 'STUCK' AND (CAST(:kind AS text) IS NULL OR kind = :kind)
          AND (CAST(:code AS text) IS NULL OR error ->> 'stuck_code' = :code) AND due_at > clock_timestamp()
        ORDER BY updated_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING saga_id
    """
)

# The previous release made sagas STUCK without a next try. It may still run. The request id stays: its work may be done.
ADOPT_STUCK: Final = text(
    """
    UPDATE sagas SET due_at = clock_timestamp(), attempts = greatest(attempts, :attempts)
    WHERE state = 'STUCK' AND due_at IS NULL
    """
)

FIND_KEY_USE: Final = text(
    """
    SELECT saga_id FROM idempotency_keys
    WHERE requested_by = :requested_by AND operation = :operation AND key = :key
    """
)

USE_KEY: Final = text(
    """
    INSERT INTO idempotency_keys (requested_by, operation, key, saga_id)
    VALUES (:requested_by, :operation, :key, :saga_id)
    ON CONFLICT (requested_by, operation, key) DO UPDATE SET key = excluded.key
    RETURNING saga_id
    """
)

COUNT_BY_STATE: Final = text("SELECT state, count(*) AS sagas FROM sagas WHERE due_at IS NOT NULL GROUP BY state")
COUNT_STUCK: Final = text("SELECT count(*) AS sagas FROM sagas WHERE state = 'STUCK'")

# `due_at` is NULL for ended sagas, so this reads the index of the others.
COUNT_UNFINISHED: Final = text(
    "SELECT count(*) AS sagas FROM sagas WHERE due_at IS NOT NULL AND requested_by = :requested_by"
)
