"""Seats that somebody owns: reading them and handing them over."""

import re
import uuid
from dataclasses import asdict
from typing import Final

from common.db.requests import ParticipantRequest
from common.errors import InvalidRequest
from inventory.errors import SeatNotFound
from inventory.repository.seats import ChangedSeat, SeatRepository
from inventory.schemas import ChangeOwner, Seat, SeatPage
from inventory.seat_changes import SeatChanges
from inventory.service.refusals import refusal_to_move

__all__ = ["TicketService"]

PAGE_TOKEN: Final = re.compile(r"[0-9]{0,9}")
"""The hall position of the page before's last seat; nothing for the first page."""


class TicketService:
    def __init__(self, seats: SeatRepository, changes: SeatChanges) -> None:
        self._seats = seats
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
        if not PAGE_TOKEN.fullmatch(page_token):
            raise InvalidRequest("That page token is not one of ours.")
        seats, end = await self._seats.page(event_id, after=int(page_token or 0), limit=page_size)
        return SeatPage(seats=seats, next_page_token=str(end or ""))

    async def owned_by(self, user_id: uuid.UUID, *, offset: int, limit: int) -> tuple[list[Seat], int]:
        """Return a page of the user's tickets, newest first, and their number."""
        return await self._seats.owned_by(user_id, offset=offset, limit=limit)

    async def change_owner(self, command: ChangeOwner) -> Seat:
        """Hand a ticket over, when it is still the expected owner's.

        An undo of a change that never happened finds the ticket where it wants it, and is content.

        Raises:
            NotSeatOwner: it belongs to somebody else, or to nobody.
            SeatUnavailable: it was used at the door.
            SeatNotFound: there is no such seat.
        """
        arguments = asdict(command)
        request = ParticipantRequest.of(arguments.pop("request_id"), "ChangeOwner", **arguments)
        changed = await self._seats.change_owner(command, request)
        if changed is None:
            seat = await self._seats.find(command.seat_id)
            if command.undoes_request_id and seat and seat.owner_user_id == command.new_owner_user_id:
                return await self._seats.remember(request, seat)
            return await self._seats.refuse(request, refusal_to_move(seat, command.expected_owner_user_id))
        return self._report(changed)

    async def list_for_resale(self, *, request_id: uuid.UUID, seat_id: uuid.UUID, owner_user_id: uuid.UUID) -> Seat:
        """SOLD -> LISTED, by its owner. Raises as `change_owner`."""
        request = ParticipantRequest.of(request_id, "ListForResale", seat_id=seat_id, owner_user_id=owner_user_id)
        changed = await self._seats.list_for_resale(request, seat_id=seat_id, owner_user_id=owner_user_id)
        return await self._report_or_refuse(request, changed, seat_id=seat_id, owner_user_id=owner_user_id)

    async def withdraw_from_resale(
        self, *, request_id: uuid.UUID, seat_id: uuid.UUID, owner_user_id: uuid.UUID
    ) -> Seat:
        """LISTED -> SOLD, by its owner. Raises as `change_owner`."""
        request = ParticipantRequest.of(request_id, "WithdrawFromResale", seat_id=seat_id, owner_user_id=owner_user_id)
        changed = await self._seats.withdraw_from_resale(request, seat_id=seat_id, owner_user_id=owner_user_id)
        return await self._report_or_refuse(request, changed, seat_id=seat_id, owner_user_id=owner_user_id)

    async def _report_or_refuse(
        self,
        request: ParticipantRequest,
        changed: ChangedSeat | None,
        *,
        seat_id: uuid.UUID,
        owner_user_id: uuid.UUID,
    ) -> Seat:
        if changed is None:
            seat = await self._seats.find(seat_id)
            return await self._seats.refuse(request, refusal_to_move(seat, owner_user_id))
        return self._report(changed)

    def _report(self, changed: ChangedSeat) -> Seat:
        if changed.is_new:
            self._changes.note(changed.seat.event_id, [changed.seat.seat_id], changed.seat.status)
        return changed.seat
