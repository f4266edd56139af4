"""Undoes an admission (T12): staff of the event's door withdraw it, with a reason, while the event lasts."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from common.errors import Forbidden
from common.fields import shifted
from orchestrator.clients import Clients
from orchestrator.clients.inventory.check_in import CheckInUndo
from orchestrator.features.check_in.schemas import UndoneCheckIn, UndoRequest
from orchestrator.features.check_in.service.lookups import place_to_undo
from orchestrator.features.check_in.service.rules import wrong_place_of


@dataclass(frozen=True, slots=True)
class CheckInUndoService:
    clients: Clients
    grace: timedelta

    async def undo(
        self, body: UndoRequest, *, staff_user_id: uuid.UUID, is_admin: bool, request_id: uuid.UUID
    ) -> UndoneCheckIn:
        """Withdraw a ticket's admission; its owner can be admitted again. A repeated request gets the first answer.

        Raises:
            InvalidRequest: no hall is named, and none is assigned.
            Forbidden: the ticket is for another venue, hall or event, or another place is assigned to the staff member.
            NotFound: SEAT_NOT_FOUND, EVENT_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, the ticket is not checked in, or by another scan.
            Gone: EVENT_ENDED.
            Unprocessable: the request's id was used for another undo.
        """
        place = await place_to_undo(self.clients, staff_user_id, body, is_admin=is_admin)
        owned = await self.clients.inventory.seat(body.seat_id)
        event = await self.clients.events.facts(owned.event_id)
        if wrong_place := wrong_place_of(event, place):
            raise Forbidden("The ticket is for another hall or event.", details={"result": wrong_place.value})
        undo = CheckInUndo(
            event_id=event.event_id,
            seat_id=body.seat_id,
            scan_id=body.scan_id,
            staff_user_id=staff_user_id,
            hall_presented=place.hall_id,
            hall_expected=event.hall_id,
            reason=body.reason,
            ends_at=shifted(event.ends_at, self.grace),
        )
        undone_at = await self.clients.check_in.undo(request_id, undo)
        return UndoneCheckIn(
            seat_id=body.seat_id,
            row_number=owned.seat.row_number,
            seat_number=owned.seat.seat_number,
            undone_at=undone_at,
        )
