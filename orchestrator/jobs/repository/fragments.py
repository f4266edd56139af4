"""SQL that several statements share."""

from typing import Final

from common.db.engine import Row
from orchestrator.jobs.record import JobView
from rabbitmq.topology import JOBS_EXCHANGE

COLUMN_NAMES: Final = tuple(JobView.model_fields)
COLUMNS: Final = ", ".join(COLUMN_NAMES)

# True if no job precedes job j in its lane and no job of the lane runs; always true without a lane.
IS_NEXT_IN_LANE: Final = """
    (j.lane IS NULL OR NOT EXISTS (
        SELECT FROM jobs AS other
        WHERE other.kind = j.kind AND other.lane = j.lane AND other.job_id <> j.job_id
          AND (other.status = 'running' OR (other.status IN ('queued', 'retrying')
               AND (other.queued_at, other.number) < (j.queued_at, j.number)))))
"""

# The next job of the lane that the `written` job has left.
NEXT_IN_LANE: Final = """
    next_in_lane AS (
        SELECT j.kind, j.job_id, j.correlation_id
        FROM written AS w JOIN jobs AS j ON j.kind = w.kind AND j.lane = w.lane AND j.job_id <> w.job_id
        WHERE w.leaves_lane AND j.status IN ('queued', 'retrying') AND j.run_at <= now()
        ORDER BY j.queued_at, j.number LIMIT 1)
"""


def wake_ups(name: str, *, of: str) -> str:
    """Return SQL that puts a wake-up message into the outbox for each row of `of` (kind, job_id, correlation_id).

    The database makes the messages, because only the statement itself knows which jobs get one. They have the format
    of `Message`.
    """
    return f"""
    {name} AS MATERIALIZED (SELECT gen_random_uuid() AS message_id, kind, job_id, correlation_id FROM {of}),
    {name}_sent AS (
        INSERT INTO outbox (message_id, exchange, routing_key, body)
        SELECT message_id, '{JOBS_EXCHANGE}', kind, convert_to(jsonb_build_object(
            'id', message_id, 'type', 'job.token', 'version', 1, 'time', clock_timestamp(), 'source', 'orchestrator',
            'subject', job_id, 'correlation_id', correlation_id, 'data', jsonb_build_object('kind', kind))::text, 'UTF8')
        FROM {name})
    """  # noqa: S608 - constants only


def job_view(row: Row) -> JobView:
    return JobView.model_validate(dict(row))
