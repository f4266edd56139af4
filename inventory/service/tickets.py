"""Seats that somebody owns: reading them and handing them over."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from common.db.idempotency import ParticipantRequest
from common.errors import InvalidRequest
from inventory.errors import SeatNotFound
from inventory.repository.reclaims import Reclaimed, ReclaimRepository
from inventory.repository.seats import ChangedSeat, SeatRepository
from inventory.schemas import ChangeOwner, ReclaimSeats, Resale, Seat, SeatPage, SeatStatus
from inventory.seat_changes import SeatChanges
from inventory.service.refusals import refusal_to_move, refusal_to_reclaim

__all__ = ["TicketService"]

PAGE_TOKEN: Final = re.compile(r"[0-9]{0,9}")
"""The hall position of the page before's last seat; nothing for the first page."""


class TicketService:
    def __init__(self, seats: SeatRepository, reclaims: ReclaimRepository, changes: SeatChanges) -> None:
        self._seats = seats
        self._reclaims = reclaims
        self._changes = changes

    async def get(self, seat_id: uuid.UUID) -> Seat:
        """Return the seat as it is now.

        Raises:
            SeatNotFound: there is none.
        """
        seat = await self._seats.find(seat_id)
        if seat is None:
            raise SeatNotFound
        return seat

    async def page(self, event_id: uuid.UUID, *, page_token: str, page_size: int) -> SeatPage:
        """Return seats in hall order, from where `page_token` says.

        Raises:
            InvalidRequest: the token is not one of ours.
        """
        seats, end = await self._seats.page(event_id, after=_position(page_token), limit=page_size)
        return SeatPage(seats=seats, next_page_token=str(end or ""))

    async def attendees(
        self, event_id: uuid.UUID, *, page_token: str, offset: int, page_size: int
    ) -> tuple[SeatPage, int]:
        """Return the event's sold, listed and used seats as `page` does, and how many there are in all.

        Raises:
            InvalidRequest: the token is not one of ours.
        """
        after = _position(page_token)
        seats, end = await self._seats.attendees(event_id, after=after, offset=offset, limit=page_size)
        return SeatPage(seats=seats, next_page_token=str(end or "")), await self._seats.count_sold(event_id)

    async def owned_by(self, user_id: uuid.UUID, *, offset: int, limit: int) -> tuple[list[Seat], int]:
        """Return a page of the user's tickets, newest first, and their number."""
        return await self._seats.owned_by(user_id, offset=offset, limit=limit)

    async def change_owner(self, command: ChangeOwner) -> Seat:
        """Hand a ticket over, when it is still the expected owner's and in the expected state.

        An undo of a change that never happened finds the ticket where it wants it, and is content.

        Raises:
            NotSeatOwner: it belongs to somebody else, or to nobody; or the seat was sold anew with another order.
            SeatUnavailable: it was used at the door, or listed or withdrawn meanwhile.
            EventEnded: the event's sale has ended, unless forced; an undo may come all the same.
            SeatNotFound: there is no such seat.
        """
        request = _request_of(command, "ChangeOwner")
        changed = await self._seats.change_owner(command, request)
        if changed is not None:
            return self._report(changed)
        seat, is_undo = await self._seats.find(command.seat_id), command.undoes_request_id is not None
        wanted = (command.new_owner_user_id, command.expected_order_id)
        if is_undo and seat and (seat.owner_user_id, seat.order_id) == wanted:
            return await self._seats.remember(request, seat)
        refusal = refusal_to_move(
            seat,
            owner_user_id=command.expected_owner_user_id,
            order_id=command.expected_order_id,
            is_closed=command.heeds_end_of_sale and await self._seats.is_closed(command.seat_id),
        )
        return await self._seats.refuse(request, refusal)

    async def list_for_resale(self, command: Resale) -> Seat:
        """SOLD -> LISTED, by its owner. Raises as `change_owner`."""
        request = _request_of(command, "ListForResale")
        changed = await self._seats.list_for_resale(command, request)
        if changed is not None:
            return self._report(changed)
        return await self._refuse_resale(command, request, is_closed=await self._seats.is_closed(command.seat_id))

    async def withdraw_from_resale(self, command: Resale) -> Seat:
        """LISTED -> SOLD, by its owner. Raises as `change_owner`, but not because the sale has ended."""
        request = _request_of(command, "WithdrawFromResale")
        changed = await self._seats.withdraw_from_resale(command, request)
        if changed is not None:
            return self._report(changed)
        return await self._refuse_resale(command, request, is_closed=False)

    async def reclaim(self, command: ReclaimSeats) -> Sequence[Seat]:
        """Free an order's seats, all or none, and return them as they were.

        Raises:
            NotSeatOwner: one of them is not its buyer's any more, unless forced.
            SeatUnavailable: one of them is listed for resale; or was used at the door, unless forced.
            SeatNotHeld: the order has no seats.
            Busy: not decided; ask again with the same request id.
        """
        reclaimed = await self._reclaims.reclaim(command)
        if not isinstance(reclaimed, Reclaimed):
            refusal = refusal_to_reclaim(command.buyer_user_id, is_forced=command.is_forced, seats=reclaimed.seats)
            return await self._reclaims.refuse(command, refusal)
        if reclaimed.is_new:
            event_id = reclaimed.seats[0].event_id
            self._changes.note(event_id, [seat.seat_id for seat in reclaimed.seats], SeatStatus.AVAILABLE)
        return reclaimed.seats

    async def _refuse_resale(self, command: Resale, request: ParticipantRequest, *, is_closed: bool) -> Seat:
        refusal = refusal_to_move(
            await self._seats.find(command.seat_id),
            owner_user_id=command.owner_user_id,
            order_id=command.order_id,
            is_closed=is_closed,
        )
        return await self._seats.refuse(request, refusal)

    def _report(self, changed: ChangedSeat) -> Seat:
        if changed.is_new:
            self._changes.note(changed.seat.event_id, [changed.seat.seat_id], changed.seat.status)
        return changed.seat


def _request_of(command: ChangeOwner | Resale, operation: str) -> ParticipantRequest:
    arguments = asdict(command)
    return ParticipantRequest.of(arguments.pop("request_id"), operation, **arguments)


def _position(page_token: str) -> int:
    """Return the hall position that the page before ended with.

    Raises:
        InvalidRequest: the token is not one of ours.
    """
    if not PAGE_TOKEN.fullmatch(page_token):
        raise InvalidRequest("That page token is not one of ours.")
    return int(page_token or 0)
