"""Holding, selling and freeing seats: the hot statements."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.sql import Executable

from common.db.engine import Database
from common.db.idempotency import SELECT_ANSWER, Attempt, IdempotencyStore, ParticipantRequest
from common.errors import ServiceError
from inventory.repository.fragments import COUNT_FREED, FREE_LOCKED, PRIOR, RAISE_ROWS, REMEMBER, TAKEABLE, TURN
from inventory.repository.oversells import counting_oversells
from inventory.schemas import (
    BestAvailable,
    ConfirmHold,
    Hold,
    ReleaseHold,
    ReserveSeats,
    Sale,
    Seat,
    SeatState,
    SeatStatus,
)

__all__ = ["HoldRepository", "Released", "Sold", "Taken", "Untaken"]

_LOCK_NAMED_SEATS: Final = f"""
    SELECT seat_id, category, status FROM seats
    WHERE seat_id = ANY(CAST(:seat_ids AS uuid[])) AND event_id = CAST(:event_id AS uuid) AND {TAKEABLE}
        AND EXISTS (SELECT FROM turn)
    ORDER BY seat_id FOR UPDATE NOWAIT
"""  # noqa: S608 - built of constants

_LOCK_BEST_SEATS: Final = """
    SELECT seat_id, category, status FROM seats
    WHERE event_id = CAST(:event_id AS uuid) AND category = CAST(:category AS text) AND status = 'AVAILABLE'
        AND EXISTS (SELECT FROM turn)
    ORDER BY row_rank, seat_number LIMIT CAST(:quantity AS int) FOR UPDATE SKIP LOCKED
"""

# `locked` is complete before `verdict` counts it, and `verdict` before the update starts: each reads the one before
# in a subquery of its own. LockRows hands on the newest version of a row, and the update follows it there.
_TAKE: Final = f"""
    WITH {PRIOR}, {TURN},
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
    remembered AS ({REMEMBER}
            'hold_id', CAST(:hold_id AS uuid), 'event_id', CAST(:event_id AS uuid),
            'user_id', CAST(:user_id AS uuid), 'held_until', min(held_until),
            'seats', jsonb_agg(jsonb_build_object(
                'seat_id', seat_id, 'category', category, 'row_number', row_number, 'seat_number', seat_number,
                'price', CAST(price AS text)) ORDER BY row_rank, seat_number)))
        FROM held HAVING count(*) > 0
        RETURNING result)
"""  # noqa: S608 - built of constants

# The closed event is asked for by value: EXISTS may become a hash of all closed events.
_STATE_COLUMNS: Final = """
    seat_id, event_id, status, hold_id, held_by_user_id, hold_size,
    status = 'HELD' AND held_until > clock_timestamp() AS is_held,
    (SELECT closed_at FROM closed_events WHERE closed_events.event_id = seats.event_id) IS NOT NULL AS is_closed
