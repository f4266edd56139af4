"""The door (T12): reads a code, asks everybody who knows something of it, applies the rules, checks in once.

Every scan is logged with what came of it. Whatever cannot be known in time admits nobody.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from common.errors import InvalidRequest, NotFound, ServiceError, Unavailable, Unprocessable
from orchestrator.clients.events import EventsClient
from orchestrator.clients.inventory.check_in import CheckInClient, Scan, ScanOutcome, ScanResult
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.orders.orders import OrdersClient
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.errors import QrInvalid
from orchestrator.features.check_in.schemas import ScanDecision
from orchestrator.features.check_in.service.rules import ScanContext, message_of, refusal_of
from orchestrator.features.tickets.adapters.qr_code import QrCodec, QrTicket

__all__ = ["CheckInService", "Lookups", "PresentedCode"]

LOOK_SECONDS: Final = 2.0  # a queue stands behind whoever is scanned
NAME_GRACE_SECONDS: Final = 0.05  # the name is a courtesy

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCode:
    """What a scanner sends: the code, where it stands, its clock, and a nonce when it may repeat itself."""

    staff_user_id: uuid.UUID
    qr_payload: str
    hall_id: str | None
    event_id: uuid.UUID | None
    scanned_at: datetime | None
    nonce: str | None

    @property
    def scan_id(self) -> uuid.UUID:
        return uuid.uuid5(self.staff_user_id, f"scan/{self.nonce}") if self.nonce else uuid.uuid4()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Who knows something of a ticket."""

    inventory: InventoryClient
    orders: OrdersClient
    events: EventsClient
    directory: UserDirectory


class CheckInService:
    def __init__(self, check_in: CheckInClient, lookups: Lookups, qr: QrCodec, *, qr_ttl_seconds: int) -> None:
        self._check_in = check_in
        self._lookups = lookups
        self._qr = qr
        self._time_to_live = timedelta(seconds=qr_ttl_seconds)

    async def verify(self, code: PresentedCode) -> ScanDecision:
        """Decide on a code and log the scan.

        Raises:
            InvalidRequest: QR_INVALID; VALIDATION_ERROR when no hall is named and none is assigned.
            Unprocessable: the nonce was used for another scan.
            Unavailable: somebody who must be asked gives no answer.
        """
        seen_at, scan_id = datetime.now(UTC), code.scan_id
        hall = code.hall_id or await self._assigned_hall(code.staff_user_id)
        ticket = await self._read(code, scan_id=scan_id, hall=hall)
        naming = asyncio.create_task(self._name_of(ticket.user_id))
        try:
            context = await self._look_at(ticket, hall=hall, event_id=code.event_id, seen_at=seen_at)
            outcome = await self._decide(scan_id, _scan_of(code, context), context)
            await asyncio.wait([naming], timeout=NAME_GRACE_SECONDS)
            return _verdict(outcome, context, name=_if_known(naming))
        finally:
            naming.cancel()

    async def _read(self, code: PresentedCode, *, scan_id: uuid.UUID, hall: str) -> QrTicket:
        try:
            return self._qr.read(code.qr_payload)
        except QrInvalid:
            scan = Scan(staff_user_id=code.staff_user_id, hall_presented=hall, scanned_at=code.scanned_at)
            with _shut_when_in_doubt():
                await self._check_in.log_scan(scan_id, scan, ScanResult.QR_INVALID)
            raise

    async def _look_at(
        self, ticket: QrTicket, *, hall: str, event_id: uuid.UUID | None, seen_at: datetime
    ) -> ScanContext:
        lookups = self._lookups
        with _shut_when_in_doubt():
            async with asyncio.timeout(LOOK_SECONDS):
                seat, event, order_status = await asyncio.gather(
                    _unless_unknown(lookups.inventory.seat(ticket.seat_id), "SEAT_NOT_FOUND"),
                    _unless_unknown(lookups.events.facts(ticket.event_id), "EVENT_NOT_FOUND"),
                    lookups.orders.status_of_seat(ticket.seat_id),
                )
        return ScanContext(
            ticket=ticket,
            hall_presented=hall,
            event_presented=event_id,
            seen_at=seen_at,
            time_to_live=self._time_to_live,
            seat=seat,
            event=event,
            order_status=order_status,
        )

    async def _decide(self, scan_id: uuid.UUID, scan: Scan, context: ScanContext) -> ScanOutcome:
        refusal = refusal_of(context)
        with _shut_when_in_doubt():
            if refusal is None:
                return await self._check_in.check_in(scan_id, scan)
            return await self._check_in.log_scan(scan_id, scan, refusal)

    async def _assigned_hall(self, staff_user_id: uuid.UUID) -> str:
        with _shut_when_in_doubt():
            person = await self._lookups.directory.find(staff_user_id)
        if person.assigned_hall_id is None:
            raise InvalidRequest(
                "Say at which hall: none is assigned to you.", details={"fields": {"hall_id": "missing"}}
            )
        return person.assigned_hall_id

    async def _name_of(self, user_id: uuid.UUID) -> str | None:
        try:
            return (await self._lookups.directory.find(user_id)).display_name
        except ServiceError:
            return None


async def _unless_unknown(looked_up: Awaitable[Found], code: str) -> Found | None:
    try:
        return await looked_up
    except NotFound as error:
        if error.code != code:  # no such path is no answer
            raise
        return None


def _if_known(naming: "asyncio.Task[str | None]") -> str | None:
    return naming.result() if naming.done() and naming.exception() is None else None


@contextmanager
def _shut_when_in_doubt() -> Iterator[None]:
    """Say 503 whatever the trouble is: nobody goes in, and the scanner may ask again."""
    try:
        yield
    except Unprocessable:
        raise
    except (ServiceError, TimeoutError) as error:
        raise Unavailable(reason=str(error)) from error


def _scan_of(code: PresentedCode, context: ScanContext) -> Scan:
    return Scan(
        staff_user_id=code.staff_user_id,
        hall_presented=context.hall_presented,
        seat_id=context.ticket.seat_id,
        event_id=context.event.event_id if context.event else None,
        ticket_user_id=context.ticket.user_id,
        hall_expected=context.event.hall_id if context.event else "",
        scanned_at=code.scanned_at,
    )


def _verdict(outcome: ScanOutcome, context: ScanContext, *, name: str | None) -> ScanDecision:
    owned = context.seat
    return ScanDecision(
        result=outcome.result,
        seat_id=context.ticket.seat_id,
        row_number=owned.seat.row_number if owned else None,
        seat_number=owned.seat.seat_number if owned else None,
        owner_name=name if owned and owned.owner_user_id == context.ticket.user_id else None,
        message=message_of(outcome, context),
        admitted_at=outcome.admitted_at,
    )
