"""The saga log. Every write is one statement, says ``WHERE epoch = …`` and takes its messages along.

The clock is the database's: replicas need not agree on the time.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.db.engine import Database, Row
from common.errors import Conflict
from common.messaging.outbox import outbox_row
from common.telemetry.logs import get_logger
from orchestrator.saga_engine.plan import AnyPlan, OutgoingMessage
from orchestrator.saga_engine.record import SagaError, SagaRecord, SagaState

__all__ = ["LEASE_MARGIN_SECONDS", "SagaLog", "StaleEpoch"]

logger = get_logger(__name__)

# An owner that is alive writes before its lease ends: a step's patience, and this much for the write itself.
LEASE_MARGIN_SECONDS: Final = 4.0

_COLUMNS: Final = """
    saga_id, kind, requested_by, fingerprint, state, step, round_number, data, error, signal_key, correlation_id,
    traceparent, epoch, attempts, retries, due_at
"""

# Messages come as arrays, so that a write with none, one or three of them is the same statement.
_ANNOUNCE: Final = """
    announced AS (
        INSERT INTO outbox (message_id, exchange, routing_key, body)
        SELECT m.message_id, m.exchange, m.routing_key, m.body
        FROM unnest(CAST(:message_ids AS uuid[]), CAST(:exchanges AS text[]),
                    CAST(:routing_keys AS text[]), CAST(:bodies AS bytea[]))
             AS m (message_id, exchange, routing_key, body)
        WHERE EXISTS (SELECT FROM written))
