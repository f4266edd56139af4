"""Holds, sells and frees seats: the hot statements."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.sql import Executable

from common.db.engine import Database
from common.db.idempotency import SELECT_ANSWER, Attempt, IdempotencyStore
from common.errors import ServiceError
from inventory.repository.documents import document_of, read_hold, read_holder, read_sale, read_states
from inventory.repository.fragments import (
    COUNT_FREED,
    FREE_LOCKED,
    IS_FREE,
    PRIOR,
    RAISE_ROWS,
    REQUEST_LOCK,
    STORE_LAPSES,
    STORE_RESULT,
)
from inventory.repository.oversell_guard import oversell_guard
from inventory.repository.requests import Change, change_of, request_of
from inventory.schemas import (
    BestAvailable,
    ConfirmHold,
    Hold,
    HolderState,
    HoldLimits,
    ReleaseHold,
    ReserveSeats,
    Sale,
    SeatState,
)

_LOCK_NAMED_SEATS: Final = f"""
    SELECT seat_id, event_id, category, status, hold_id, held_by_user_id, held_until FROM seats
    WHERE seat_id = ANY(CAST(:seat_ids AS uuid[])) AND event_id = CAST(:event_id AS uuid) AND {IS_FREE}
        AND EXISTS (SELECT FROM permit)
    ORDER BY seat_id FOR UPDATE NOWAIT
"""  # noqa: S608 - built of constants

_LOCK_BEST_SEATS: Final = """
    SELECT seat_id, event_id, category, status, hold_id, held_by_user_id, held_until FROM seats
    WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text) AND status = 'AVAILABLE'
        AND EXISTS (SELECT FROM permit)
    ORDER BY row_rank, seat_number LIMIT CAST(:quantity AS int) FOR UPDATE SKIP LOCKED
"""

# `locked` is complete before `verdict` counts it, and `verdict` before the update starts, because each reads the one
# before in a subquery. LockRows returns the newest version of a row, which the update changes.
_RESERVE: Final = f"""
    WITH {PRIOR}, {REQUEST_LOCK},
    holder AS MATERIALIZED (
        SELECT held_of_event, held_in_all, cooling_until
        FROM holder_state(
            CAST(:user_id AS uuid), CAST(:event_id AS uuid), CAST(:lapses AS int),
            CAST(:lapse_window_seconds AS float8) * interval '1 second',
            CAST(:cooldown_seconds AS float8) * interval '1 second')
        WHERE EXISTS (SELECT FROM request_lock)),
    permit AS MATERIALIZED (
        SELECT FROM holder
        WHERE cooling_until IS NULL
            AND held_of_event + CAST(:quantity AS int) <= CAST(:seats_per_event AS int)
            AND held_in_all + CAST(:quantity AS int) <= CAST(:seats_per_user AS int)),
    locked AS MATERIALIZED ({{lock}}),
    verdict AS MATERIALIZED (
        SELECT count(*) = CAST(:quantity AS int) AS is_complete,
            clock_timestamp() + CAST(:hold_ttl_milliseconds AS int) * interval '1 millisecond' AS held_until
        FROM locked),
    held AS (
        UPDATE seats SET status = 'HELD', hold_id = CAST(:hold_id AS uuid), held_by_user_id = CAST(:user_id AS uuid),
            held_until = (SELECT held_until FROM verdict), hold_size = CAST(:quantity AS int), version = version + 1
        WHERE seat_id = ANY(ARRAY(SELECT seat_id FROM locked)) AND (SELECT is_complete FROM verdict)
        RETURNING seat_id, category, row_number, row_rank, seat_number, price, held_until),
    counted AS (
        INSERT INTO seat_count_changes (event_id, category, available, held, sold, blocked)
        SELECT CAST(:event_id AS uuid), category, -count(*), count(*), 0, 0 FROM locked
        WHERE status = 'AVAILABLE' AND (SELECT is_complete FROM verdict) GROUP BY category),
    ended AS (SELECT * FROM locked WHERE status = 'HELD' AND (SELECT is_complete FROM verdict)),
    {STORE_LAPSES},
    remembered AS ({STORE_RESULT}
            'hold_id', CAST(:hold_id AS uuid), 'event_id', CAST(:event_id AS uuid),
            'user_id', CAST(:user_id AS uuid), 'held_until', min(held_until),
            'seats', jsonb_agg(jsonb_build_object(
                'seat_id', seat_id, 'category', category, 'row_number', row_number, 'seat_number', seat_number,
                'price', CAST(price AS text)) ORDER BY row_rank, seat_number)))
        FROM held HAVING count(*) > 0
        RETURNING result)
"""  # noqa: S608 - built of constants

# The closed event is read by value, because the planner may turn EXISTS into a hash of all closed events.
_STATE_COLUMNS: Final = """
    seat_id, event_id, status, hold_id, held_by_user_id, hold_size,
    status = 'HELD' AND held_until > clock_timestamp() AS is_held,
    (SELECT closed_at FROM closed_events WHERE closed_events.event_id = seats.event_id) IS NOT NULL AS is_closed
