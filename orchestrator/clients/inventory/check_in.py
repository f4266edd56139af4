"""Check-ins in the inventory: the log of scans, attendees and blocked seats."""

import enum
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from common.errors import Busy, OutcomeUnknown
from common.pages import Total
from orchestrator.clients.inventory.channel import InventoryChannel, optional_id, optional_time
from proto.inventory.v1 import inventory_pb2 as pb

if TYPE_CHECKING:
    import grpc

__all__ = ["Attendee", "AttendeePage", "CheckInClient", "CheckInUndo", "EntryStats", "LoggedScan", "MinuteCount", "Scan", "ScanOutcome",
           "ScanResult"]  # fmt: skip

SCAN_DEADLINE_SECONDS: Final = 2.0  # a queue of fans waits behind each scan

Answer = TypeVar("Answer")


class ScanResult(enum.StrEnum):
    """The outcome of a scan (T12). UNDONE is that of a repeated scan whose admission was withdrawn; in the log, it is the undo."""

    SUCCESS = "SUCCESS"
    DUPLICATE = "DUPLICATE"
    UNPAID = "UNPAID"
    NOT_FOUND = "NOT_FOUND"
    WRONG_HALL = "WRONG_HALL"
    EXPIRED = "EXPIRED"
    NOT_OWNER = "NOT_OWNER"
    QR_INVALID = "QR_INVALID"
    WRONG_EVENT = "WRONG_EVENT"
    UNDONE = "UNDONE"
    UNKNOWN = "UNKNOWN"  # of a newer inventory; it is no admission


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One scan of a code. Fields that the code does not contain are None or empty."""

    staff_user_id: uuid.UUID
    hall_presented: str
    seat_id: uuid.UUID | None = None
    event_id: uuid.UUID | None = None
    ticket_user_id: uuid.UUID | None = None
    hall_expected: str = ""
    scanned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """`admitted_at` is when the seat's owner was admitted, by this scan or an earlier one."""

    result: ScanResult
    admitted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInUndo:
    """The undo of a seat's admission; if `scan_id` is set, only of the one by that scan. `ends_at` is the event's end."""

    event_id: uuid.UUID
    seat_id: uuid.UUID
    scan_id: uuid.UUID | None
    staff_user_id: uuid.UUID
    hall_presented: str
    hall_expected: str
    reason: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedScan:
    """An entry of the log; `reason` is that of an undo."""

    scan_id: uuid.UUID
    scan: Scan
    result: ScanResult
    logged_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class MinuteCount:
    minute: datetime
    scans: int
    admitted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryStats:
    """`checked_in` counts seats. `scans_per_minute` starts with the oldest minute and omits minutes without a scan."""

    checked_in: int
    scans_by_result: dict[ScanResult, int]
    scans_per_minute: list[MinuteCount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """A seat that a user owns: SOLD, LISTED or CHECKED_IN."""

    seat_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int
    status: str
    user_id: uuid.UUID
    price_paid: Decimal
    purchased_at: datetime
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendeePage:
    attendees: list[Attendee]
    next_page_token: str
    total: int


class CheckInClient(InventoryChannel):
    async def check_in(self, scan_id: uuid.UUID, scan: Scan) -> ScanOutcome:
        """Admit the seat's owner, once, and log the scan.

        A scanner that lost the answer repeats the scan, and by then the rules may decide differently: the code has
        expired, the seat is taken. The same `scan_id` returns the first outcome, or UNDONE, and logs the scan once.

        Raises:
            Unprocessable: the id was used for another scan.
            Unavailable: the inventory did not respond twice; it may have admitted the owner.
        """
        request = pb.CheckInRequest(request_id=str(scan_id), scan=_scan_message(scan))
        answer = await self._call_twice(self._stub.CheckIn, request)
        return _outcome(answer)

    async def log_scan(self, scan_id: uuid.UUID, scan: Scan, result: ScanResult) -> ScanOutcome:
        """Log a scan that admits no fan. A repeated `scan_id` and errors are handled as by `check_in`."""
        request = pb.LogScanRequest(
            request_id=str(scan_id), scan=_scan_message(scan), result=pb.ScanResult.Value(result.value)
        )
        answer = await self._call_twice(self._stub.LogScan, request)
        return _outcome(answer)

    async def undo(self, request_id: uuid.UUID, undo: CheckInUndo) -> datetime:
        """Withdraw a seat's admission, log that, and return when it was. A repeated `request_id` gets the first answer.

        Raises:
            NotFound: SEAT_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE, the ticket is not checked in, or by another scan.
            Gone: EVENT_ENDED.
            Unprocessable: the id was used for another undo.
        """
        request = pb.UndoCheckInRequest(
            request_id=str(request_id),
            event_id=str(undo.event_id),
            seat_id=str(undo.seat_id),
            scan_id=str(undo.scan_id or ""),
            staff_user_id=str(undo.staff_user_id),
            hall_presented=undo.hall_presented,
            hall_expected=undo.hall_expected,
            reason=undo.reason,
            ends_at=undo.ends_at.isoformat(),
        )
        answer = await self._call_twice(self._stub.UndoCheckIn, request)
        return datetime.fromisoformat(answer.undone_at)

    async def scans(
        self, event_id: uuid.UUID | None, *, offset: int, limit: int, ticket_user_id: uuid.UUID | None = None
    ) -> tuple[list[LoggedScan], Total]:
        """Return a page of an event's scans, newest first, and the total.

        Args:
            event_id: None for scans that name no known event; only their count is bounded.
            ticket_user_id: only scans of an event whose code named this user.
        """
        request = pb.ListScansRequest(
            event_id=str(event_id or ""), offset=offset, limit=limit, ticket_user_id=str(ticket_user_id or "")
        )
        answer = await self._caller.call(self._stub.ListScans, request)
        total = Total(answer.total) if event_id else Total.of_bounded(answer.total)
        return [_logged(logged) for logged in answer.scans], total

    async def stats(self, event_id: uuid.UUID, *, minutes: int) -> EntryStats:
        request = pb.GetEntryStatsRequest(event_id=str(event_id), minutes=minutes)
        answer = await self._caller.call(self._stub.GetEntryStats, request)
        scans_by_result: Counter[ScanResult] = Counter()
        for count in answer.result_counts:
            scans_by_result[_result(count.result)] += count.scans
        return EntryStats(
            checked_in=answer.checked_in,
            scans_by_result=scans_by_result,
            scans_per_minute=[
                MinuteCount(datetime.fromisoformat(count.minute), count.scans, count.admitted)
                for count in answer.minute_counts
            ],
        )

    async def attendees(
        self, event_id: uuid.UUID, *, limit: int, page_token: str = "", offset: int = 0
    ) -> AttendeePage:
        """Return a page of an event's attendees in hall order, after `page_token` or `offset`."""
        request = pb.ListAttendeesRequest(event_id=str(event_id), page_token=page_token, offset=offset, page_size=limit)
        answer = await self._caller.call(self._stub.ListAttendees, request)
        return AttendeePage(
            attendees=[_attendee(seat) for seat in answer.seats],
            next_page_token=answer.next_page_token,
            total=answer.total,
        )

    async def block(self, request_id: uuid.UUID, *, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]) -> int:
        """Take free seats off sale, all or none, and return how many."""
        request = _block_request(request_id, event_id, seat_ids)
        return int((await self._caller.call(self._stub.BlockSeats, request)).seats_changed)

    async def unblock(self, request_id: uuid.UUID, *, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]) -> int:
        """Put blocked seats back on sale, all or none, and return how many."""
        request = _block_request(request_id, event_id, seat_ids)
        return int((await self._caller.call(self._stub.UnblockSeats, request)).seats_changed)

    async def _call_twice(self, method: "grpc.aio.UnaryUnaryMultiCallable[Any, Answer]", request: Any) -> Answer:
        """Repeat the call once if no answer came or the seat was busy; the scan id makes that safe."""
        try:
            return await self._caller.call(method, request, deadline_seconds=SCAN_DEADLINE_SECONDS)
        except (OutcomeUnknown, Busy):
            return await self._caller.call(method, request, deadline_seconds=SCAN_DEADLINE_SECONDS)


