"""Admits fans, undoes that, and logs and lists scans."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from inventory.metrics import CHECK_INS_UNDONE, SCANS
from inventory.repository.check_in import CheckInRepository
from inventory.repository.requests import Change
from inventory.schemas import EntryStats, LoggedScan, Scan, ScanOutcome, ScanResult, SeatStatus, UndoCheckIn
from inventory.seat_changes import SeatChangePublisher
from inventory.service.refusals import refusal_to_undo_check_in


@dataclass(frozen=True, slots=True)
class CheckInService:
    scan_log: CheckInRepository
    changes: SeatChangePublisher

    async def check_in(self, scan_id: uuid.UUID, scan: Scan) -> ScanOutcome:
        """Admit the owner of a sold seat, once, and log the scan. A repeated scan gets its first outcome, or UNDONE.

        Raises:
            Busy: not decided; retry with the same scan id.
        """
        decided = await self.scan_log.check_in(scan_id, scan)
        if decided.is_new and decided.result.result is ScanResult.SUCCESS and scan.event_id and scan.seat_id:
            self.changes.add(scan.event_id, [scan.seat_id], SeatStatus.CHECKED_IN)
        return self._report(decided)

    async def log(self, scan_id: uuid.UUID, scan: Scan, result: ScanResult) -> ScanOutcome:
        """Log a scan that was decided without a check-in. A repeated scan gets its first outcome, or UNDONE."""
        return self._report(await self.scan_log.log(scan_id, scan, result))

    async def undo(self, command: UndoCheckIn) -> datetime:
        """CHECKED_IN -> SOLD, logged with the reason; return when. A repeated request gets the first answer.

        Raises:
            SeatNotFound: the event has no such seat.
            NotCheckedIn: the ticket is not checked in, or another scan checked it in.
            EventEnded: the event has ended.
            Busy: not decided; retry with the same request id.
        """
        undone = await self.scan_log.undo(command)
        if undone.change is None:
            return await self.scan_log.refuse_undo(command, refusal_to_undo_check_in(undone.status, command))
        if undone.change.is_new:
            CHECK_INS_UNDONE.inc()
            self.changes.add(command.event_id, [command.seat_id], SeatStatus.SOLD)
        return undone.change.result

    def _report(self, decided: Change[ScanOutcome]) -> ScanOutcome:
        if decided.is_new:
            SCANS.labels(decided.result.result).inc()
        return decided.result

    async def scans(
        self, event_id: uuid.UUID | None, *, offset: int, limit: int, ticket_user_id: uuid.UUID | None = None
    ) -> tuple[list[LoggedScan], int]:
        """Return a page of the event's scans, or of those without an event, newest first, and their total."""
        return await self.scan_log.scans(event_id, offset=offset, limit=limit, ticket_user_id=ticket_user_id)

    async def stats(self, event_id: uuid.UUID, *, minutes: int) -> EntryStats:
        """Count the event's checked-in seats, its log by result, and the scans of the last `minutes` by minute."""
        return await self.scan_log.stats(event_id, minutes=minutes)