"""

# When the seats were not taken, how they stand comes along: a refusal costs no further look.
_TAKE_NAMED: Final = text(
    f"""
    {_TAKE.format(lock=_LOCK_NAMED_SEATS)}
    {SELECT_ANSWER},
        CASE WHEN NOT (SELECT is_complete FROM verdict) AND NOT EXISTS (SELECT FROM prior) THEN (
            SELECT jsonb_agg(to_jsonb(state)) FROM (
                SELECT {_STATE_COLUMNS} FROM seats WHERE seat_id = ANY(CAST(:seat_ids AS uuid[]))) AS state)
        END AS states
    """  # noqa: S608 - built of constants
)
_TAKE_BEST: Final = text(_TAKE.format(lock=_LOCK_BEST_SEATS) + SELECT_ANSWER)
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
    remembered AS ({REMEMBER}
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
        SELECT seat_id FROM seats
        WHERE hold_id = CAST(:hold_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
        ORDER BY seat_id FOR UPDATE),
    {FREE_LOCKED}, {COUNT_FREED}, {RAISE_ROWS},
    remembered AS ({REMEMBER}
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
class Taken:
    """A hold, and whether it was just made: a replay is no news for live seat maps."""

    hold: Hold
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """How the seats stand that could not be taken."""

    states: Sequence[SeatState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    sale: Sale
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    event_id: uuid.UUID | None  # None when nothing was released
    seat_ids: Sequence[uuid.UUID]
    is_new: bool


class HoldRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)

    async def take(self, command: ReserveSeats) -> Taken | Untaken:
        """Hold the named seats, if all of them are free.

        Raises:
            Busy: somebody is changing one of them right now.
            ServiceError: the refusal remembered for this request.
        """
        parameters = {
            "event_id": command.event_id,
            "seat_ids": list(command.seat_ids),
            "quantity": len(command.seat_ids),
            **_holder_of(command),
        }
        attempt = await self._attempt(command, _TAKE_NAMED, parameters)
        if attempt.done is None:
            return Untaken(states=[_state_of(state) for state in attempt.row["states"] or ()])
        return Taken(hold=_hold_of(attempt.done), is_new=not attempt.is_replay)

    async def take_run(self, command: BestAvailable, run: Sequence[uuid.UUID]) -> Taken | None:
        """Hold these seats, found for `command`; None when they are not all free any more.

        Raises:
            Busy: somebody is changing one of them right now.
            ServiceError: the refusal remembered for this request.
        """
        parameters = {
            "event_id": command.event_id,
            "seat_ids": list(run),
            "quantity": command.quantity,
            **_holder_of(command),
        }
        return await self._take(command, _TAKE_NAMED, parameters)

    async def take_best(self, command: BestAvailable) -> Taken | None:
        """Hold the best free seats, adjacent or not, passing over locked ones; None when there are too few."""
        parameters = {
            "event_id": command.event_id,
            "category": command.category,
            "quantity": command.quantity,
            **_holder_of(command),
        }
        return await self._take(command, _TAKE_BEST, parameters)

    async def _take(
        self, command: ReserveSeats | BestAvailable, statement: Executable, parameters: Mapping[str, object]
    ) -> Taken | None:
        attempt = await self._attempt(command, statement, parameters)
        if attempt.done is None:
            return None
        return Taken(hold=_hold_of(attempt.done), is_new=not attempt.is_replay)

    async def _attempt(
        self,
        command: ReserveSeats | BestAvailable | ConfirmHold,
        statement: Executable,
        parameters: Mapping[str, object],
    ) -> Attempt:
        with counting_oversells():
            return await self._memory.attempt(_request_of(command), statement, parameters)

    async def states_of(self, seat_ids: Sequence[uuid.UUID]) -> list[SeatState]:
        rows = await self._database.fetch_all(_FIND_STATES, {"seat_ids": list(seat_ids)})
        return [_state_of(row) for row in rows]

    async def states_in_hold(self, hold_id: uuid.UUID) -> list[SeatState]:
        """Return the seats that the hold has or was sold with."""
        rows = await self._database.fetch_all(_FIND_HOLD_STATES, {"hold_id": hold_id})
        return [_state_of(row) for row in rows]

    async def find_hold(self, hold_id: uuid.UUID) -> Hold | None:
        rows = await self._database.fetch_all(_FIND_HELD, {"hold_id": hold_id})
        if not rows:
            return None
        return Hold(
            hold_id=hold_id,
            event_id=rows[0]["event_id"],
            user_id=rows[0]["held_by_user_id"],
            held_until=rows[0]["held_until"],
            seats=[_held_seat(dict(row), event_id=row["event_id"]) for row in rows],
        )

    async def remember_hold(self, command: ReserveSeats, hold: Hold) -> Hold:
        """Answer the request with a hold that was made by another one."""
        return _hold_of(await self._memory.store_done(_request_of(command), _done_of(hold)))

    async def refuse(self, command: ReserveSeats | BestAvailable, refusal: ServiceError) -> Hold:
        """Remember the refusal and raise it; an answer that was remembered meanwhile goes before it."""
        return _hold_of(await self._memory.store_refusal(_request_of(command), refusal))

    async def refuse_sale(self, command: ConfirmHold, refusal: ServiceError) -> Sale:
        """Remember the refusal and raise it; an answer that was remembered meanwhile goes before it."""
        return _sale_of(await self._memory.store_refusal(_request_of(command), refusal))

    async def confirm(self, command: ConfirmHold) -> Sold | None:
        """Sell the hold's seats; None when it is over, incomplete or another's, or the event's sale has ended.

        Raises:
            Busy: a seat's lock could not be had in time; nothing was decided.
            ServiceError: the refusal remembered for this request.
        """
        parameters = {"hold_id": command.hold_id, "user_id": command.user_id}
        attempt = await self._attempt(command, _CONFIRM, parameters)
        if attempt.done is None:
            return None
        return Sold(sale=_sale_of(attempt.done), is_new=not attempt.is_replay)

    async def release(self, command: ReleaseHold) -> Released:
        """Free what the hold still has. As an undo, it first buries the request that it undoes.

        Raises:
            Busy: a seat's lock could not be had in time; nothing was decided.
        """
        attempt = await self._memory.attempt(
            _request_of(command),
            _RELEASE,
            {"hold_id": command.hold_id},
            undoes_request_id=command.undoes_request_id,
        )
        done = attempt.done or {"event_id": None, "seat_ids": []}
        return Released(
            event_id=uuid.UUID(done["event_id"]) if done["event_id"] else None,
            seat_ids=[uuid.UUID(seat_id) for seat_id in done["seat_ids"]],
            is_new=not attempt.is_replay,
        )


def _request_of(command: ReserveSeats | BestAvailable | ConfirmHold | ReleaseHold) -> ParticipantRequest:
    arguments = asdict(command)
    return ParticipantRequest.of(arguments.pop("request_id"), type(command).__name__, **arguments)


def _holder_of(command: ReserveSeats | BestAvailable) -> dict[str, object]:
    return {
        "hold_id": command.hold_id,
        "user_id": command.user_id,
        "hold_ttl_milliseconds": command.hold_ttl_milliseconds,
        "turn": int.from_bytes(command.request_id.bytes[:8], "big", signed=True),
    }


def _state_of(row: Mapping[str, Any]) -> SeatState:
    return SeatState(
        seat_id=_id_of(row["seat_id"]),
        event_id=_id_of(row["event_id"]),
        status=SeatStatus(row["status"]),
        is_held=row["is_held"],
        hold_id=row["hold_id"] and _id_of(row["hold_id"]),
        held_by_user_id=row["held_by_user_id"] and _id_of(row["held_by_user_id"]),
        hold_size=row["hold_size"],
        is_closed=row["is_closed"],
    )


def _id_of(value: uuid.UUID | str) -> uuid.UUID:
    """A column brings a UUID, a JSON document its text."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def _held_seat(seat: Mapping[str, Any], *, event_id: uuid.UUID) -> Seat:
    return Seat(
        seat_id=uuid.UUID(str(seat["seat_id"])),
        event_id=event_id,
        category=seat["category"],
        row_number=seat["row_number"],
        seat_number=seat["seat_number"],
        price=Decimal(seat["price"]),
        status=SeatStatus.HELD,
    )


