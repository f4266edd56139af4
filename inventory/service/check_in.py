"""The door: who is admitted, and what was scanned."""

import uuid

from inventory.metrics import SCANS
from inventory.repository.check_in import CheckInRepository, Decided
from inventory.schemas import EntryStats, LoggedScan, Scan, ScanOutcome, ScanResult, SeatStatus
from inventory.seat_changes import SeatChanges

__all__ = ["CheckInService"]


class CheckInService:
    def __init__(self, entrance: CheckInRepository, changes: SeatChanges) -> None:
        self._entrance = entrance
        self._changes = changes

    async def check_in(self, scan_id: uuid.UUID, scan: Scan) -> ScanOutcome:
        """Admit the owner of a sold seat, once, and log the scan. A repeated scan is told what came of it first.

        Raises:
            Busy: not decided; ask again with the same scan id.
        """
        decided = await self._entrance.check_in(scan_id, scan)
        if decided.is_new and decided.outcome.result is ScanResult.SUCCESS and scan.event_id and scan.seat_id:
            self._changes.note(scan.event_id, [scan.seat_id], SeatStatus.CHECKED_IN)
        return self._report(decided)

    async def log(self, scan_id: uuid.UUID, scan: Scan, result: ScanResult) -> ScanOutcome:
        """Log a scan that was decided without a check-in. A repeated scan is told what came of it first."""
        return self._report(await self._entrance.log(scan_id, scan, result))

    def _report(self, decided: Decided) -> ScanOutcome:
        if decided.is_new:
            SCANS.labels(decided.outcome.result).inc()
        return decided.outcome

    async def scans(self, event_id: uuid.UUID | None, *, offset: int, limit: int) -> tuple[list[LoggedScan], int]:
        """Return a page of the event's scans, or of those that name no event, newest first, and their number."""
        return await self._entrance.scans(event_id, offset=offset, limit=limit)

    async def stats(self, event_id: uuid.UUID, *, minutes: int) -> EntryStats:
        """Count the event's scans by result, and those of the last so many minutes by minute."""
        return await self._entrance.stats(event_id, minutes=minutes)
