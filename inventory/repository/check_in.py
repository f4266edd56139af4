"""Checks fans in, undoes that, and logs and lists scans."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.sql import Executable

from common.db.engine import Database, Row
from common.db.idempotency import SELECT_ANSWER, IdempotencyStore, ParticipantRequest
from common.db.retention import Retention
from common.errors import ServiceError
from common.fields import EARLIEST, LATEST
from common.pages import COUNT_LIMIT, MAX_COUNTED
from common.rows import readable
from inventory.repository.fragments import PRIOR, STORE_RESULT
from inventory.repository.requests import Change, change_of
from inventory.schemas import (
    EntryStats,
    LoggedScan,
    MinuteCount,
    Scan,
    ScanOutcome,
    ScanResult,
    SeatStatus,
    UndoCheckIn,
)

# A code that names no event of ours admitted no fan. Scans of an event are kept with its tickets.
UNKNOWN_SCANS_RETENTION: Final = Retention(
    table="entry_logs", aged_by="logged_at", keep_days=365, condition="event_id IS NULL"
)

# Writes `verdict` (result, admitted_at, at; no row if the scan has a result) to the log and to the stored results. Returns
# a repeated scan's result with the present admission of its seat, which may be another one than its own.
_LOG_AND_STORE: Final = f"""
    logged AS (
        INSERT INTO entry_logs (scan_id, event_id, seat_id, staff_user_id, ticket_user_id, hall_presented,
            hall_expected, result, scanned_at, logged_at)
        SELECT CAST(:request_id AS uuid), CAST(:event_id AS uuid), CAST(:seat_id AS uuid),
            CAST(:staff_user_id AS uuid), CAST(:ticket_user_id AS uuid), CAST(:hall_presented AS text),
            CAST(:hall_expected AS text), result, CAST(:scanned_at AS timestamptz), at
        FROM verdict),
    remembered AS ({STORE_RESULT} 'result', result, 'admitted_at', admitted_at))
        FROM verdict
        RETURNING result)
    {SELECT_ANSWER}, (
        SELECT admitted_at FROM seats WHERE seat_id = CAST(:seat_id AS uuid) AND EXISTS (SELECT FROM prior)) AS admitted_at
"""  # noqa: S608 - built of constants

# The decision is made on the locked row: of several scanners at once, the first changes it and the others see the change.
# They cannot rely on the log, as their snapshots may be older than the first one's entry.
_CHECK_IN: Final = text(
    f"""
    WITH {PRIOR},
    locked AS MATERIALIZED (
        SELECT seat_id, status, owner_user_id, admitted_at FROM seats
        WHERE seat_id = CAST(:seat_id AS uuid) AND event_id = CAST(:event_id AS uuid)
            AND NOT EXISTS (SELECT FROM prior)
        FOR UPDATE),
    decision AS MATERIALIZED (
        SELECT CASE
                WHEN seat_id IS NULL THEN 'NOT_FOUND'
                WHEN owner_user_id IS NULL THEN 'UNPAID'
                WHEN owner_user_id <> CAST(:ticket_user_id AS uuid) THEN 'NOT_OWNER'
                WHEN status = 'CHECKED_IN' THEN 'DUPLICATE'
                WHEN status = 'LISTED' THEN 'EXPIRED'
                ELSE 'SUCCESS' END AS result,
            admitted_at, clock_timestamp() AS at
        FROM (VALUES (1)) AS scan LEFT JOIN locked ON true
        WHERE NOT EXISTS (SELECT FROM prior)),
    verdict AS MATERIALIZED (
        SELECT result, at, CASE result WHEN 'SUCCESS' THEN at WHEN 'DUPLICATE' THEN admitted_at END AS admitted_at
        FROM decision),
    admitted AS (
        UPDATE seats SET status = 'CHECKED_IN', admitted_at = (SELECT at FROM verdict), version = version + 1
        WHERE seat_id = CAST(:seat_id AS uuid) AND (SELECT result FROM verdict) = 'SUCCESS'),
    {_LOG_AND_STORE}
    """  # noqa: S608 - built of constants
)

_LOG: Final = text(
    f"""
    WITH {PRIOR},
    verdict AS MATERIALIZED (
        SELECT CAST(:result AS text) AS result, CAST(NULL AS timestamptz) AS admitted_at, clock_timestamp() AS at
        WHERE NOT EXISTS (SELECT FROM prior)),
    {_LOG_AND_STORE}
    """  # noqa: S608 - built of constants
)

# As a scan, the undo decides on the locked row: of an undo and a scan at once, the second sees the first one's change.
# An admission is recognised by its time, which the seat shares with the log.
_UNDO: Final = text(
    f"""
    WITH {PRIOR},
    admission AS MATERIALIZED (
        SELECT logged_at FROM entry_logs
        WHERE scan_id = CAST(:scan_id AS uuid) AND seat_id = CAST(:seat_id AS uuid) AND result = 'SUCCESS'),
    locked AS MATERIALIZED (
        SELECT status, owner_user_id, admitted_at FROM seats
        WHERE seat_id = CAST(:seat_id AS uuid) AND event_id = CAST(:event_id AS uuid)
            AND NOT EXISTS (SELECT FROM prior)
        FOR UPDATE),
    decision AS MATERIALIZED (
        SELECT owner_user_id, clock_timestamp() AS at FROM locked
        WHERE status = 'CHECKED_IN' AND clock_timestamp() < CAST(:ends_at AS timestamptz)
            AND (CAST(:scan_id AS uuid) IS NULL OR admitted_at = (SELECT logged_at FROM admission))),
    withdrawn AS (
        UPDATE seats SET status = 'SOLD', admitted_at = NULL, version = version + 1
        WHERE seat_id = CAST(:seat_id AS uuid) AND EXISTS (SELECT FROM decision)),
    logged AS (
        INSERT INTO entry_logs (scan_id, event_id, seat_id, staff_user_id, ticket_user_id, hall_presented,
            hall_expected, result, logged_at, reason)
        SELECT CAST(:request_id AS uuid), CAST(:event_id AS uuid), CAST(:seat_id AS uuid),
            CAST(:staff_user_id AS uuid), owner_user_id, CAST(:hall_presented AS text), CAST(:hall_expected AS text),
            'UNDONE', at, CAST(:reason AS text)
        FROM decision),
    remembered AS ({STORE_RESULT} 'undone_at', at))
        FROM decision
        RETURNING result)
    {SELECT_ANSWER}, (SELECT status FROM locked) AS status
    """  # noqa: S608 - built of constants
)

# Two conditions, because IS NOT DISTINCT FROM cannot use an index.
_OF_EVENT: Final = "event_id = CAST(:event_id AS uuid)"
_OF_NO_EVENT: Final = "event_id IS NULL"
_OF_USER: Final = f"{_OF_EVENT} AND ticket_user_id = CAST(:ticket_user_id AS uuid)"

# An earlier release stored the time of a scanner without a clock.
_SCANS: Final = """
    SELECT scan_id, event_id, seat_id, staff_user_id, ticket_user_id, hall_presented, hall_expected, result,
        CASE WHEN isfinite(scanned_at) THEN scanned_at END AS scanned_at, logged_at, reason
    FROM entry_logs WHERE {condition}
    ORDER BY logged_at DESC, scan_id DESC LIMIT CAST(:limit AS int) OFFSET CAST(:offset AS int)
