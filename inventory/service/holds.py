"""Holds, sells and frees seats."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from common.errors import Busy
from inventory.errors import EventEnded, SeatNotFound, SeatUnavailable
from inventory.metrics import RESERVES
from inventory.repository.expiry import ExpiryRepository
from inventory.repository.holds import HoldRepository, NotReserved
from inventory.repository.requests import Change
from inventory.repository.search import SearchRepository, SearchResult
from inventory.schemas import (
    BestAvailable,
    ConfirmHold,
    Hold,
    HoldLimits,
    ReleaseHold,
    ReserveSeats,
    Sale,
    SeatState,
    SeatStatus,
)
from inventory.seat_changes import SeatChangePublisher
from inventory.service.refusals import refusal_to_confirm, refusal_to_holder, refusal_to_reserve

__all__ = ["HoldService"]

MAX_SEARCHES: Final = 50
"""Afterwards any seats are reserved. A row is searched in vain only once, so 50 are needed only under contention."""
ROWS_AT_FIRST: Final = 4
"""The first row usually has enough seats; four of fifty seats are read in half a millisecond."""
ROWS_AFTERWARDS: Final = 32
"""Skips rows whose bounds are too high quickly."""
TRIES_PER_SEARCH: Final = 4
"""Runs tried before the next search, because a result becomes stale while other fans buy."""
SWEPT_SEATS: Final = 500


@dataclass(frozen=True, slots=True)
class HoldService:
    holds: HoldRepository
    searches: SearchRepository
    expiry: ExpiryRepository
    changes: SeatChangePublisher
    limits: HoldLimits

    async def reserve(self, command: ReserveSeats) -> Hold:
        """Hold these seats, all or none, without waiting.

        Raises:
            SeatUnavailable, SeatAlreadySold: one of them is taken, or being taken.
            SeatNotFound: one of them does not exist.
            SeatsOfTwoEvents: one of them belongs to another event.
            EventEnded: the event's sale has ended.
            PurchaseLimitReached: the user would hold too many seats.
            HoldCooldown: several of the user's holds of the event lapsed.
        """
        try:
            outcome = await self.holds.reserve(command, self.limits)
        except Busy:  # a seat that is being changed counts as taken
            outcome = NotReserved(states=await self.holds.states_of(command.seat_ids))
        if isinstance(outcome, Change):
            return self._report(outcome, kind="seats")
        states = await self._newest_states(command, outcome)
        if (own := own_hold(command, states)) and (hold := await self.holds.find_hold(own)):
            return await self.holds.store_hold(command, hold)
        RESERVES.labels("seats", "refused").inc()
        limit = refusal_to_holder(outcome.holder, self.limits, quantity=len(command.seat_ids))
        refusal = limit or refusal_to_reserve(command.event_id, command.seat_ids, states)
        return await self.holds.refuse(command, refusal)

    async def _newest_states(self, command: ReserveSeats, outcome: NotReserved) -> Sequence[SeatState]:
        """Return the seats' states; read them again if they may be older than the user's hold of the event.

        The statement's snapshot is older than what it waits for: another reservation of the same user.
        """
        if outcome.holder and outcome.holder.held_of_event and not own_hold(command, outcome.states):
            return await self.holds.states_of(command.seat_ids)
        return outcome.states

    async def reserve_best_available(self, command: BestAvailable) -> Hold:
        """Hold the best seats of a category: adjacent ones if there are any, else the best ones.

        Raises:
            SeatUnavailable: there are too few.
            SeatNotFound: the event has no such category.
            EventEnded: the event's sale has ended.
            PurchaseLimitReached: the user would hold too many seats.
            HoldCooldown: several of the user's holds of the event lapsed.
        """
        outcome, result = await self._reserve_best_available(command)
        if isinstance(outcome, Change):
            return self._report(outcome, kind="best available")
        RESERVES.labels("best available", "refused").inc()
        if result.is_closed:
            return await self.holds.refuse(command, EventEnded())
        if limit := refusal_to_holder(outcome.holder, self.limits, quantity=command.quantity):
            return await self.holds.refuse(command, limit)
        if not result.is_known:
            return await self.holds.refuse(command, SeatNotFound("The event has no such category."))
        return await self.holds.refuse(command, SeatUnavailable("There are not enough free seats."))

    async def _reserve_best_available(self, command: BestAvailable) -> tuple[Change[Hold] | NotReserved, SearchResult]:
        """Return the hold, or why there is none, and the last search's result."""
        result = await self._search(command, rows=ROWS_AT_FIRST)
        for _ in range(MAX_SEARCHES):
            if result.is_closed:
                break
            if result.has_overdue:
                await self.expiry.end_due_holds(batch=SWEPT_SEATS)
            elif not result.has_enough:
                break
            elif outcome := await self._reserve_one_of(command, result):
                return outcome, result
            result = await self._search(command, rows=ROWS_AFTERWARDS)
        # Adjacent or not. This also returns the result of a repeated request, even if nothing is free now.
        return await self.holds.reserve_best(command, self.limits), result

    async def _search(self, command: BestAvailable, *, rows: int) -> SearchResult:
        result = await self.searches.find_runs(command, rows=rows)
        if result.exhausted:
            await self.searches.lower_bounds(command, result.exhausted)
        return result

    async def _reserve_one_of(self, command: BestAvailable, result: SearchResult) -> Change[Hold] | NotReserved | None:
        """Try the best run, then others at random, so that competing fans spread out.

        None if no run was free: other seats may be.
        """
        if not result.runs and not result.exhausted:
            return self._if_decided(command, await self.holds.reserve_best(command, self.limits))  # no row has a run
        others = random.sample(result.runs[1:], k=min(TRIES_PER_SEARCH - 1, max(0, len(result.runs) - 1)))
        for run in (*result.runs[:1], *others):
            try:
                outcome = await self.holds.reserve_run(command, self.limits, run)
            except Busy:
                continue
            if decided := self._if_decided(command, outcome):
                return decided
        return None

    def _if_decided(
        self, command: BestAvailable, outcome: Change[Hold] | NotReserved
    ) -> Change[Hold] | NotReserved | None:
        """Return the outcome, unless other seats may have another one."""
        if isinstance(outcome, Change) or refusal_to_holder(outcome.holder, self.limits, quantity=command.quantity):
            return outcome
        return None

    def _report(self, hold: Change[Hold], *, kind: str) -> Hold:
        RESERVES.labels(kind, "held" if hold.is_new else "repeated").inc()
        if hold.is_new:
            self.changes.add(hold.result.event_id, [seat.seat_id for seat in hold.result.seats], SeatStatus.HELD)
        return hold.result

    async def confirm(self, command: ConfirmHold) -> Sale:
        """Sell the seats of a live hold to its holder.

        Raises:
            HoldExpired: the hold does not exist or has expired.
            SeatNotHeld: the hold is another user's.
            SeatAlreadySold: another request sold the hold.
            EventEnded: the event's sale has ended.
            Busy: not decided; retry with the same request id.
        """
        sold = await self.holds.confirm(command)
        if sold is None:
            states = await self.holds.states_in_hold(command.hold_id)
            return await self.holds.refuse_sale(command, refusal_to_confirm(command.user_id, states))
        if sold.is_new:
            self.changes.add(sold.result.event_id, sold.result.seat_ids, SeatStatus.SOLD)
        return sold.result

    async def release(self, command: ReleaseHold) -> int:
        """Free the hold's seats and return their number.

        Raises:
            Busy: not decided; retry with the same request id.
        """
        released = await self.holds.release(command)
        if released.is_new and released.event_id is not None:
            self.changes.add(released.event_id, released.seat_ids, SeatStatus.AVAILABLE)
        return len(released.seat_ids)


def own_hold(command: ReserveSeats, states: Sequence[SeatState]) -> uuid.UUID | None:
    """Return the live hold by which this user already holds exactly these seats."""
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