"""

# If no seats were reserved, the holder's state shows whether a limit is the reason.
_HOLDER: Final = "(SELECT to_jsonb(holder) FROM holder) AS holder"

# If the seats were not reserved, their states are returned with the answer, so that a refusal needs no other statement.
_RESERVE_NAMED: Final = text(
    f"""
    {_RESERVE.format(lock=_LOCK_NAMED_SEATS)}
    {SELECT_ANSWER}, {_HOLDER},
        CASE WHEN NOT (SELECT is_complete FROM verdict) AND NOT EXISTS (SELECT FROM prior) THEN (
            SELECT jsonb_agg(to_jsonb(state)) FROM (
                SELECT {_STATE_COLUMNS} FROM seats WHERE seat_id = ANY(CAST(:seat_ids AS uuid[]))) AS state)
        END AS states
    """  # noqa: S608 - built of constants
)
_RESERVE_BEST: Final = text(f"{_RESERVE.format(lock=_LOCK_BEST_SEATS)} {SELECT_ANSWER}, {_HOLDER}")
_FIND_STATES: Final = text(
    f"SELECT {_STATE_COLUMNS} FROM seats WHERE seat_id = ANY(CAST(:seat_ids AS uuid[]))"  # noqa: S608 - constants
)
_FIND_HOLD_STATES: Final = text(
    f"SELECT {_STATE_COLUMNS} FROM seats WHERE hold_id = CAST(:hold_id AS uuid)"  # noqa: S608 - constants
)

_CONFIRM: Final = text(
    f"""
    WITH {PRIOR},
    locked AS MATERIALIZED (
        SELECT seat_id, event_id, hold_size, held_by_user_id, held_until FROM seats
        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
        ORDER BY seat_id FOR UPDATE),
    verdict AS MATERIALIZED (
        SELECT count(*) = max(hold_size) AND bool_and(held_by_user_id = CAST(:user_id AS uuid))
            AND min(held_until) > clock_timestamp()
            AND NOT EXISTS (SELECT FROM closed_events WHERE event_id = (SELECT event_id FROM locked LIMIT 1))
            AS may_sell, clock_timestamp() AS purchased_at
        FROM locked),
    sold AS (
        UPDATE seats SET status = 'SOLD', owner_user_id = CAST(:user_id AS uuid), price_paid = price,
            purchased_at = (SELECT purchased_at FROM verdict), held_by_user_id = NULL, held_until = NULL,
            hold_size = NULL, version = version + 1
        WHERE seat_id = ANY(ARRAY(SELECT seat_id FROM locked)) AND (SELECT may_sell FROM verdict)
        RETURNING seat_id, event_id, category, purchased_at),
    counted AS (
        INSERT INTO seat_count_changes (event_id, category, available, held, sold, blocked)
        SELECT event_id, category, 0, -count(*), count(*), 0 FROM sold GROUP BY event_id, category),
    remembered AS ({STORE_RESULT}
            'hold_id', CAST(:hold_id AS uuid), 'event_id', min(CAST(event_id AS text)),
            'purchased_at', min(purchased_at), 'seat_ids', jsonb_agg(seat_id ORDER BY seat_id)))
        FROM sold HAVING count(*) > 0
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
)

_RELEASE: Final = text(
    f"""
    WITH {PRIOR},
    locked AS MATERIALIZED (
        SELECT seat_id, event_id, hold_id, held_by_user_id, held_until FROM seats
        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
        ORDER BY seat_id FOR UPDATE),
    ended AS (
        SELECT * FROM locked WHERE CAST(:is_cancelled AS boolean) OR held_until <= clock_timestamp()),
    {FREE_LOCKED}, {COUNT_FREED}, {RAISE_ROWS}, {STORE_LAPSES},
    remembered AS ({STORE_RESULT}
            'event_id', min(CAST(event_id AS text)),
            'seat_ids', coalesce(jsonb_agg(seat_id ORDER BY seat_id), '[]')))
        FROM freed HAVING NOT EXISTS (SELECT FROM prior)
        RETURNING result)
    {SELECT_ANSWER}
    """  # noqa: S608 - built of constants
)