"""

_SCANS_OF_EVENT: Final = text(_SCANS.format(condition=_OF_EVENT))
_SCANS_OF_NO_EVENT: Final = text(_SCANS.format(condition=_OF_NO_EVENT))
_SCANS_OF_USER: Final = text(_SCANS.format(condition=_OF_USER))
_COUNT_OF_EVENT: Final = text(f"SELECT count(*) FROM entry_logs WHERE {_OF_EVENT}")  # noqa: S608 - constants only
_COUNT_OF_USER: Final = text(f"SELECT count(*) FROM entry_logs WHERE {_OF_USER}")  # noqa: S608 - constants only
# As in `common.db.pages`: everyone's unreadable codes are more than the scans of an event.
_COUNT_OF_NO_EVENT: Final = text(
    f"SELECT count(*) FROM (SELECT FROM entry_logs WHERE {_OF_NO_EVENT} LIMIT {COUNT_LIMIT}) AS counted"  # noqa: S608 - constants only
)

_RESULTS: Final = text(
    """
    SELECT result, count(*) AS scans FROM entry_logs
    WHERE event_id = CAST(:event_id AS uuid) GROUP BY result ORDER BY result
    """
)

_CHECKED_IN: Final = text(
    "SELECT count(*) AS seats FROM seats WHERE event_id = CAST(:event_id AS uuid) AND status = 'CHECKED_IN'"
)

# The current minute is one of them.
_MINUTES: Final = text(
    """
    SELECT date_trunc('minute', logged_at, 'UTC') AS minute, count(*) AS scans,
        count(*) FILTER (WHERE result = 'SUCCESS') AS admitted
    FROM entry_logs
    WHERE event_id = CAST(:event_id AS uuid)
        AND logged_at >= (SELECT date_trunc('minute', clock_timestamp(), 'UTC'))
            - (CAST(:minutes AS int) - 1) * interval '1 minute'
        AND result <> 'UNDONE'
    GROUP BY 1 ORDER BY 1
    """
)


_read_outcome: Final = TypeAdapter(ScanOutcome).validate_python
_read_instant: Final = TypeAdapter(datetime).validate_python


@dataclass(frozen=True, slots=True)
class Undone:
    """An admission that was withdrawn; None if it could not be, because of the seat's `status` (None: no such seat)."""

    change: Change[datetime] | None
    status: SeatStatus | None


class CheckInRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._requests = IdempotencyStore(database)

    async def check_in(self, scan_id: uuid.UUID, scan: Scan) -> Change[ScanOutcome]:
        """Admit the ticket's user, if they own the seat and it was not used; log the scan in any case.

        A repeated scan gets its first outcome; UNDONE if that was an admission that is withdrawn.

        Raises:
            Busy: the seat could not be locked in time; nothing was decided.
        """
        return await self._decide(scan_id, scan, _CHECK_IN, _columns_of(scan))

    async def log(self, scan_id: uuid.UUID, scan: Scan, result: ScanResult) -> Change[ScanOutcome]:
        """Log a scan that was decided already. If the scan has an outcome, return that, as `check_in` does."""
        return await self._decide(scan_id, scan, _LOG, {**_columns_of(scan), "result": result})

    async def undo(self, command: UndoCheckIn) -> Undone:
        """Withdraw a checked-in seat's admission before the event's end, and log it.

        Raises:
            Busy: the seat could not be locked in time; nothing was decided.
            ServiceError: the refusal stored for this request.
        """
        attempt = await self._requests.attempt(_request_to_undo(command), _UNDO, asdict(command))
        change = change_of(attempt, lambda done: _read_instant(done["undone_at"]))
        status = attempt.row["status"]
        return Undone(change, status and SeatStatus(status))

    async def refuse_undo(self, command: UndoCheckIn, refusal: ServiceError) -> datetime:
        """Store the refusal and raise it. If a result was stored meanwhile, return that."""
        return _read_instant((await self._requests.store_refusal(_request_to_undo(command), refusal))["undone_at"])

    async def _decide(
        self, scan_id: uuid.UUID, scan: Scan, statement: Executable, parameters: Mapping[str, object]
    ) -> Change[ScanOutcome]:
        attempt = await self._requests.attempt(_request_of(scan_id, scan), statement, parameters)
        change = change_of(attempt, _read_outcome)
        assert change is not None  # noqa: S101 - every scan has a result
        is_admission = attempt.is_replay and change.result.result is ScanResult.SUCCESS
        if is_admission and change.result.admitted_at != attempt.row["admitted_at"]:
            return Change(ScanOutcome(result=ScanResult.UNDONE, admitted_at=None), is_new=False)
        return change

    async def scans(
        self, event_id: uuid.UUID | None, *, offset: int, limit: int, ticket_user_id: uuid.UUID | None = None
    ) -> tuple[list[LoggedScan], int]:
        """Return a page of an event's scans, or of those without an event, newest first, and their total.

        The latter are counted to `COUNT_LIMIT`, and an offset beyond `MAX_COUNTED` is read at `MAX_COUNTED`.

        Args:
            ticket_user_id: only the event's scans whose code named this user. It reads all scans of the event.
        """
        offset = offset if event_id else min(offset, MAX_COUNTED)
        parameters = {"event_id": event_id, "ticket_user_id": ticket_user_id, "offset": offset, "limit": limit}
        if event_id is None:
            page, count = _SCANS_OF_NO_EVENT, _COUNT_OF_NO_EVENT
        else:
            page, count = (_SCANS_OF_USER, _COUNT_OF_USER) if ticket_user_id else (_SCANS_OF_EVENT, _COUNT_OF_EVENT)
        rows = await self._database.fetch_all(page, parameters)
        total = await self._database.fetch_one(count, parameters)
        return readable(rows, _logged_scan, of="entry_logs"), int(total["count"]) if total else 0

    async def stats(self, event_id: uuid.UUID, *, minutes: int) -> EntryStats:
        """Count an event's checked-in seats, its log by result, and the scans of the last `minutes` by minute."""
        inside = await self._database.fetch_one(_CHECKED_IN, {"event_id": event_id})
        results = await self._database.fetch_all(_RESULTS, {"event_id": event_id})
        by_minute = await self._database.fetch_all(_MINUTES, {"event_id": event_id, "minutes": minutes})
        return EntryStats(
            checked_in=int(inside["seats"]) if inside else 0,
            result_counts={ScanResult(row["result"]): row["scans"] for row in results},
            minute_counts=[MinuteCount(**row) for row in by_minute],
        )


def _columns_of(scan: Scan) -> dict[str, object]:
    """Return what is stored of a scan.

    An orchestrator of the previous release passes on the year 1 of a scanner without a clock; the fingerprint keeps it.
    """
    at = scan.scanned_at
    return asdict(scan) | {"scanned_at": at if at and EARLIEST <= at <= LATEST else None}


def _request_of(scan_id: uuid.UUID, scan: Scan) -> ParticipantRequest:
    """Return the scan's request, which is the same for both operations and does not depend on the expected hall."""
    sent = {name: value for name, value in asdict(scan).items() if name != "hall_expected"}
    return ParticipantRequest.of(scan_id, "Scan", **sent)


def _request_to_undo(command: UndoCheckIn) -> ParticipantRequest:
    """Return the undo's request, which does not depend on the event's facts."""
    arguments = {name: value for name, value in asdict(command).items() if name not in {"hall_expected", "ends_at"}}
    return ParticipantRequest.of(arguments.pop("request_id"), "UndoCheckIn", **arguments)


def _logged_scan(row: Row) -> LoggedScan:
    scan = Scan(**{field.name: row[field.name] for field in fields(Scan)})
    return LoggedScan(
        scan_id=row["scan_id"],
        scan=scan,
        result=ScanResult(row["result"]),
        logged_at=row["logged_at"],
        reason=row["reason"],
    )
