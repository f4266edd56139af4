"""An event for those who manage it: sales, entries, attendees."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.http.body import RequestBody
from common.http.envelope import Pagination
from common.money import Money
from orchestrator.clients.inventory.check_in import ScanResult

__all__ = [
    "AttendeeView",
    "Dashboard",
    "DashboardPage",
    "DashboardStats",
    "MinuteView",
    "ScanView",
    "SeatSelection",
    "SeatsChanged",
]

MOST_SEATS_AT_ONCE = 1_000


class MinuteView(BaseModel):
    minute: datetime = Field(description="The minute's start.")
    scans: int
    admitted: int


class DashboardStats(BaseModel):
    """Seat counts are at most a second old; `seats_sold` includes listed and checked-in seats."""

    total_seats: int
    seats_sold: int
    seats_held: int
    seats_available: int
    seats_blocked: int
    checked_in: int = Field(description="Seats whose owners are inside.")
    revenue: Money
    scans_by_result: dict[ScanResult, int]
    scans_per_minute: list[MinuteView] = Field(
        description="The last 60 minutes, oldest first; minutes without a scan are left out."
    )


class AttendeeView(BaseModel):
    """A seat with its owner; `status` is SOLD, LISTED or CHECKED_IN."""

    seat_id: uuid.UUID
    category: str
    row_number: str
    seat_number: int
    status: str
    user_id: uuid.UUID
    name: str | None
    email: str | None
    price_paid: Money
    purchased_at: datetime
    created_at: datetime | None = Field(description="When the seat was created; null if that was not stored.")
    updated_at: datetime | None = Field(description="When the seat last changed; null as long as that was not stored.")


class Dashboard(BaseModel):
    stats: DashboardStats
    attendees: list[AttendeeView]


class DashboardPage(BaseModel):
    """`pagination` is the attendees'."""

    success: Literal[True] = True
    data: Dashboard
    pagination: Pagination


class ScanView(BaseModel):
    """A logged scan, or the undo of an admission (UNDONE); what the code did not contain is null."""

    scan_id: uuid.UUID
    result: ScanResult
    seat_id: uuid.UUID | None
    event_id: uuid.UUID | None
    ticket_user_id: uuid.UUID | None = Field(description="The user the code was issued to.")
    staff_user_id: uuid.UUID
    hall_presented: str
    hall_expected: str | None
    scanned_at: datetime | None = Field(description="By the scanner's clock.")
    logged_at: datetime
    reason: str | None = Field(description="Why an admission was undone.")


class SeatSelection(RequestBody):
    """1 to 1,000 different seats of the event."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"seat_ids": ["55555555-5555-5555-5555-555555555101"]}},
    )

    seat_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=MOST_SEATS_AT_ONCE)]

    @model_validator(mode="after")
    def _names_each_seat_once(self) -> Self:
        if len(set(self.seat_ids)) != len(self.seat_ids):
            raise ValueError("a seat is named twice")
        return self

    @property
    def chosen(self) -> list[uuid.UUID]:
        """The seats in ascending order."""
        return sorted(self.seat_ids)


class SeatsChanged(BaseModel):
    seats_changed: int
