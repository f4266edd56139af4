"""Reads and writes of the saga log."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from common.db.engine import Database, Row
from common.db.pages import find_newest, has_value
from common.db.retention import Retention
from common.messaging.outbox import OutgoingMessage, message_arrays
from common.pages import Cursor, Total
from common.telemetry.logs import get_logger
from orchestrator.saga_engine import statements
from orchestrator.saga_engine.errors import StaleEpoch, UnfitSaga, without_values
from orchestrator.saga_engine.models import sagas
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import KINDS_IN_STATE, SagaError, SagaRecord, SagaState
from orchestrator.saga_engine.retries import STUCK_ATTEMPTS, pause_seconds_after

__all__ = ["KEYS_RETENTION", "LEASE_MARGIN_SECONDS", "UNWOUND_KEEP_DAYS", "SagaLog", "unwound_retention"]

logger = get_logger(__name__)

# A live owner writes before its lease ends: the step's timeout, and this much for the write itself.
LEASE_MARGIN_SECONDS: Final = 4.0
# Its step tells no direction: a saga that unwinds stands at a step that cannot be undone, say.
STATE_INVALID: Final = "SAGA_STATE_INVALID"
# Longer than participants keep its requests, so that a saga of the same id, if there is one, finds no answer of theirs.
UNWOUND_KEEP_DAYS: Final = 120
KEYS_RETENTION: Final = Retention(table="idempotency_keys", aged_by="created_at", keep_days=UNWOUND_KEEP_DAYS)
# These have a time at which a recoverer takes them over.
UNFINISHED: Final = frozenset({SagaState.RUNNING, SagaState.WAITING, SagaState.UNWINDING})


_LISTED: Final = select(
    sagas.c.saga_id,
    sagas.c.kind,
    sagas.c.state,
    sagas.c.step_name.label("step"),
    sagas.c.requested_by,
    sagas.c.attempts,
    sagas.c.error["code"].astext.label("error_code"),
    sagas.c.error["step"].astext.label("error_step"),
    func.nullif(sagas.c.error["stuck_code"].astext, "").label("stuck_code"),
    sagas.c.correlation_id,
    sagas.c.created_at,
    sagas.c.updated_at,
)


def unwound_retention(kind: str) -> Retention:
    """Return how long unwound sagas of a kind are kept after their end.

    Only for a kind whose ended sagas no other saga reads and whose ids have no numbers (`find_previous_sagas`).
    """
    return Retention(
        table="sagas",
        aged_by="created_at",
        keep_days=UNWOUND_KEEP_DAYS,
        condition=f"state = 'UNWOUND' AND kind = '{kind}' AND updated_at < now() - interval '{UNWOUND_KEEP_DAYS} days'",
    )


class SagaLog:
    """Reads and writes sagas of the given plans.

    Args:
        wake_relay: called after a write that inserted messages, so that they are sent at once.
        lease_margin_seconds: how long an owner may take, beyond a step's timeout, to write the step's result.
    """

    def __init__(
        self,
        database: Database,
        plans: Sequence[AnyPlan],
        *,
        wake_relay: Callable[[], None],
        lease_margin_seconds: float = LEASE_MARGIN_SECONDS,
    ) -> None:
        self._database = database
        self._wake_relay = wake_relay
        self._lease_margin_seconds = lease_margin_seconds
        # A statement that takes a saga over does not know its plan and step yet.
        self._lease_seconds = max(plan.step_timeout_seconds for plan in plans) + lease_margin_seconds
        self._plans = {plan.kind: plan for plan in plans}

    async def insert(
        self,
        saga: SagaRecord,
        *,
        messages: Sequence[OutgoingMessage],
        step_timeout_seconds: float,
    ) -> bool:
        """Store a new saga; return False if its id exists."""
        parameters = {
            "saga_id": saga.saga_id,
            "kind": saga.kind,
            "requested_by": saga.requested_by,
            "fingerprint": saga.fingerprint,
            "correlation_id": saga.correlation_id,
            "traceparent": saga.traceparent,
            "state": saga.state.value,
            "position": self._position(saga),
            "step_name": saga.step,
            "data": saga.data.model_dump_json(),
            "due_at": saga.due_at,
            "lease_seconds": step_timeout_seconds + self._lease_margin_seconds,
        }
        inserted = await self._database.fetch_one(statements.INSERT, parameters | message_arrays(messages)) is not None
        if inserted and messages:
            self._wake_relay()
        return inserted

    async def advance(
        self,
        saga: SagaRecord,
        *,
        messages: Sequence[OutgoingMessage] = (),
        step_timeout_seconds: float,
        pause_seconds: float = 0.0,
    ) -> None:
        """Write the saga's present state.

        Args:
            step_timeout_seconds: how long the present step may take; the lease covers it.
            pause_seconds: how long no process continues the saga; then any process does.

        Raises:
            StaleEpoch: another process owns the saga.
        """
        parameters = {
            "saga_id": saga.saga_id,
            "epoch": saga.epoch,
            "state": saga.state.value,
            "position": self._position(saga),
            "step_name": saga.step,
            "round_number": saga.round_number,
            "attempts": saga.attempts,
            "retries": saga.retries,
            "data": saga.data.model_dump_json(),
            "error": _error_json(saga.error),
            "is_settled": saga.state is SagaState.WAITING or saga.state.is_final,
            "due_at": saga.due_at if saga.state is SagaState.WAITING else None,
            "step_timeout_seconds": step_timeout_seconds,
            "lease_seconds": step_timeout_seconds + self._lease_margin_seconds,
            "pause_seconds": pause_seconds,
        }
        if await self._database.fetch_one(statements.ADVANCE, parameters | message_arrays(messages)) is None:
            raise StaleEpoch(saga_id=saga.saga_id, epoch=saga.epoch)
        if messages:
            self._wake_relay()

    async def count_attempt(self, saga: SagaRecord, *, stuck: SagaError | None, pause_seconds: float) -> None:
        """Store the number of attempts and nothing else: the saga is due after the pause, and STUCK if a reason is given.

        Raises:
            StaleEpoch: another process owns the saga, or its last write did succeed.
        """
        row = {"saga_id": saga.saga_id, "epoch": saga.epoch, "state": saga.state.value, "step_name": saga.step}
        await self._count_attempt(row, attempts=saga.attempts, stuck=stuck, pause_seconds=pause_seconds)

    async def find(self, saga_id: uuid.UUID) -> SagaRecord | None:
        """Return a saga.

        Raises:
            UnfitSaga: it does not fit its plan.
        """
        row = await self._database.fetch_one(statements.FIND, {"saga_id": saga_id})
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
        more: Mapping[str, Any] | None = None,
    ) -> SagaRecord | None:
        """Take over a saga that waits for this signal; return None if it does not. `more` is added to its data.

        Raises:
            UnfitSaga: it does not fit its plan.
        """
        parameters = {
            "saga_id": saga_id,
            "kind": kind,
            "next_step": self._plans[kind].step_after(signal).name,
            "signalled_by": signalled_by,
            "by_starter_only": by_starter_only,
            "operation": signal,
            "key": key,
            "more": _json_object(more),
            "lease_seconds": self._lease_seconds,
        }
        try:
            row = await self._database.fetch_one(statements.SIGNAL, parameters)
        except IntegrityError:
            return None  # the key was used for another saga at the same moment
        return await self._claimed(row)

    async def unwind_waiting(
        self,
        saga_id: uuid.UUID,
        error: SagaError,
        *,
        kind: str,
        signal: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> SagaRecord | None:
        """Take over a waiting saga to unwind it; return None if it does not wait, or waits for another signal.

        Raises:
            UnfitSaga: it does not fit its plan.
        """
        parameters = {
            "saga_id": saga_id,
            "kind": kind,
            "error": _error_json(error),
            "signal": signal,
            "more": _json_object(more),
            "lease_seconds": self._lease_seconds,
        }
        return await self._claimed(await self._database.fetch_one(statements.UNWIND_WAITING, parameters))

    async def take_over(self, *, slots: int, occupied: Mapping[tuple[str, str], int]) -> list[SagaRecord]:
        """Take over due sagas: waits past their deadline, paused and stuck sagas, and sagas whose owner is gone.

        Sagas that do not fit their plans get an attempt counted and are left out.

        Args:
            slots: how many sagas of one kind may stand at one step.
            occupied: how many do, by kind and step.
        """
        parameters = {
            "kinds": [kind for kind, _ in occupied],
            "step_names": [step for _, step in occupied],
            "counts": [*occupied.values()],
            "slots": slots,
            "lease_seconds": self._lease_seconds,
        }
        rows = await self._database.fetch_all(statements.TAKE_OVER, parameters)
        return [saga for row in rows if (saga := await self._fitting(row)) is not None]

    async def unstick(self, saga: SagaRecord, state: SagaState) -> SagaRecord | None:
        """Take over a stuck saga; return None if it is not stuck any more."""
        parameters = {
            "saga_id": saga.saga_id,
            "epoch": saga.epoch,
            "state": state.value,
            "lease_seconds": self._lease_seconds,
        }
        return await self._claimed(await self._database.fetch_one(statements.UNSTICK, parameters))

    async def make_stuck_due(self, *, kind: str | None, stuck_code: str | None, limit: int) -> int:
        """Make stuck sagas due now, the oldest first: all, or those of a kind or a code. Return their number."""
        parameters = {"kind": kind, "code": stuck_code, "limit": limit}
        return len(await self._database.fetch_all(statements.MAKE_STUCK_DUE, parameters))

    async def adopt_stuck(self) -> None:
        """Give a next try to the sagas that the previous release made STUCK."""
        await self._database.execute(statements.ADOPT_STUCK, {"attempts": STUCK_ATTEMPTS})

    async def find_key_use(self, *, requested_by: uuid.UUID, operation: str, key: str) -> uuid.UUID | None:
        """Return the saga that an idempotency key was used for, if any."""
        parameters = {"requested_by": requested_by, "operation": operation, "key": key}
        row = await self._database.fetch_one(statements.FIND_KEY_USE, parameters)
        return row["saga_id"] if row else None

    async def use_key(self, saga_id: uuid.UUID, *, used_by: uuid.UUID, operation: str, key: str) -> uuid.UUID | None:
        """Note that an idempotency key is used for a saga, and return the saga that it was used for first."""
        parameters = {"saga_id": saga_id, "requested_by": used_by, "operation": operation, "key": key}
        row = await self._database.fetch_one(statements.USE_KEY, parameters)
        return row["saga_id"] if row else None

    async def count_unfinished(self, *, requested_by: uuid.UUID) -> int:
        """Return how many sagas of a user run, wait or are stuck."""
        row = await self._database.fetch_one(statements.COUNT_UNFINISHED, {"requested_by": requested_by})
        return int(row["sagas"]) if row else 0

    async def count_by_state(self) -> Mapping[str, int]:
        """Return how many sagas are in progress, by state."""
        counts = {row["state"]: row["sagas"] for row in await self._database.fetch_all(statements.COUNT_BY_STATE)}
        stuck = await self._database.fetch_one(statements.COUNT_STUCK)
        return {**counts, SagaState.STUCK.value: stuck["sagas"] if stuck else 0}

    async def list_page(
        self, *, state: SagaState | None, limit: int, offset: int, after: Cursor | None = None
    ) -> tuple[Sequence[Row], Total]:
        """Return a page of rows, newest first, and the total. The data is not read: every row can be listed."""
        rows = _LISTED if state is None else _LISTED.where(has_value(sagas.c.state, state))
        if state in UNFINISHED:
            rows = rows.where(sagas.c.due_at.is_not(None))  # the index of due sagas has these few
        at, key = sagas.c.created_at, sagas.c.saga_id
        return await find_newest(self._database, rows, at=at, key=key, limit=limit, offset=offset, after=after)

    async def _claimed(self, row: Row | None) -> SagaRecord | None:
        """Return a saga that a statement has just taken over; if it does not fit its plan, count an attempt first."""
        if row is None:
            return None
        try:
            return self._record(row)
        except UnfitSaga as error:
            await self._count_unfit(row, error)
            raise

    async def _fitting(self, row: Row) -> SagaRecord | None:
        """Return a taken over saga, or None if it does not fit its plan. One bad row does not stop the others."""
        try:
            saga = await self._claimed(row)
            if saga is None or saga.error is None or saga.error.stuck_code != STATE_INVALID:
                return saga
            await self._count_unfit(row, UnfitSaga(code=STATE_INVALID))  # only an admin can tell its direction
        except UnfitSaga:
            pass
        except Exception:
            logger.exception("saga.attempt_not_counted", saga_id=str(row["saga_id"]), kind=row["kind"])
        return None

    async def _count_unfit(self, row: Row, error: UnfitSaga) -> None:
        logger.error("saga.unfit", code=error.code, **error.private)
        attempts = row["attempts"] + 1
        stuck = None
        if attempts >= STUCK_ATTEMPTS:
            stuck = SagaError.of_stuck(_cause_of(row["error"]), error, step=row["step_name"])
        await self._count_attempt(row, attempts=attempts, stuck=stuck, pause_seconds=pause_seconds_after(attempts))

    async def _count_attempt(self, row: Row, *, attempts: int, stuck: SagaError | None, pause_seconds: float) -> None:
        parameters = {
            "saga_id": row["saga_id"],
            "epoch": row["epoch"],
            "state": row["state"],
            "step_name": row["step_name"],
            "attempts": attempts,
            "is_stuck": stuck is not None,
            "error": _error_json(stuck),
            "pause_seconds": pause_seconds,
        }
        if await self._database.fetch_one(statements.COUNT_ATTEMPT, parameters) is None:
            raise StaleEpoch(saga_id=row["saga_id"], epoch=row["epoch"])

    def _position(self, saga: SagaRecord) -> int:
        """Return the step's position as releases before revision 0011 read it."""
        steps = self._plans[saga.kind].steps
        if saga.state.is_final:
            return len(steps) if saga.state is SagaState.COMPLETED else -1
        return self._plans[saga.kind].index_of(saga.step)

    def _record(self, row: Row) -> SagaRecord:
        plan = self._plans.get(row["kind"])
        named = {"saga_id": str(row["saga_id"]), "kind": row["kind"], "step": row["step_name"]}
        if plan is None:
            raise UnfitSaga(code="SAGA_KIND_UNKNOWN", **named)
        try:
            saga = self._validated(row, plan)
        except Exception as error:  # noqa: BLE001 - a model's validators may raise anything
            raise UnfitSaga(code="SAGA_DATA_INVALID", reason=without_values(error), **named) from None
        if not saga.state.is_final and saga.step not in plan:
            raise UnfitSaga(code="SAGA_STEP_UNKNOWN", state=saga.state.value, **named)
        if not saga.state.is_final and plan.step(saga.step).kind not in KINDS_IN_STATE[saga.state]:
            raise UnfitSaga(code="SAGA_STATE_INVALID", state=saga.state.value, **named)
        return saga

    @staticmethod
    def _validated(row: Row, plan: AnyPlan) -> SagaRecord:
        columns = dict(row)
        return SagaRecord(
            state=SagaState(columns.pop("state")),
            step=columns.pop("step_name"),
            data=plan.data.model_validate(columns.pop("data")),
            error=_error_of(columns.pop("error")),
            **columns,
        )


def _json_object(fields: Mapping[str, Any] | None) -> str:
    return orjson.dumps(dict(fields or {})).decode()


def _error_json(error: SagaError | None) -> str | None:
    return None if error is None else orjson.dumps(error).decode()


def _error_of(stored: dict[str, Any] | None) -> SagaError | None:
    return None if stored is None else SagaError(**stored)


def _cause_of(stored: Any) -> SagaError | None:
    """Return why an unfit saga unwinds, if that can be read."""
    try:
        return _error_of(stored)
    except TypeError:
        return None
