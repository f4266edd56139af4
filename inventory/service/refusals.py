"""Derives the refusal of a change from the seats' states."""

import math
import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from common.errors import ServiceError
from inventory.errors import (
    EventEnded,
    HoldCooldown,
    HoldExpired,
    NotCheckedIn,
    NotSeatOwner,
    PurchaseLimitReached,
    SeatAlreadySold,
    SeatNotFound,
    SeatNotHeld,
    SeatsOfTwoEvents,
    SeatUnavailable,
)
from inventory.schemas import HolderState, HoldLimits, ReclaimSeats, Seat, SeatState, SeatStatus, UndoCheckIn


def refusal_to_holder(holder: HolderState | None, limits: HoldLimits, *, quantity: int) -> ServiceError | None:
    """Return why a user cannot hold more seats; None if no limit forbids it."""
    if holder is None:
        return None
    if holder.cooling_until is not None:
        seconds = (holder.cooling_until - datetime.now(UTC)).total_seconds()
        until = holder.cooling_until.isoformat()
        return HoldCooldown(details={"until": until}, retry_after_seconds=max(1, math.ceil(seconds)))
    for held, limit, scope in (
        (holder.held_of_event, limits.seats_per_event, "event"),
        (holder.held_in_all, limits.seats_per_user, "account"),
    ):
        if held + quantity > limit:
            return PurchaseLimitReached(details={"scope": scope, "limit": limit, "held": held})
    return None


def refusal_to_reserve(event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], states: Sequence[SeatState]) -> ServiceError:
    """Return why these seats cannot be held."""
    if any(state.is_closed for state in states if state.event_id == event_id):
        return EventEnded()
    return refusal_to_take(event_id, seat_ids, states)


def refusal_to_take(event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], states: Sequence[SeatState]) -> ServiceError:
    """Return why these seats cannot be held or blocked."""
    if refusal := _not_of_event(event_id, seat_ids, states):
        return refusal
    # If all are free now, one of them was being taken during the attempt.
    taken = [state.seat_id for state in states if not state.is_free] or seat_ids
    details = {"seat_ids": _texts(taken)}
    if any(state.is_sold for state in states):
        return SeatAlreadySold(details=details)
    return SeatUnavailable(details=details)


def refusal_to_unblock(event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], states: Sequence[SeatState]) -> ServiceError:
    if refusal := _not_of_event(event_id, seat_ids, states):
        return refusal
    others = [state.seat_id for state in states if state.status is not SeatStatus.BLOCKED] or seat_ids
    return SeatUnavailable("A seat is not blocked.", details={"seat_ids": _texts(others)})


def refusal_to_confirm(user_id: uuid.UUID, states: Sequence[SeatState]) -> ServiceError:
    """Return why a hold cannot be sold, from the seats that it has or was sold with."""
    if any(state.is_sold for state in states):
        return SeatAlreadySold()
    if any(state.held_by_user_id != user_id for state in states):
        return SeatNotHeld()
    if any(state.is_closed for state in states):
        return EventEnded()
    return HoldExpired()


def refusal_to_move(
    seat: Seat | None, *, owner_user_id: uuid.UUID, order_id: uuid.UUID, is_closed: bool
) -> ServiceError:
    """Return why the ticket, by its expected owner and order, cannot change its owner or be listed."""
    if seat is None:
        return SeatNotFound()
    if is_closed:
        return EventEnded()
    if seat.owner_user_id != owner_user_id:
        return NotSeatOwner()
    if seat.order_id != order_id:
        return NotSeatOwner("The seat has been sold again.")
    if seat.status is SeatStatus.CHECKED_IN:
        return SeatUnavailable("The ticket was used.")
    return SeatUnavailable("The ticket's status does not allow that.", details={"status": str(seat.status)})


def refusal_to_reclaim(command: ReclaimSeats, seats: Sequence[Seat]) -> ServiceError:
    """Return why an order's seats cannot be reclaimed."""
    if not seats:
        return SeatNotHeld("The order has no seats.")
    if missing := set(command.seat_ids) - {seat.seat_id for seat in seats}:
        return SeatNotHeld("The order does not have the seats.", details={"seat_ids": _texts(missing)})
    is_forced = command.is_forced
    if foreign := [seat.seat_id for seat in seats if seat.owner_user_id != command.buyer_user_id and not is_forced]:
        return NotSeatOwner(details={"seat_ids": _texts(foreign)})
    if used := [seat.seat_id for seat in seats if seat.status is SeatStatus.CHECKED_IN and not is_forced]:
        return SeatUnavailable("A ticket was used.", details={"seat_ids": _texts(used)})
    listed = [seat.seat_id for seat in seats if seat.status is SeatStatus.LISTED]
    return SeatUnavailable("A ticket is listed for resale.", details={"seat_ids": _texts(listed)})


def refusal_to_undo_check_in(status: SeatStatus | None, command: UndoCheckIn) -> ServiceError:
    """Return why an admission cannot be withdrawn, from the status of its seat."""
    if status is None:
        return SeatNotFound()
    if status is not SeatStatus.CHECKED_IN:
        return NotCheckedIn(details={"status": str(status)})
    if datetime.now(UTC) >= command.ends_at:
        return EventEnded("The event is over.")
    return NotCheckedIn("Another scan admitted the ticket's owner.")


def _not_of_event(
    event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], states: Sequence[SeatState]
) -> SeatNotFound | SeatsOfTwoEvents | None:
    if unknown := set(seat_ids) - {state.seat_id for state in states}:
        return SeatNotFound(details={"seat_ids": _texts(unknown)})
    if elsewhere := [state.seat_id for state in states if state.event_id != event_id]:
        return SeatsOfTwoEvents(details={"seat_ids": _texts(elsewhere)})
    return None


def _texts(seat_ids: Collection[uuid.UUID]) -> list[str]:
    return sorted(str(seat_id) for seat_id in seat_ids)
