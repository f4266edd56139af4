"""Holding seats, selling and freeing them."""

import random
import uuid
from collections.abc import Sequence
from typing import Final

from common.errors import Busy
from inventory.errors import EventEnded, SeatNotFound, SeatUnavailable
from inventory.metrics import RESERVES
from inventory.repository.expiry import ExpiryRepository
from inventory.repository.holds import HoldRepository, Taken, Untaken
from inventory.repository.search import SearchRepository, SearchResult
from inventory.schemas import (
    BestAvailable,
    ConfirmHold,
    Hold,
    ReleaseHold,
    ReserveSeats,
    Sale,
    SeatState,
    SeatStatus,
)
from inventory.seat_changes import SeatChanges
from inventory.service.refusals import refusal_to_confirm, refusal_to_reserve

__all__ = ["HoldService"]

SEARCHES: Final = 50
"""Then any seats will do. A row is searched in vain only once, so fifty are needed only where buyers fight for seats."""
ROWS_AT_FIRST: Final = 4
"""The first row usually has room; four of fifty seats are read in half a millisecond."""
ROWS_AFTERWARDS: Final = 32
"""Rows that all promised too much are left behind quickly."""
TRIES_PER_SEARCH: Final = 4
"""Runs tried before looking again: what was found grows old while others buy."""
SWEPT_SEATS: Final = 500


class HoldService:
    def __init__(
        self, holds: HoldRepository, searches: SearchRepository, expiry: ExpiryRepository, changes: SeatChanges
    ) -> None:
        self._holds = holds
        self._searches = searches
        self._expiry = expiry
        self._changes = changes

    async def reserve(self, command: ReserveSeats) -> Hold:
        """Hold these seats, all or none, at once or not at all.

        Raises:
            SeatUnavailable, SeatAlreadySold: one of them is taken, or being taken right now.
            SeatNotFound: one of them does not exist.
            SeatsOfTwoEvents: one of them belongs to another event.
            EventEnded: the event's sale has ended.
        """
        try:
            outcome = await self._holds.take(command)
        except Busy:  # a seat that is being changed is a taken one
            outcome = Untaken(states=await self._holds.states_of(command.seat_ids))
        if isinstance(outcome, Taken):
            return self._report(outcome, kind="seats")
        if (own := own_hold(command, outcome.states)) and (hold := await self._holds.find_hold(own)):
            return await self._holds.remember_hold(command, hold)
        RESERVES.labels("seats", "refused").inc()
        refusal = refusal_to_reserve(command.event_id, command.seat_ids, outcome.states)
        return await self._holds.refuse(command, refusal)

    async def reserve_best_available(self, command: BestAvailable) -> Hold:
        """Hold the best seats of a category: adjacent ones where there are such, else the best there are.

        Raises:
            SeatUnavailable: there are too few.
            SeatNotFound: the event has no such category.
            EventEnded: the event's sale has ended.
        """
        taken, found = await self._take_best_available(command)
        if taken is not None:
            return self._report(taken, kind="best available")
        RESERVES.labels("best available", "refused").inc()
        if found.is_closed:
            return await self._holds.refuse(command, EventEnded())
        if not found.is_known:
            return await self._holds.refuse(command, SeatNotFound("The event has no such category."))
        return await self._holds.refuse(command, SeatUnavailable("There are not enough free seats."))

    async def _take_best_available(self, command: BestAvailable) -> tuple[Taken | None, SearchResult]:
        """Return what could be taken, and what was found last."""
        found = await self._search(command, rows=ROWS_AT_FIRST)
        for _ in range(SEARCHES):
            if found.is_closed:
                break
            if found.has_overdue:
                await self._expiry.end_due_holds(batch=SWEPT_SEATS)
            elif not found.has_enough:
                break
            elif taken := await self._take_one_of(command, found):
                return taken, found
            found = await self._search(command, rows=ROWS_AFTERWARDS)
        # Adjacent or not; and an answer that was given before is told again, whatever is free now.
        return await self._holds.take_best(command), found

    async def _search(self, command: BestAvailable, *, rows: int) -> SearchResult:
        found = await self._searches.find_runs(command, rows=rows)
        if found.exhausted:
            await self._searches.note_exhausted(command, found.exhausted)
        return found

    async def _take_one_of(self, command: BestAvailable, found: SearchResult) -> Taken | None:
        """Try the best run; when somebody was quicker, others at random, so that buyers spread out."""
        if not found.runs and not found.exhausted:
            return await self._holds.take_best(command)  # no row promises anything
        others = random.sample(found.runs[1:], k=min(TRIES_PER_SEARCH - 1, max(0, len(found.runs) - 1)))
        for run in (*found.runs[:1], *others):
            try:
                if taken := await self._holds.take_run(command, run):
                    return taken
            except Busy:
                continue
        return None

    def _report(self, taken: Taken, *, kind: str) -> Hold:
        RESERVES.labels(kind, "held" if taken.is_new else "repeated").inc()
        if taken.is_new:
            self._changes.note(taken.hold.event_id, [seat.seat_id for seat in taken.hold.seats], SeatStatus.HELD)
        return taken.hold

    async def confirm(self, command: ConfirmHold) -> Sale:
        """Sell the seats of a live hold to its holder: the point of no return of a purchase.

        Raises:
            HoldExpired: there is no such hold, or its time is over.
            SeatNotHeld: the hold is another user's.
            SeatAlreadySold: the hold was sold, under another request.
            EventEnded: the event's sale has ended.
            Busy: not decided; ask again with the same request id.
        """
        sold = await self._holds.confirm(command)
        if sold is None:
            states = await self._holds.states_in_hold(command.hold_id)
            return await self._holds.refuse_sale(command, refusal_to_confirm(command.user_id, states))
        if sold.is_new:
            self._changes.note(sold.sale.event_id, sold.sale.seat_ids, SeatStatus.SOLD)
        return sold.sale

    async def release(self, command: ReleaseHold) -> int:
        """Free what the hold still has, and return how many seats that was.

        Raises:
            Busy: not decided; ask again with the same request id.
        """
        released = await self._holds.release(command)
        if released.is_new and released.event_id is not None:
            self._changes.note(released.event_id, released.seat_ids, SeatStatus.AVAILABLE)
        return len(released.seat_ids)


def own_hold(command: ReserveSeats, states: Sequence[SeatState]) -> uuid.UUID | None:
    """Return the live hold by which this user holds exactly these seats already, and no others."""
    holds = {state.hold_id for state in states}
    is_own = all(
        state.is_held
        and not state.is_closed
        and state.held_by_user_id == command.user_id
        and state.event_id == command.event_id
        and state.hold_size == len(command.seat_ids)
        for state in states
    )
    return holds.pop() if is_own and len(holds) == 1 and len(states) == len(command.seat_ids) else None
