"""Converts between protobuf messages and the inventory's schemas, and refuses invalid input."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Final

from google.protobuf.message import Message

from common.errors import InvalidRequest
from common.fields import EARLIEST, LATEST
from common.money import MAX_AMOUNT, money
from inventory.schemas import (
    CategoryAvailability,
    EntryStats,
    Hold,
    LayoutCategory,
    LayoutRow,
    LoggedScan,
    Sale,
    Scan,
    ScanResult,
    Seat,
    SeatStatus,
    UndoCheckIn,
)
from proto.inventory.v1 import inventory_pb2 as pb

__all__ = [
    "InvalidId",
    "ids_of",
    "read_amount",
    "read_between",
    "read_id",
    "read_ids",
    "read_layout",
    "read_optional_id",
    "read_owned_status",
    "read_scan",
    "read_scan_result",
    "read_undo",
    "write_availability",
    "write_entry_stats",
    "write_hold",
    "write_instant",
    "write_logged_scan",
    "write_sale",
    "write_scan_result",
    "write_seat",
]

MAX_ROWS: Final = 20_000
MAX_SEATS: Final = 200_000  # twice the largest stadium
# The search for adjacent seats reads whole rows; a longer row is a standing area.
MAX_ROW_SEATS: Final = 1_000
MAX_NAME_LENGTH: Final = 64
MAX_REASON_LENGTH: Final = 500

_STATUSES: Final = {status: pb.SeatStatus.Value(status.value) for status in SeatStatus}
_OWNED_STATUSES: Final = {pb.SOLD: SeatStatus.SOLD, pb.LISTED: SeatStatus.LISTED}
_RESULTS: Final = {result: pb.ScanResult.Value(result.value) for result in ScanResult}
# Only a check-in can admit, and only an undo can withdraw that.
_LOGGED_RESULTS: Final = {
    number: result for result, number in _RESULTS.items() if result not in {ScanResult.SUCCESS, ScanResult.UNDONE}
}


class InvalidId(InvalidRequest):
    code = "INVALID_UUID"
    public_message = "An id is not a UUID."


def read_id(text: str, field: str) -> uuid.UUID:
    """Read a UUID.

    Raises:
        InvalidId: the text is not a UUID.
    """
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise InvalidId(details={"field": field}) from error


def ids_of(request: Message, *fields: str) -> dict[str, uuid.UUID]:
    """Read these fields of the request, which are UUIDs.

    Raises:
        InvalidId: one of them is not.
    """
    return {field: read_id(getattr(request, field), field) for field in fields}


def read_optional_id(text: str, field: str) -> uuid.UUID | None:
    return read_id(text, field) if text else None


def read_ids(texts: Sequence[str], field: str, *, most: int) -> list[uuid.UUID]:
    """Read 1 to `most` distinct ids; return them in ascending order.

    Raises:
        InvalidRequest: there are none, too many or duplicates.
    """
    ids = sorted({read_id(text, field) for text in texts})
    if not 1 <= len(texts) <= most or len(ids) != len(texts):
        raise InvalidRequest(f"Between 1 and {most} different ids are needed.", details={"field": field})
    return ids


def read_between(number: int, field: str, *, least: int, most: int) -> int:
    """Return the number.

    Raises:
        InvalidRequest: it is out of range.
    """
    if not least <= number <= most:
        raise InvalidRequest(f"{field} must be between {least} and {most}.", details={"field": field})
    return number


def read_amount(text: str, field: str) -> Decimal:
    """Read an amount such as "350.00", zero or more.

    Raises:
        InvalidRequest: the text is not such an amount.
    """
    try:
        amount = money(text)
    except (ValueError, InvalidOperation) as error:
        raise InvalidRequest(f"{field} must be an amount with two decimals.", details={"field": field}) from error
    if not 0 <= amount <= MAX_AMOUNT:
        raise InvalidRequest(f"{field} is out of range.", details={"field": field})
    return amount


def read_layout(layout: Iterable[pb.LayoutCategory]) -> list[LayoutCategory]:
    """Read a hall's layout.

    Raises:
        InvalidRequest: it has no seats or too many, a duplicate category, or one with both rows and standing places.
    """
    categories = [_read_category(category) for category in layout]
    names = [category.category for category in categories]
    if not categories or len(set(names)) != len(names):
        raise InvalidRequest("A layout has at least one category, without duplicates.", details={"field": "layout"})
    rows = [row for category in categories for row in category.rows]
    seats = sum(row.seats for row in rows) + sum(category.general_admission for category in categories)
    read_between(len(rows), "layout.rows", least=0, most=MAX_ROWS)
    read_between(seats, "layout.seats", least=1, most=MAX_SEATS)
    return categories


def _read_category(category: pb.LayoutCategory) -> LayoutCategory:
    name = _read_name(category.category, "category")
    if bool(category.rows) == (category.general_admission > 0):
        raise InvalidRequest("A category has either rows or standing places.", details={"category": name})
    return LayoutCategory(
        category=name,
        price=read_amount(category.price, "price"),
        rows=[_read_row(row) for row in category.rows],
        general_admission=read_between(category.general_admission, "general_admission", least=0, most=MAX_SEATS),
    )


def _read_row(row: pb.LayoutRow) -> LayoutRow:
    seats = read_between(row.seats, "seats", least=1, most=MAX_ROW_SEATS)
    return LayoutRow(row_number=_read_name(row.row_number, "row_number"), seats=seats)


def _read_name(text: str, field: str, *, most: int = MAX_NAME_LENGTH) -> str:
    if not text.strip() or len(text) > most or "\x00" in text:
        raise InvalidRequest(f"{field} needs 1 to {most} characters.", details={"field": field})
    return text


def read_owned_status(status: pb.SeatStatus.ValueType, field: str) -> SeatStatus:
    """Read the expected status of a ticket.

    Raises:
        InvalidRequest: it is neither SOLD nor LISTED.
    """
    if status not in _OWNED_STATUSES:
        raise InvalidRequest(f"{field} must be SOLD or LISTED.", details={"field": field})
    return _OWNED_STATUSES[status]


def read_scan(scan: pb.Scan, *, is_complete: bool) -> Scan:
    """Read a scan. A complete one names a seat, an event and a user.

    Raises:
        InvalidRequest: a field is missing or invalid.
    """
    read_code_id = read_id if is_complete else read_optional_id
    return Scan(
        staff_user_id=read_id(scan.staff_user_id, "staff_user_id"),
        hall_presented=_read_name(scan.hall_presented, "hall_presented"),
        seat_id=read_code_id(scan.seat_id, "seat_id"),
        event_id=read_code_id(scan.event_id, "event_id"),
        ticket_user_id=read_code_id(scan.ticket_user_id, "ticket_user_id"),
        hall_expected=_read_name(scan.hall_expected, "hall_expected") if scan.hall_expected else None,
        scanned_at=_read_instant(scan.scanned_at, "scanned_at") if scan.scanned_at else None,
    )


def read_scan_result(result: pb.ScanResult.ValueType, field: str) -> ScanResult:
    """Read the result of a scan to log.

    Raises:
        InvalidRequest: it is unspecified, SUCCESS or UNDONE.
    """
    if result not in _LOGGED_RESULTS:
        raise InvalidRequest(f"{field} must be a result without a check-in.", details={"field": field})
    return _LOGGED_RESULTS[result]


def read_undo(request: pb.UndoCheckInRequest) -> UndoCheckIn:
    """Read the undo of a check-in.

    Raises:
        InvalidRequest: a field is missing or invalid.
    """
    return UndoCheckIn(
        **ids_of(request, "request_id", "event_id", "seat_id", "staff_user_id"),
        scan_id=read_optional_id(request.scan_id, "scan_id"),
        hall_presented=_read_name(request.hall_presented, "hall_presented"),
        hall_expected=_read_name(request.hall_expected, "hall_expected"),
        reason=_read_name(request.reason, "reason", most=MAX_REASON_LENGTH),
        ends_at=min(max(_read_instant(request.ends_at, "ends_at"), EARLIEST), LATEST),
    )


def _read_instant(text: str, field: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{field} must be an RFC 3339 time.", details={"field": field}) from error
    raise InvalidRequest(f"{field} needs an offset from UTC.", details={"field": field})


def write_seat(seat: Seat) -> pb.Seat:
    return pb.Seat(
        seat_id=str(seat.seat_id),
        event_id=str(seat.event_id),
        category=seat.category,
        row_number=seat.row_number,
        seat_number=seat.seat_number,
        price=f"{seat.price:.2f}",
        status=_STATUSES[seat.status],
        owner_user_id=str(seat.owner_user_id or ""),
        price_paid="" if seat.price_paid is None else f"{seat.price_paid:.2f}",
        purchased_at=write_instant(seat.purchased_at),
        order_id=str(seat.order_id or ""),
        created_at=write_instant(seat.created_at),
        updated_at=write_instant(seat.updated_at),
    )


def write_hold(hold: Hold) -> pb.Hold:
    return pb.Hold(
        hold_id=str(hold.hold_id),
        event_id=str(hold.event_id),
        user_id=str(hold.user_id),
        held_until=write_instant(hold.held_until),
        seats=[write_seat(seat) for seat in hold.seats],
    )


def write_sale(sale: Sale) -> pb.Sale:
    return pb.Sale(
        hold_id=str(sale.hold_id),
        purchased_at=write_instant(sale.purchased_at),
        seat_ids=[str(seat_id) for seat_id in sale.seat_ids],
    )


def write_availability(categories: Iterable[CategoryAvailability]) -> pb.GetAvailabilityResponse:
    """Write the counts, which are ordered by event."""
    events = groupby(categories, key=lambda category: category.event_id)
    return pb.GetAvailabilityResponse(
        events=[
            pb.EventAvailability(event_id=str(event_id), categories=[_write_counts(category) for category in group])
            for event_id, group in events
        ]
    )


def _write_counts(category: CategoryAvailability) -> pb.CategoryAvailability:
    counts = asdict(category)
    del counts["event_id"]
    return pb.CategoryAvailability(**counts)


def write_scan_result(result: ScanResult) -> pb.ScanResult.ValueType:
    return _RESULTS[result]


def write_logged_scan(logged: LoggedScan) -> pb.LoggedScan:
    scan = pb.Scan(
        staff_user_id=str(logged.scan.staff_user_id),
        hall_presented=logged.scan.hall_presented,
        seat_id=str(logged.scan.seat_id or ""),
        event_id=str(logged.scan.event_id or ""),
        ticket_user_id=str(logged.scan.ticket_user_id or ""),
        hall_expected=logged.scan.hall_expected or "",
        scanned_at=write_instant(logged.scan.scanned_at),
    )
    return pb.LoggedScan(
        scan_id=str(logged.scan_id),
        scan=scan,
        result=_RESULTS[logged.result],
        logged_at=write_instant(logged.logged_at),
        reason=logged.reason or "",
    )


def write_entry_stats(stats: EntryStats) -> pb.GetEntryStatsResponse:
    return pb.GetEntryStatsResponse(
        checked_in=stats.checked_in,
        result_counts=[
            pb.ResultCount(result=_RESULTS[result], scans=scans) for result, scans in stats.result_counts.items()
        ],
        minute_counts=[
            pb.MinuteCount(minute=write_instant(count.minute), scans=count.scans, admitted=count.admitted)
            for count in stats.minute_counts
        ],
    )


def write_instant(at: datetime | None) -> str:
    """Write a time in UTC, or an empty string for None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""