def _hold_of(done: Mapping[str, Any]) -> Hold:
    event_id = uuid.UUID(done["event_id"])
    return Hold(
        hold_id=uuid.UUID(done["hold_id"]),
        event_id=event_id,
        user_id=uuid.UUID(done["user_id"]),
        held_until=datetime.fromisoformat(done["held_until"]),
        seats=[_held_seat(seat, event_id=event_id) for seat in done["seats"]],
    )


def _done_of(hold: Hold) -> dict[str, Any]:
    return {
        "hold_id": str(hold.hold_id),
        "event_id": str(hold.event_id),
        "user_id": str(hold.user_id),
        "held_until": hold.held_until.isoformat(),
        "seats": [
            {
                "seat_id": str(seat.seat_id),
                "category": seat.category,
                "row_number": seat.row_number,
                "seat_number": seat.seat_number,
                "price": str(seat.price),
            }
            for seat in hold.seats
        ],
    }


def _sale_of(done: Mapping[str, Any]) -> Sale:
    return Sale(
        hold_id=uuid.UUID(done["hold_id"]),
        event_id=uuid.UUID(done["event_id"]),
        purchased_at=datetime.fromisoformat(done["purchased_at"]),
        seat_ids=[uuid.UUID(seat_id) for seat_id in done["seat_ids"]],
    )
