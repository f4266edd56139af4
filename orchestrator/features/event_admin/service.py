"""What an event's admins look at and do (T15): sales and entries, who comes, the log of scans, blocked seats."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Final

from common.http.envelope import Page
from orchestrator.clients.events import EventsClient
from orchestrator.clients.inventory.check_in import (
    Attendee,
    AttendeePage,
    CheckInClient,
    EntryStats,
    LoggedScan,
    ScanResult,
)
from orchestrator.clients.inventory.seats import CategoryCount, InventoryClient
from orchestrator.clients.users.directory import UserDirectory, UserFacts
from orchestrator.clients.users.ledger import EventRevenue
from orchestrator.features.event_admin.adapters.attendee_csv import COLUMNS, cells_of, csv_of
from orchestrator.features.event_admin.schemas import AttendeeView, Dashboard, DashboardStats, MinuteView, ScanView

__all__ = ["EventAdminService"]

DASHBOARD_MINUTES: Final = 60
EXPORT_PAGE: Final = 500  # attendees in memory at a time


class EventAdminService:
    def __init__(
        self,
        *,
        check_in: CheckInClient,
        inventory: InventoryClient,
        events: EventsClient,
        directory: UserDirectory,
        revenue: EventRevenue,
    ) -> None:
        self._check_in = check_in
        self._inventory = inventory
        self._events = events
        self._directory = directory
        self._revenue = revenue

    async def dashboard(self, event_id: uuid.UUID, page: Page) -> tuple[Dashboard, int]:
        """Return an event's figures with a page of its attendees in hall order, and how many there are.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        await self._events.facts(event_id)
        counts, stats, revenue, sold = await asyncio.gather(
            self._inventory.availability([event_id]),
            self._check_in.stats(event_id, minutes=DASHBOARD_MINUTES),
            self._revenue.of(event_id),
            self._check_in.attendees(event_id, offset=page.offset, limit=page.per_page),
        )
        figures = _figures(counts.get(event_id, []), stats) | {"revenue": revenue}
        attendees = await self._with_names(sold.attendees)
        return Dashboard(stats=DashboardStats.model_validate(figures), attendees=attendees), sold.total

    async def export(self, event_id: uuid.UUID) -> AsyncIterator[bytes]:
        """Return an event's attendees as CSV, piece by piece; the first piece is read before this returns.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        await self._events.facts(event_id)
        first = await self._check_in.attendees(event_id, limit=EXPORT_PAGE)
        return self._sheet(event_id, first, await self._with_names(first.attendees))

    async def scans(self, event_id: uuid.UUID, page: Page) -> tuple[list[ScanView], int]:
        """Return a page of an event's scans, newest first, and how many there are.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        await self._events.facts(event_id)
        scans, total = await self._check_in.scans(event_id, offset=page.offset, limit=page.per_page)
        return [_scan_view(scan) for scan in scans], total

    async def stray_scans(self, page: Page) -> tuple[list[ScanView], int]:
        """Return a page of the scans whose code led to no event, newest first, and how many there are."""
        scans, total = await self._check_in.scans(None, offset=page.offset, limit=page.per_page)
        return [_scan_view(scan) for scan in scans], total

    async def block(self, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], *, request_id: uuid.UUID) -> int:
        """Take free seats off sale, all or none, and return how many.

        Raises:
            NotFound: EVENT_NOT_FOUND, SEAT_NOT_FOUND.
            Conflict: a seat is taken.
        """
        await self._events.facts(event_id)
        return await self._check_in.block(request_id, event_id=event_id, seat_ids=seat_ids)

    async def unblock(self, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], *, request_id: uuid.UUID) -> int:
        """Put blocked seats back on sale, all or none, and return how many. Raises as `block`."""
        await self._events.facts(event_id)
        return await self._check_in.unblock(request_id, event_id=event_id, seat_ids=seat_ids)

    async def _sheet(
        self, event_id: uuid.UUID, page: AttendeePage, attendees: list[AttendeeView]
    ) -> AsyncIterator[bytes]:
        yield csv_of([COLUMNS, *(cells_of(attendee) for attendee in attendees)])
        while page.next_page_token:
            page = await self._check_in.attendees(event_id, page_token=page.next_page_token, limit=EXPORT_PAGE)
            attendees = await self._with_names(page.attendees)
            yield csv_of(cells_of(attendee) for attendee in attendees)

    async def _with_names(self, attendees: Sequence[Attendee]) -> list[AttendeeView]:
        people = await self._directory.lookup(attendee.user_id for attendee in attendees)
        return [_attendee_view(attendee, people.get(attendee.user_id)) for attendee in attendees]


def _figures(counts: Sequence[CategoryCount], stats: EntryStats) -> dict[str, object]:
    return {
        "total_seats": sum(count.total for count in counts),
        "seats_sold": sum(count.sold for count in counts),
        "seats_held": sum(count.held for count in counts),
        "seats_available": sum(count.available for count in counts),
        "seats_blocked": sum(count.blocked for count in counts),
        "checked_in": stats.checked_in,
        "scans_by_result": {result: stats.scans_by_result.get(result, 0) for result in ScanResult},
        "scans_per_minute": [
            MinuteView(minute=count.minute, scans=count.scans, admitted=count.admitted)
            for count in stats.scans_per_minute
        ],
    }


def _attendee_view(attendee: Attendee, person: UserFacts | None) -> AttendeeView:
    return AttendeeView(
        seat_id=attendee.seat_id,
        category=attendee.category,
        row_number=attendee.row_number,
        seat_number=attendee.seat_number,
        status=attendee.status,
        user_id=attendee.user_id,
        name=person.display_name if person else None,
        email=person.email if person else None,
        price_paid=attendee.price_paid,
        purchased_at=attendee.purchased_at,
    )


def _scan_view(logged: LoggedScan) -> ScanView:
    scan = logged.scan
    return ScanView(
        scan_id=logged.scan_id,
        result=logged.result,
        seat_id=scan.seat_id,
        event_id=scan.event_id,
        ticket_user_id=scan.ticket_user_id,
        staff_user_id=scan.staff_user_id,
        hall_presented=scan.hall_presented,
        hall_expected=scan.hall_expected or None,
        scanned_at=scan.scanned_at,
        logged_at=logged.logged_at,
    )
