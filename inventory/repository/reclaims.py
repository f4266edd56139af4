"""Taking an order's seats back."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import SELECT_ANSWER, IdempotencyStore, ParticipantRequest
from common.errors import ServiceError
from inventory.repository.fragments import PRIOR, RAISE_ROWS, REMEMBER, SEAT_DOCUMENT
from inventory.repository.seats import remembered_seat
from inventory.schemas import ReclaimSeats, Seat

__all__ = ["Found", "ReclaimRepository", "Reclaimed"]

# An order's seats keep its id until they are taken back, all together: what is locked is the whole order, or nothing.
# The verdict looks at the locked rows, which are the newest; when it is no, they come along to tell why.
_RECLAIM: Final = text(
    f"""
    WITH {PRIOR},
    owned AS MATERIALIZED (
        SELECT * FROM seats
        WHERE hold_id = CAST(:order_id AS uuid) AND status <> 'HELD' AND NOT EXISTS (SELECT FROM prior)
        ORDER BY seat_id FOR UPDATE),
    verdict AS MATERIALIZED (
        SELECT count(*) > 0 AND CASE
            WHEN CAST(:is_forced AS boolean) THEN bool_and(status IN ('SOLD', 'CHECKED_IN'))
            ELSE bool_and(status = 'SOLD' AND owner_user_id = CAST(:buyer_user_id AS uuid)) END AS may_reclaim
        FROM owned),
    freed AS (
        UPDATE seats SET status = 'AVAILABLE', hold_id = NULL, owner_user_id = NULL, price_paid = NULL,
            purchased_at = NULL, admitted_at = NULL, version = version + 1
        WHERE seat_id = ANY(ARRAY(SELECT seat_id FROM owned)) AND (SELECT may_reclaim FROM verdict)
        RETURNING seat_id, event_id, category, row_rank),
    counted AS (
        INSERT INTO seat_count_changes (event_id, category, available, held, sold, blocked)
        SELECT event_id, category, count(*), 0, -count(*), 0 FROM freed GROUP BY event_id, category),
    {RAISE_ROWS},
    remembered AS ({REMEMBER}
            'seats', jsonb_agg(jsonb_build_object({SEAT_DOCUMENT}) ORDER BY hall_position)))
        FROM owned WHERE (SELECT may_reclaim FROM verdict) HAVING count(*) > 0
        RETURNING result)
    {SELECT_ANSWER},
        (SELECT jsonb_agg(jsonb_build_object({SEAT_DOCUMENT}) ORDER BY hall_position) FROM owned) AS seats
    """  # noqa: S608 - built of constants
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaimed:
    """The seats as they were."""

    seats: Sequence[Seat]
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The seats of an order that could not be taken back."""

    seats: Sequence[Seat]


class ReclaimRepository:
    def __init__(self, database: Database) -> None:
        self._memory = IdempotencyStore(database)

    async def reclaim(self, command: ReclaimSeats) -> Reclaimed | Found:
        """Free the order's seats, if all of them may be taken.

        Raises:
            Busy: a seat's lock could not be had in time; nothing was decided.
            ServiceError: the refusal remembered for this request.
        """
        parameters = {
            "order_id": command.order_id,
            "buyer_user_id": command.buyer_user_id,
            "is_forced": command.is_forced,
        }
        attempt = await self._memory.attempt(_request_of(command), _RECLAIM, parameters)
        if attempt.done is None:
            return Found(seats=[remembered_seat(seat) for seat in attempt.row["seats"] or ()])
        return Reclaimed(seats=[remembered_seat(seat) for seat in attempt.done["seats"]], is_new=not attempt.is_replay)

    async def refuse(self, command: ReclaimSeats, refusal: ServiceError) -> Sequence[Seat]:
        """Remember the refusal and raise it; an answer that was remembered meanwhile goes before it."""
        done = await self._memory.store_refusal(_request_of(command), refusal)
        return [remembered_seat(seat) for seat in done["seats"]]


def _request_of(command: ReclaimSeats) -> ParticipantRequest:
    arguments = asdict(command)
    return ParticipantRequest.of(arguments.pop("request_id"), "ReclaimSeats", **arguments)
