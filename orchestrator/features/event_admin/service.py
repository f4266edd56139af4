"""An event for those who manage it (T15): sales and entries, attendees, the scan log, blocked seats."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from common.http.envelope import Page
from common.pages import Total
from orchestrator.clients import Clients
from orchestrator.clients.events import EventFacts
from orchestrator.clients.inventory.check_in import Attendee, AttendeePage, EntryStats, LoggedScan, ScanResult
from orchestrator.clients.inventory.seats import CategoryCount
from orchestrator.clients.users.directory import DELETED_USER, UserFacts
from orchestrator.features.event_admin.adapters.attendee_csv import BOM, COLUMNS, cells_of, csv_of
from orchestrator.features.event_admin.schemas import AttendeeView, Dashboard, DashboardStats, ScanView

__all__ = ["EventAdminService"]

DASHBOARD_MINUTES: Final = 60
EXPORT_PAGE: Final = 500  # attendees in memory at a time


@dataclass(frozen=True, slots=True)
class EventAdminService:
    clients: Clients

    async def dashboard(self, event_id: uuid.UUID, page: Page) -> tuple[Dashboard, int]:
        """Return an event's statistics with a page of its attendees in hall order, and their total.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        await self.clients.events.facts(event_id)
        counts, stats, revenue, sold = await asyncio.gather(
            self.clients.inventory.availability([event_id]),
            self.clients.check_in.stats(event_id, minutes=DASHBOARD_MINUTES),
            self.clients.ledger.revenue_of(event_id),
            self.clients.check_in.attendees(event_id, offset=page.offset, limit=page.per_page),
        )
        statistics = _statistics(counts.get(event_id, []), stats) | {"revenue": revenue}
        attendees = await self._with_names(sold.attendees)
        return Dashboard(
            stats=DashboardStats.model_validate(statistics, from_attributes=True), attendees=attendees
        ), sold.total

    async def export(self, event_id: uuid.UUID) -> AsyncIterator[bytes]:
        """Return an event's attendees as chunks of CSV; the first page is loaded before this returns.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        event = await self.clients.events.facts(event_id)
        first = await self.clients.check_in.attendees(event_id, limit=EXPORT_PAGE)
        return self._chunks(event, first, await self._with_names(first.attendees))

    async def scans(self, event_id: uuid.UUID, page: Page) -> tuple[list[ScanView], Total]:
        """Return a page of an event's scans, newest first, and their total.

        Raises:
            NotFound: EVENT_NOT_FOUND.
        """
        await self.clients.events.facts(event_id)
        return await self._scans(event_id, page)

    async def stray_scans(self, page: Page) -> tuple[list[ScanView], Total]:
        """Return a page of the scans without an event, newest first, and their total."""
        return await self._scans(None, page)

    async def block(self, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], *, request_id: uuid.UUID) -> int:
        """Take free seats off sale, all or none, and return how many.

        Raises:
            NotFound: EVENT_NOT_FOUND, SEAT_NOT_FOUND.
            Conflict: a seat is taken.
        """
        await self.clients.events.facts(event_id)
        return await self.clients.check_in.block(request_id, event_id=event_id, seat_ids=seat_ids)

    async def unblock(self, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], *, request_id: uuid.UUID) -> int:
        """Put blocked seats back on sale, all or none, and return how many. Raises as `block`."""
        await self.clients.events.facts(event_id)
        return await self.clients.check_in.unblock(request_id, event_id=event_id, seat_ids=seat_ids)

    async def _scans(self, event_id: uuid.UUID | None, page: Page) -> tuple[list[ScanView], Total]:
        scans, total = await self.clients.check_in.scans(event_id, offset=page.offset, limit=page.per_page)
        return [_scan_view(scan) for scan in scans], total

    async def _chunks(
        self, event: EventFacts, page: AttendeePage, attendees: list[AttendeeView]
    ) -> AsyncIterator[bytes]:
        cells = partial(cells_of, time_zone=event.venue.time_zone)
        yield BOM + csv_of([COLUMNS, *map(cells, attendees)])
        while page.next_page_token:
            page = await self.clients.check_in.attendees(
                event.event_id, page_token=page.next_page_token, limit=EXPORT_PAGE
            )
            attendees = await self._with_names(page.attendees)
            yield csv_of(map(cells, attendees))

    async def _with_names(self, attendees: Sequence[Attendee]) -> list[AttendeeView]:
        users = await self.clients.users.lookup(attendee.user_id for attendee in attendees)
        return [_attendee_view(attendee, users.get(attendee.user_id)) for attendee in attendees]


def _statistics(counts: Sequence[CategoryCount], stats: EntryStats) -> dict[str, object]:
    return {
        "total_seats": sum(count.total for count in counts),
        "seats_sold": sum(count.sold for count in counts),
        "seats_held": sum(count.held for count in counts),
        "seats_available": sum(count.available for count in counts),
        "seats_blocked": sum(count.blocked for count in counts),
        "checked_in": stats.checked_in,
        "scans_by_result": {result: stats.scans_by_result.get(result, 0) for result in ScanResult},
        "scans_per_minute": stats.scans_per_minute,
    }


def _attendee_view(attendee: Attendee, user: UserFacts | None) -> AttendeeView:
    name, email = (user.display_name, user.email) if user else (DELETED_USER, None)
    return AttendeeView(**asdict(attendee), name=name, email=email)


def _scan_view(logged: LoggedScan) -> ScanView:
    scan = asdict(logged.scan) | {"hall_expected": logged.scan.hall_expected or None, "reason": logged.reason}
    return ScanView(scan_id=logged.scan_id, result=logged.result, logged_at=logged.logged_at, **scan)