_FIND_HELD: Final = text(
    """
    SELECT seat_id, event_id, category, row_number, seat_number, price, held_by_user_id, held_until FROM seats
    WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' ORDER BY row_rank, seat_number
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReserved:
    """The state of a holder who could not reserve seats, and of the seats if they were named; neither if unknown."""

    states: Sequence[SeatState] = ()
    holder: HolderState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    event_id: uuid.UUID | None  # None if no seat was released
    seat_ids: Sequence[uuid.UUID]
    is_new: bool


class HoldRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._requests = IdempotencyStore(database)

    async def reserve(self, command: ReserveSeats, limits: HoldLimits) -> Change[Hold] | NotReserved:
        """Hold the named seats, if all of them are free and no limit forbids it.

        Raises:
            Busy: another request is changing one of them.
            ServiceError: the refusal stored for this request.
        """
        seats = {"seat_ids": list(command.seat_ids), "quantity": len(command.seat_ids)}
        return await self._reserve(command, limits, _RESERVE_NAMED, seats)

    async def reserve_run(
        self, command: BestAvailable, limits: HoldLimits, run: Sequence[uuid.UUID]
    ) -> Change[Hold] | NotReserved:
        """Hold these seats, found for `command`, if they are still free and no limit forbids it.

        Raises:
            Busy: another request is changing one of them.
            ServiceError: the refusal stored for this request.
        """
        seats = {"seat_ids": list(run), "quantity": command.quantity}
        return await self._reserve(command, limits, _RESERVE_NAMED, seats)

    async def reserve_best(self, command: BestAvailable, limits: HoldLimits) -> Change[Hold] | NotReserved:
        """Hold the best free seats, adjacent or not, skipping locked ones, if there are enough and no limit forbids it."""
        seats = {"category": command.category, "quantity": command.quantity}
        return await self._reserve(command, limits, _RESERVE_BEST, seats)

    async def _reserve(
        self,
        command: ReserveSeats | BestAvailable,
        limits: HoldLimits,
        statement: Executable,
        seats: Mapping[str, object],
    ) -> Change[Hold] | NotReserved:
        attempt = await self._attempt(command, statement, {**seats, **_holder_of(command), **asdict(limits)})
        return change_of(attempt, read_hold) or NotReserved(
            states=read_states(attempt.row.get("states") or []),
            holder=read_holder(attempt.row["holder"]) if attempt.row["holder"] else None,
        )

    async def _attempt(
        self,
        command: ReserveSeats | BestAvailable | ConfirmHold,
        statement: Executable,
        parameters: Mapping[str, object],
    ) -> Attempt:
        with oversell_guard():
            return await self._requests.attempt(request_of(command), statement, parameters)

    async def states_of(self, seat_ids: Sequence[uuid.UUID]) -> list[SeatState]:
        return read_states(await self._database.fetch_all(_FIND_STATES, {"seat_ids": list(seat_ids)}))

    async def states_in_hold(self, hold_id: uuid.UUID) -> list[SeatState]:
        """Return the seats of the hold, even if they are sold."""
        return read_states(await self._database.fetch_all(_FIND_HOLD_STATES, {"hold_id": hold_id}))

    async def find_hold(self, hold_id: uuid.UUID) -> Hold | None:
        rows = await self._database.fetch_all(_FIND_HELD, {"hold_id": hold_id})
        if not rows:
            return None
        return read_hold({**rows[0], "hold_id": hold_id, "user_id": rows[0]["held_by_user_id"], "seats": rows})

    async def store_hold(self, command: ReserveSeats, hold: Hold) -> Hold:
        """Store a hold that another request made as this request's result."""
        return read_hold(await self._requests.store_done(request_of(command), document_of(hold)))

    async def refuse(self, command: ReserveSeats | BestAvailable, refusal: ServiceError) -> Hold:
        """Store the refusal and raise it. If a result was stored meanwhile, return that."""
        return read_hold(await self._requests.store_refusal(request_of(command), refusal))

    async def refuse_sale(self, command: ConfirmHold, refusal: ServiceError) -> Sale:
        """Store the refusal and raise it. If a result was stored meanwhile, return that."""
        return read_sale(await self._requests.store_refusal(request_of(command), refusal))

    async def confirm(self, command: ConfirmHold) -> Change[Sale] | None:
        """Sell the hold's seats; None if it is over, incomplete or another user's, or the event's sale has ended.

        Raises:
            Busy: a seat could not be locked in time; nothing was decided.
            ServiceError: the refusal stored for this request.
        """
        parameters = {"hold_id": command.hold_id, "user_id": command.user_id}
        return change_of(await self._attempt(command, _CONFIRM, parameters), read_sale)

    async def release(self, command: ReleaseHold) -> Released:
        """Free the hold's seats. As an undo, first write the tombstone of the request that it undoes.

        Raises:
            Busy: a seat could not be locked in time; nothing was decided.
        """
        attempt = await self._requests.attempt(
            request_of(command),
            _RELEASE,
            {"hold_id": command.hold_id, "is_cancelled": command.is_cancelled},
            undoes_request_id=command.undoes_request_id,
        )
        done = attempt.done or {"event_id": None, "seat_ids": []}
        return Released(
            event_id=uuid.UUID(done["event_id"]) if done["event_id"] else None,
            seat_ids=[uuid.UUID(seat_id) for seat_id in done["seat_ids"]],
            is_new=not attempt.is_replay,
        )


def _holder_of(command: ReserveSeats | BestAvailable) -> dict[str, object]:
    return {
        "event_id": command.event_id,
        "hold_id": command.hold_id,
        "user_id": command.user_id,
        "hold_ttl_milliseconds": command.hold_ttl_milliseconds,
        "request_lock_id": int.from_bytes(command.request_id.bytes[:8], "big", signed=True),
    }
