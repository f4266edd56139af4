"""The inventory's commands and results, independent of protobuf."""

import enum
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


class SeatStatus(enum.StrEnum):
    AVAILABLE = "AVAILABLE"
    HELD = "HELD"
    SOLD = "SOLD"
    LISTED = "LISTED"
    CHECKED_IN = "CHECKED_IN"
    BLOCKED = "BLOCKED"


class ScanResult(enum.StrEnum):
    """The result of a scan (T12). UNDONE is that of a repeated scan whose admission was withdrawn; in the log, it is the undo."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    seat_id: uuid.UUID
    event_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int
    price: Decimal
    status: SeatStatus
    owner_user_id: uuid.UUID | None = None
    price_paid: Decimal | None = None
    purchased_at: datetime | None = None
    order_id: uuid.UUID | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    hold_id: uuid.UUID
    event_id: uuid.UUID
    user_id: uuid.UUID
    held_until: datetime
    seats: Sequence[Seat]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    hold_id: uuid.UUID
    event_id: uuid.UUID
    purchased_at: datetime
    seat_ids: Sequence[uuid.UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatState:
    """A seat's state for the rules of holding.

    `is_held`: by a hold that has not expired. `is_closed`: the sale of its event has ended.
    """

    seat_id: uuid.UUID
    event_id: uuid.UUID
    status: SeatStatus
    is_held: bool
    hold_id: uuid.UUID | None
    held_by_user_id: uuid.UUID | None
    hold_size: int | None
    is_closed: bool

    @property
    def is_free(self) -> bool:
        return self.status is SeatStatus.AVAILABLE or (self.status is SeatStatus.HELD and not self.is_held)

    @property
    def is_sold(self) -> bool:
        return self.status in {SeatStatus.SOLD, SeatStatus.LISTED, SeatStatus.CHECKED_IN}


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLimits:
    """What one user may hold at a time, and when a cool-down begins (T2)."""

    seats_per_event: int
    seats_per_user: int
    lapses: int  # of one event's holds, within the window
    lapse_window_seconds: float
    cooldown_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderState:
    """The seats that a user holds, and the end of the event's cool-down if there is one."""

    held_of_event: int
    held_in_all: int
    cooling_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveSeats:
    """Hold exactly these seats. `seat_ids` are distinct and ascending, which is the order of locking."""

    request_id: uuid.UUID
    hold_id: uuid.UUID
    event_id: uuid.UUID
    seat_ids: Sequence[uuid.UUID]
    user_id: uuid.UUID
    hold_ttl_milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BestAvailable:
    """Hold the best `quantity` seats of a category."""

    request_id: uuid.UUID
    hold_id: uuid.UUID
    event_id: uuid.UUID
    category: str
    quantity: int
    user_id: uuid.UUID
    hold_ttl_milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmHold:
    request_id: uuid.UUID
    hold_id: uuid.UUID
    user_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold:
    request_id: uuid.UUID
    hold_id: uuid.UUID
    undoes_request_id: uuid.UUID | None
    is_cancelled: bool = False  # by its holder, so that it counts towards a cool-down


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOwner:
    """Change a ticket's owner. A ticket is a seat and its order; a seat that is sold again is another ticket."""

    request_id: uuid.UUID
    seat_id: uuid.UUID
    expected_order_id: uuid.UUID
    expected_owner_user_id: uuid.UUID
    new_owner_user_id: uuid.UUID
    price_paid: Decimal
    undoes_request_id: uuid.UUID | None
    expected_status: SeatStatus  # SOLD or LISTED
    is_forced: bool = False  # even if the event's sale has ended

    @property
    def heeds_end_of_sale(self) -> bool:
        """Whether an ended sale forbids the change. It never forbids an undo."""
        return not self.is_forced and self.undoes_request_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resale:
    """List a ticket for resale, or withdraw it. `order_id` is the order that the seat was sold with."""

    request_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    owner_user_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimSeats:
    """Reclaim the seats that `buyer_user_id` bought; if forced, even if they were transferred or used.

    Without `seat_ids`, all seats of the order.
    """

    request_id: uuid.UUID
    order_id: uuid.UUID
    buyer_user_id: uuid.UUID
    is_forced: bool
    seat_ids: Sequence[uuid.UUID] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRow:
    """A row of `seats` seats numbered from 1. Their ids are generated if `seat_ids` is empty."""

    row_number: str
    seats: int
    seat_ids: Sequence[uuid.UUID] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutCategory:
    """A price category: rows from the best to the worst, or `general_admission` standing places."""

    category: str
    price: Decimal
    rows: Sequence[LayoutRow] = ()
    general_admission: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatPage:
    seats: Sequence[Seat]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAvailability:
    """A category's seats by status; `sold` includes listed and checked-in ones."""

    event_id: uuid.UUID
    category: str
    total: int
    available: int
    held: int
    sold: int
    blocked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A scan of a code at the entrance. What the code does not contain is None."""

    staff_user_id: uuid.UUID
    hall_presented: str
    seat_id: uuid.UUID | None
    event_id: uuid.UUID | None
    ticket_user_id: uuid.UUID | None
    hall_expected: str | None
    scanned_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutcome:
    """A scan's outcome; `admitted_at` is set with SUCCESS and DUPLICATE."""

    result: ScanResult
    admitted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoCheckIn:
    """Withdraw a seat's admission; if `scan_id` is set, only the one by that scan. `ends_at` is the event's end."""

    request_id: uuid.UUID
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteCount:
    minute: datetime
    scans: int
    admitted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryStats:
    """An event's log by result, and its scans by minute, oldest first; zero counts are omitted.

    `checked_in` counts the seats whose owners are inside.
    """

    checked_in: int
    result_counts: Mapping[ScanResult, int]
    minute_counts: Sequence[MinuteCount]
