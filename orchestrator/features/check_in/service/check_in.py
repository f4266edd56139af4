"""Check-in (T12): reads a code, looks up its seat, event and order, applies the rules, and admits the ticket once.

Every scan is logged with its result. If a lookup fails or is too slow, the scan is not admitted.
"""

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from common.errors import ServiceError
from orchestrator.clients import Clients
from orchestrator.clients.inventory.check_in import Scan, ScanOutcome, ScanResult
from orchestrator.errors import QrInvalid
from orchestrator.features.check_in.schemas import NamedPlace, ScanDecision
from orchestrator.features.check_in.service.lookups import (
    assigned_venue,
    place_of,
    unavailable_on_failure,
    unless_not_found,
)
from orchestrator.features.check_in.service.rules import Place, ScanContext, message_of, refusal_of
from orchestrator.features.tickets.adapters.qr_code import QrCodec, QrTicket

__all__ = ["CheckInService", "PresentedCode"]

LOOKUP_TIMEOUT_SECONDS: Final = 2.0  # a queue waits behind the scanned fan
NAME_GRACE_SECONDS: Final = 0.05  # the name is optional


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCode:
    """A code as a scanner sends it; with a nonce the scan may be repeated."""

    staff_user_id: uuid.UUID
    qr_payload: str
    place: NamedPlace
    scanned_at: datetime | None
    nonce: str | None

    @property
    def scan_id(self) -> uuid.UUID:
        return uuid.uuid5(self.staff_user_id, f"scan/{self.nonce}") if self.nonce else uuid.uuid4()


@dataclass(frozen=True, slots=True)
class CheckInService:
    clients: Clients
    qr: QrCodec
    grace: timedelta = timedelta(0)

    async def verify(self, code: PresentedCode) -> ScanDecision:
        """Decide on a code and log the scan.

        Raises:
            InvalidRequest: QR_INVALID; VALIDATION_ERROR if no hall is named and none is assigned.
            Unprocessable: the nonce was used for another scan.
            Unavailable: a required service does not respond.
        """
        seen_at, scan_id = datetime.now(UTC), code.scan_id
        place = await place_of(self.clients, code.staff_user_id, code.place)
        ticket = await self._read(code, scan_id=scan_id, hall=place.hall_id)
        naming = asyncio.create_task(self._name_of(ticket.user_id))
        try:
            context = await self._load_context(ticket, place, staff_user_id=code.staff_user_id, seen_at=seen_at)
            outcome = await self._decide(scan_id, _scan_of(code, context), context)
            await asyncio.wait([naming], timeout=NAME_GRACE_SECONDS)
            return _decision(scan_id, outcome, context, name=_if_known(naming))
        finally:
            naming.cancel()

    async def _read(self, code: PresentedCode, *, scan_id: uuid.UUID, hall: str) -> QrTicket:
        try:
            return self.qr.read(code.qr_payload)
        except QrInvalid:
            scan = Scan(staff_user_id=code.staff_user_id, hall_presented=hall, scanned_at=code.scanned_at)
            with unavailable_on_failure():
                await self.clients.check_in.log_scan(scan_id, scan, ScanResult.QR_INVALID)
            raise

    async def _load_context(
        self, ticket: QrTicket, place: Place, *, staff_user_id: uuid.UUID, seen_at: datetime
    ) -> ScanContext:
        with unavailable_on_failure():
            async with asyncio.timeout(LOOKUP_TIMEOUT_SECONDS):
                seat, event, order_status, place = await asyncio.gather(
                    unless_not_found(self.clients.inventory.seat(ticket.seat_id), "SEAT_NOT_FOUND"),
                    unless_not_found(self.clients.events.facts(ticket.event_id), "EVENT_NOT_FOUND"),
                    self.clients.orders.status_of_seat(ticket.seat_id),
                    self._in_a_venue(place, staff_user_id),
                )
        return ScanContext(
            ticket=ticket,
            place=place,
            seen_at=seen_at,
            time_to_live=self.qr.time_to_live,
            grace=self.grace,
            seat=seat,
            event=event,
            order_status=order_status,
        )

    async def _in_a_venue(self, place: Place, staff_user_id: uuid.UUID) -> Place:
        if place.venue_id is not None:
            return place
        return replace(place, venue_id=await assigned_venue(self.clients, staff_user_id))

    async def _decide(self, scan_id: uuid.UUID, scan: Scan, context: ScanContext) -> ScanOutcome:
        refusal = refusal_of(context)
        with unavailable_on_failure():
            if refusal is None:
                return await self.clients.check_in.check_in(scan_id, scan)
            return await self.clients.check_in.log_scan(scan_id, scan, refusal)

    async def _name_of(self, user_id: uuid.UUID) -> str | None:
        try:
            return (await self.clients.users.find(user_id)).display_name
        except ServiceError:
            return None


def _if_known(naming: "asyncio.Task[str | None]") -> str | None:
    return naming.result() if naming.done() and naming.exception() is None else None


def _scan_of(code: PresentedCode, context: ScanContext) -> Scan:
    return Scan(
        staff_user_id=code.staff_user_id,
        hall_presented=context.place.hall_id,
        seat_id=context.ticket.seat_id,
        event_id=context.event.event_id if context.event else None,
        ticket_user_id=context.ticket.user_id,
        hall_expected=context.event.hall_id if context.event else "",
        scanned_at=code.scanned_at,
    )


def _decision(scan_id: uuid.UUID, outcome: ScanOutcome, context: ScanContext, *, name: str | None) -> ScanDecision:
    owned = context.seat
    return ScanDecision(
        scan_id=scan_id,
        result=outcome.result,
        seat_id=context.ticket.seat_id,
        row_number=owned.seat.row_number if owned else None,
        seat_number=owned.seat.seat_number if owned else None,
        owner_name=name if owned and owned.owner_user_id == context.ticket.user_id else None,
        message=message_of(outcome, context),
        admitted_at=outcome.admitted_at,
    )