"""

_INSERT: Final = text(
    f"""
    WITH written AS (
        INSERT INTO sagas (saga_id, kind, requested_by, fingerprint, correlation_id, traceparent, state, step, data,
                           due_at)
        VALUES (:saga_id, :kind, :requested_by, :fingerprint, :correlation_id, :traceparent, :state, :step,
                CAST(:data AS jsonb),
                coalesce(CAST(:due_at AS timestamptz), clock_timestamp() + make_interval(secs => :lease_seconds)))
        ON CONFLICT (saga_id) DO NOTHING
        RETURNING saga_id), {_ANNOUNCE}
    SELECT saga_id FROM written
    """  # noqa: S608 - constants only
)

# The lease is renewed only when it would not cover the next step and a second for its write: an unchanged due_at keeps
# the update off the index.
_ADVANCE: Final = text(
    f"""
    WITH written AS (
        UPDATE sagas SET
            state = :state, step = :step, round_number = :round_number, attempts = :attempts,
            data = CAST(:data AS jsonb), error = CAST(:error AS jsonb), updated_at = clock_timestamp(),
            due_at = CASE
                WHEN :is_settled THEN CAST(:due_at AS timestamptz)
                WHEN :pause_seconds > 0 THEN clock_timestamp() + make_interval(secs => :pause_seconds)
                WHEN due_at >= clock_timestamp() + make_interval(secs => :step_timeout_seconds + 1) THEN due_at
                ELSE clock_timestamp() + make_interval(secs => :lease_seconds) END
        WHERE saga_id = :saga_id AND epoch = :epoch
        RETURNING saga_id, signalled_by, signal_key),
    refused AS (
        UPDATE idempotency_keys AS k SET refusal = CAST(:refusal AS jsonb)
        FROM written AS w
        WHERE CAST(:refusal AS jsonb) IS NOT NULL
          AND k.requested_by = w.signalled_by AND k.operation = :operation AND k.key = w.signal_key), {_ANNOUNCE}
    SELECT saga_id FROM written
    """  # noqa: S608 - constants only
)

_LOAD: Final = text(f"SELECT {_COLUMNS} FROM sagas WHERE saga_id = :saga_id")  # noqa: S608

# A signal finds the saga waiting and takes it over, with the next step's intent, in one write. A key that was used for
# another saga makes the insert fail, and with it the whole statement.
_SIGNAL: Final = text(
    f"""
    WITH claimed AS (
        UPDATE sagas SET state = 'RUNNING', step = step + 1, epoch = epoch + 1, attempts = 0,
            signal_key = CAST(:key AS text), signalled_by = :signalled_by, updated_at = clock_timestamp(),
            due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
        WHERE saga_id = :saga_id AND kind = :kind AND state = 'WAITING' AND step = :step
          AND (requested_by = :signalled_by OR NOT :by_starter_only) AND due_at > clock_timestamp()
          AND NOT EXISTS (
              SELECT FROM idempotency_keys
              WHERE requested_by = :signalled_by AND operation = :operation AND key = :key
                AND (saga_id <> :saga_id OR refusal IS NOT NULL))
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

_UNWIND_WAITING: Final = text(
    f"""
    UPDATE sagas SET state = 'UNWINDING', epoch = epoch + 1, attempts = 0, error = CAST(:error AS jsonb),
        updated_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE saga_id = :saga_id AND kind = :kind AND state = 'WAITING'
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

_TAKE_OVER: Final = text(
    f"""
    UPDATE sagas SET epoch = epoch + 1, updated_at = clock_timestamp(),
        state = CASE state WHEN 'WAITING' THEN 'UNWINDING' ELSE state END,
        error = CASE state WHEN 'WAITING' THEN NULL ELSE error END,
        due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE saga_id IN (
        SELECT saga_id FROM sagas WHERE due_at < now()
        ORDER BY due_at LIMIT :batch FOR UPDATE SKIP LOCKED)
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

_UNSTICK: Final = text(
    f"""
    UPDATE sagas SET state = :state, epoch = epoch + 1, attempts = 0, updated_at = clock_timestamp(),
        retries = retries + CASE WHEN :asked_anew THEN 1 ELSE 0 END,
        due_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE saga_id = :saga_id AND state = 'STUCK' AND epoch = :epoch
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants only
)

_KEY: Final = text(
    """
    SELECT saga_id, refusal FROM idempotency_keys
    WHERE requested_by = :requested_by AND operation = :operation AND key = :key
    """
)

_NOTE_KEY: Final = text(
    """
    INSERT INTO idempotency_keys (requested_by, operation, key, saga_id)
    VALUES (:requested_by, :operation, :key, :saga_id)
    ON CONFLICT DO NOTHING
    """
)

_COUNT_BY_STATE: Final = text("SELECT state, count(*) AS sagas FROM sagas WHERE due_at IS NOT NULL GROUP BY state")
_COUNT_STUCK: Final = text("SELECT count(*) AS sagas FROM sagas WHERE state = 'STUCK'")

_LIST: Final = text(
    f"""
    SELECT {_COLUMNS}, created_at, updated_at, count(*) OVER () AS total FROM sagas
    WHERE CAST(:state AS text) IS NULL OR state = :state
    ORDER BY created_at DESC LIMIT :limit OFFSET :offset
    """  # noqa: S608 - constants only
)


class StaleEpoch(Conflict):
    """Another process has taken the saga over. Whoever gets this stops at once."""

    code = "STALE_EPOCH"


class SagaLog:
    """Reads and writes sagas of the given plans.

    Args:
        on_announced: called after a write that took messages along, so that they leave at once.
        lease_margin_seconds: how long an owner may take, beyond a step's patience, to write what came of it.
    """

    def __init__(
        self,
        database: Database,
        plans: Sequence[AnyPlan],
        *,
        on_announced: Callable[[], None],
        lease_margin_seconds: float = LEASE_MARGIN_SECONDS,
    ) -> None:
        self._database = database
        self._on_announced = on_announced
        self._lease_margin_seconds = lease_margin_seconds
        # On taking a saga over its plan and step are not known yet.
        self._lease_seconds = max(plan.step_timeout_seconds for plan in plans) + lease_margin_seconds
        self._plans = {plan.kind: plan for plan in plans}

    async def insert(
        self,
        saga: SagaRecord,
        *,
        messages: Sequence[OutgoingMessage],
        step_timeout_seconds: float,
    ) -> bool:
        """Store a new saga; False when its id is there already."""
        parameters = {
            "saga_id": saga.saga_id,
            "kind": saga.kind,
            "requested_by": saga.requested_by,
            "fingerprint": saga.fingerprint,
            "correlation_id": saga.correlation_id,
            "traceparent": saga.traceparent,
            "state": saga.state.value,
            "step": saga.step,
            "data": saga.data.model_dump_json(),
            "due_at": saga.due_at,
            "lease_seconds": step_timeout_seconds + self._lease_margin_seconds,
        }
        inserted = await self._database.fetch_one(_INSERT, parameters | _message_arrays(messages)) is not None
        if inserted and messages:
            self._on_announced()
        return inserted

    async def advance(
        self,
        saga: SagaRecord,
        *,
        messages: Sequence[OutgoingMessage] = (),
        step_timeout_seconds: float,
        pause_seconds: float = 0.0,
        refusal: SagaError | None = None,
        operation: str = "",
    ) -> None:
        """Write the saga's present state.

        Args:
            step_timeout_seconds: how long the step it stands at may take; the lease covers it.
            pause_seconds: leave it alone for so long; then whoever sees it first goes on.
            refusal: what the request that carried the signal is answered with, now and when repeated.

        Raises:
            StaleEpoch: it belongs to another process by now.
        """
        parameters = {
            "saga_id": saga.saga_id,
            "epoch": saga.epoch,
            "state": saga.state.value,
            "step": saga.step,
            "round_number": saga.round_number,
            "attempts": saga.attempts,
            "data": saga.data.model_dump_json(),
            "error": _error_json(saga.error),
            "is_settled": saga.state in {SagaState.WAITING, SagaState.STUCK} or saga.state.is_final,
            "due_at": saga.due_at if saga.state is SagaState.WAITING else None,
            "step_timeout_seconds": step_timeout_seconds,
            "lease_seconds": step_timeout_seconds + self._lease_margin_seconds,
            "pause_seconds": pause_seconds,
            "refusal": _error_json(refusal),
            "operation": operation,
        }
        if await self._database.fetch_one(_ADVANCE, parameters | _message_arrays(messages)) is None:
            raise StaleEpoch(saga_id=saga.saga_id, epoch=saga.epoch)
        if messages:
            self._on_announced()

    async def load(self, saga_id: uuid.UUID) -> SagaRecord | None:
        row = await self._database.fetch_one(_LOAD, {"saga_id": saga_id})
        return self._record(row) if row else None

    async def signal(
        self,
        saga_id: uuid.UUID,
        signal: str,
        *,
        kind: str,
        signalled_by: uuid.UUID,
        key: str | None,
        by_starter_only: bool,
    ) -> SagaRecord | None:
        """Take over a saga that waits for this signal; None when it does not wait for it (any more)."""
        parameters = {
            "saga_id": saga_id,
            "kind": kind,
            "step": self._plans[kind].index_of(signal),
            "signalled_by": signalled_by,
            "by_starter_only": by_starter_only,
            "operation": signal,
            "key": key,
            "lease_seconds": self._lease_seconds,
        }
        try:
            row = await self._database.fetch_one(_SIGNAL, parameters)
        except IntegrityError:
            return None  # the key went to another saga at the same moment; the caller finds it there
        return self._record(row) if row else None

    async def unwind_waiting(self, saga_id: uuid.UUID, error: SagaError, *, kind: str) -> SagaRecord | None:
        """Take over a waiting saga in order to end it; None when it does not wait (any more)."""
        parameters = {
            "saga_id": saga_id,
            "kind": kind,
            "error": _error_json(error),
            "lease_seconds": self._lease_seconds,
        }
        row = await self._database.fetch_one(_UNWIND_WAITING, parameters)
        return self._record(row) if row else None

    async def take_over(self, *, batch: int) -> list[SagaRecord]:
        """Take over what is due: waits past their deadline and sagas whose owner is gone."""
        rows = await self._database.fetch_all(_TAKE_OVER, {"batch": batch, "lease_seconds": self._lease_seconds})
        return [saga for row in rows if (saga := self._readable(row)) is not None]

    async def unstick(self, saga: SagaRecord, state: SagaState, *, asked_anew: bool) -> SagaRecord | None:
        """Set a stuck saga going again.

        Args:
            asked_anew: the participant refused for good under the old request id; ask under a new one.
        """
        parameters = {
            "saga_id": saga.saga_id,
            "epoch": saga.epoch,
            "state": state.value,
            "asked_anew": asked_anew,
            "lease_seconds": self._lease_seconds,
        }
        row = await self._database.fetch_one(_UNSTICK, parameters)
        return self._record(row) if row else None

    async def key_use(
        self, *, requested_by: uuid.UUID, operation: str, key: str
    ) -> tuple[uuid.UUID, SagaError | None] | None:
        """Return what an idempotency key was used for, and the refusal it was answered with, if it was."""
        row = await self._database.fetch_one(_KEY, {"requested_by": requested_by, "operation": operation, "key": key})
        return (row["saga_id"], _error_of(row["refusal"])) if row else None

    async def note_key(self, *, requested_by: uuid.UUID, operation: str, key: str, saga_id: uuid.UUID) -> None:
        """Note what an idempotency key was used for; what it was used for first stays."""
        values = {"requested_by": requested_by, "operation": operation, "key": key, "saga_id": saga_id}
        await self._database.execute(_NOTE_KEY, values)

    async def count_by_state(self) -> Mapping[str, int]:
        """Return how many sagas are alive, by state. Finished ones are not counted."""
        counts = {row["state"]: row["sagas"] for row in await self._database.fetch_all(_COUNT_BY_STATE)}
        stuck = await self._database.fetch_one(_COUNT_STUCK)
        return {**counts, SagaState.STUCK.value: stuck["sagas"] if stuck else 0}

    async def list_page(
        self, *, state: SagaState | None, limit: int, offset: int
    ) -> tuple[list[tuple[SagaRecord, datetime, datetime]], int]:
        """Return records with their creation and last-write times, newest first, and how many there are in all."""
        rows = await self._database.fetch_all(_LIST, {"state": state and state.value, "limit": limit, "offset": offset})
        records = [(self._record(row), row["created_at"], row["updated_at"]) for row in rows]
        return records, rows[0]["total"] if rows else 0

    def _readable(self, row: Row) -> SagaRecord | None:
        """A saga that this process cannot read, written by a newer one perhaps, must not keep the others from going on."""
        try:
            return self._record(row)
        except (KeyError, ValueError, TypeError):
            logger.exception("saga.unreadable", saga_id=str(row["saga_id"]), kind=row["kind"])
            return None

    def _record(self, row: Row) -> SagaRecord:
        return SagaRecord(
            saga_id=row["saga_id"],
            kind=row["kind"],
            requested_by=row["requested_by"],
            fingerprint=row["fingerprint"],
            state=SagaState(row["state"]),
            step=row["step"],
            round_number=row["round_number"],
            data=self._plans[row["kind"]].data.model_validate(row["data"]),
            error=_error_of(row["error"]),
            signal_key=row["signal_key"],
            correlation_id=row["correlation_id"],
            traceparent=row["traceparent"],
            epoch=row["epoch"],
            attempts=row["attempts"],
            retries=row["retries"],
            due_at=row["due_at"],
        )


def _message_arrays(messages: Sequence[OutgoingMessage]) -> dict[str, list[Any]]:
    rows = [outbox_row(m.message, exchange=m.exchange, routing_key=m.routing_key) for m in messages]
    columns = {"message_ids": "message_id", "exchanges": "exchange", "routing_keys": "routing_key", "bodies": "body"}
    return {parameter: [row[column] for row in rows] for parameter, column in columns.items()}


def _error_json(error: SagaError | None) -> str | None:
    return None if error is None else orjson.dumps(error).decode()


def _error_of(stored: dict[str, Any] | None) -> SagaError | None:
    return None if stored is None else SagaError(**stored)