def _scan_message(scan: Scan) -> pb.Scan:
    return pb.Scan(
        staff_user_id=str(scan.staff_user_id),
        hall_presented=scan.hall_presented,
        seat_id=str(scan.seat_id or ""),
        event_id=str(scan.event_id or ""),
        ticket_user_id=str(scan.ticket_user_id or ""),
        hall_expected=scan.hall_expected,
        scanned_at=scan.scanned_at.isoformat() if scan.scanned_at else "",
    )


def _outcome(answer: pb.CheckInResponse | pb.LogScanResponse) -> ScanOutcome:
    return ScanOutcome(_result(answer.result), optional_time(answer.admitted_at))


def _logged(logged: pb.LoggedScan) -> LoggedScan:
    scan = logged.scan
    return LoggedScan(
        scan_id=uuid.UUID(logged.scan_id),
        scan=Scan(
            staff_user_id=uuid.UUID(scan.staff_user_id),
            hall_presented=scan.hall_presented,
            seat_id=optional_id(scan.seat_id),
            event_id=optional_id(scan.event_id),
            ticket_user_id=optional_id(scan.ticket_user_id),
            hall_expected=scan.hall_expected,
            scanned_at=optional_time(scan.scanned_at),
        ),
        result=_result(logged.result),
        logged_at=datetime.fromisoformat(logged.logged_at),
        reason=logged.reason or None,
    )


def _attendee(seat: pb.Seat) -> Attendee:
    return Attendee(
        seat_id=uuid.UUID(seat.seat_id),
        category=seat.category,
        row_number=seat.row_number,
        seat_number=seat.seat_number,
        status=pb.SeatStatus.Name(seat.status),
        user_id=uuid.UUID(seat.owner_user_id),
        price_paid=Decimal(seat.price_paid),
        purchased_at=datetime.fromisoformat(seat.purchased_at),
        created_at=optional_time(seat.created_at),
        updated_at=optional_time(seat.updated_at),
    )


def _block_request(request_id: uuid.UUID, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]) -> pb.BlockSeatsRequest:
    return pb.BlockSeatsRequest(
        request_id=str(request_id), event_id=str(event_id), seat_ids=[str(seat_id) for seat_id in seat_ids]
    )


def _result(number: pb.ScanResult.ValueType) -> ScanResult:
    try:
        return ScanResult(pb.ScanResult.Name(number))
    except ValueError:
        return ScanResult.UNKNOWN
