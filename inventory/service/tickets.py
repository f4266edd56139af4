"""Reads seats, and changes the owners of tickets."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from common.db.idempotency import ParticipantRequest
from common.errors import InvalidRequest
from inventory.errors import SeatNotFound
from inventory.repository.requests import Change, request_of
from inventory.repository.seats import SeatRepository
from inventory.schemas import ChangeOwner, ReclaimSeats, Resale, Seat, SeatPage, SeatStatus
from inventory.seat_changes import SeatChangePublisher
from inventory.service.refusals import refusal_to_move, refusal_to_reclaim

__all__ = ["TicketService"]

PAGE_TOKEN: Final = re.compile(r"[0-9]{0,9}")
"""The hall position of the previous page's last seat; empty for the first page."""


@dataclass(frozen=True, slots=True)
class TicketService:
    seats: SeatRepository
    changes: SeatChangePublisher

    async def get(self, seat_id: uuid.UUID) -> Seat:
        """Return the seat.

        Raises:
            SeatNotFound: there is no such seat.
        """
        seat = await self.seats.find(seat_id)
        if seat is None:
            raise SeatNotFound
        return seat

    async def page(self, event_id: uuid.UUID, *, page_token: str, page_size: int) -> SeatPage:
        """Return a page of seats in hall order, starting at `page_token`.

        Raises:
            InvalidRequest: the token is invalid.
        """
        seats, end = await self.seats.page(event_id, after=_position(page_token), limit=page_size)
        return SeatPage(seats=seats, next_page_token=str(end or ""))

    async def attendees(
        self, event_id: uuid.UUID, *, page_token: str, offset: int, page_size: int
    ) -> tuple[SeatPage, int]:
        """Return a page of the event's sold, listed and used seats, as `page` does, and their total.

        Raises:
            InvalidRequest: the token is invalid.
        """
        after = _position(page_token)
        seats, end = await self.seats.attendees(event_id, after=after, offset=offset, limit=page_size)
        return SeatPage(seats=seats, next_page_token=str(end or "")), await self.seats.count_sold(event_id)

    async def owned_by(self, user_id: uuid.UUID, *, offset: int, limit: int) -> tuple[list[Seat], int]:
        """Return a page of the user's tickets, newest first, and their total."""
        return await self.seats.owned_by(user_id, offset=offset, limit=limit)

    async def change_owner(self, command: ChangeOwner) -> Seat:
        """Change a ticket's owner, if its owner and status are the expected ones.

        The undo of a change that never happened succeeds, because the ticket already has the wanted owner.

        Raises:
            NotSeatOwner: the ticket has another owner or none, or the seat was sold again with another order.
            SeatUnavailable: the ticket was used, listed or withdrawn meanwhile.
            EventEnded: the event's sale has ended, unless the change is forced or an undo.
            SeatNotFound: there is no such seat.
        """
        request = request_of(command)
        changed = await self.seats.change_owner(command, request)
        if changed is not None:
            return self._report(changed)
        seat, is_undo = await self.seats.find(command.seat_id), command.undoes_request_id is not None
        wanted = (command.new_owner_user_id, command.expected_order_id)
        if is_undo and seat and (seat.owner_user_id, seat.order_id) == wanted:
            return await self.seats.store(request, seat)
        refusal = refusal_to_move(
            seat,
            owner_user_id=command.expected_owner_user_id,
            order_id=command.expected_order_id,
            is_closed=command.heeds_end_of_sale and await self.seats.is_closed(command.seat_id),
        )
        return await self.seats.refuse(request, refusal)

    async def list_for_resale(self, command: Resale) -> Seat:
        """SOLD -> LISTED, by its owner. Raises as `change_owner`."""
        request = request_of(command, "ListForResale")
        changed = await self.seats.list_for_resale(command, request)
        if changed is not None:
            return self._report(changed)
        return await self._refuse_resale(command, request, is_closed=await self.seats.is_closed(command.seat_id))

    async def withdraw_from_resale(self, command: Resale) -> Seat:
        """LISTED -> SOLD, by its owner. Raises as `change_owner`, except EventEnded."""
        request = request_of(command, "WithdrawFromResale")
        changed = await self.seats.withdraw_from_resale(command, request)
        if changed is not None:
            return self._report(changed)
        return await self._refuse_resale(command, request, is_closed=False)

    async def reclaim(self, command: ReclaimSeats) -> Sequence[Seat]:
        """Free an order's seats, or those that are named, all or none, and return them as they were.

        Raises:
            NotSeatOwner: one of them has another owner than the buyer, unless forced.
            SeatUnavailable: one of them is listed for resale, or was used, unless forced.
            SeatNotHeld: the order has no seats, or does not have one of the named ones.
            Busy: not decided; retry with the same request id.
        """
        reclaimed = await self.seats.reclaim(command)
        if reclaimed.is_refused:
            refusal = refusal_to_reclaim(command, reclaimed.seats)
            return await self.seats.refuse_reclaim(command, refusal)
        if reclaimed.is_new:
            event_id = reclaimed.seats[0].event_id
            self.changes.add(event_id, [seat.seat_id for seat in reclaimed.seats], SeatStatus.AVAILABLE)
        return reclaimed.seats

    async def _refuse_resale(self, command: Resale, request: ParticipantRequest, *, is_closed: bool) -> Seat:
        refusal = refusal_to_move(
            await self.seats.find(command.seat_id),
            owner_user_id=command.owner_user_id,
            order_id=command.order_id,
            is_closed=is_closed,
        )
        return await self.seats.refuse(request, refusal)

    def _report(self, changed: Change[Seat]) -> Seat:
        if changed.is_new:
            self.changes.add(changed.result.event_id, [changed.result.seat_id], changed.result.status)
        return changed.result


def _position(page_token: str) -> int:
    """Return the hall position of the previous page's last seat.

    Raises:
        InvalidRequest: the token is invalid.
    """
    if not PAGE_TOKEN.fullmatch(page_token):
        raise InvalidRequest("The page token is invalid.")
    return int(page_token or 0)
