"""What admins see and do for an event (T15): sales, entries, attendees, their export, blocked seats."""

import codecs
import csv
import io
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from common.pages import COUNT_LIMIT
from devstack.stack import Stack
from orchestrator.features.event_admin import service as event_admin_service
from tests.e2e.conftest import MakeFan
from tests.e2e.in_process import InProcessServices
from tests.e2e.scanner import ScannerClient, Ticket, buy
from tests.e2e.user_client import ApiResponse, Concert, UserClient
from tests.support.http_client import http_client
from tests.support.waiting import eventually

UNKNOWN = str(uuid.uuid4())
READS = ("dashboard", "export.csv", "scans")


async def export(platform: Stack, admin: UserClient, event_id: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {admin.token}"}
    async with http_client(platform.urls.gateway, headers=headers) as http:
        return await http.get(f"/api/admin/events/{event_id}/export.csv")


def rows_of(sheet: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet.text, newline=""), strict=True))


async def block(
    admin: UserClient, event_id: str, *seat_ids: str, undo: bool = False, key: str | None = None
) -> ApiResponse:
    path = f"/admin/events/{event_id}/seats/{'unblock' if undo else 'block'}"
    return await admin.post(path, {"seat_ids": list(seat_ids)}, key=key)


class TestDashboard:
    async def test_sales_and_entries(self, scanner: ScannerClient, fan: UserClient, concert: Concert) -> None:
        began = datetime.now(UTC).replace(second=0, microsecond=0)
        first, second, held, blocked, *_ = concert.seats["CAT2"]
        tickets = [await buy(fan, concert, seat_id) for seat_id in (first, second)]
        await fan.reserve(concert.event_id, held)
        await block(scanner.admin, concert.event_id, blocked)
        for _ in range(2):
            await scanner.scan(scanner.code_for(tickets[0]))
        await scanner.scan(scanner.code_for(tickets[1]), hall="HALL-B")

        async def figures() -> dict[str, Any]:
            stats: dict[str, Any] = (await scanner.admin.get(f"/admin/events/{concert.event_id}/dashboard")).data[
                "stats"
            ]
            assert (stats["seats_sold"], stats["seats_held"], stats["seats_blocked"]) == (2, 1, 1)
            return stats

        stats = await eventually(figures)  # seat counts are at most a second old
        minutes = stats.pop("scans_per_minute")
        assert stats == {
            "total_seats": 24,
            "seats_sold": 2,
            "seats_held": 1,
            "seats_available": 20,
            "seats_blocked": 1,
            "checked_in": 1,
            "revenue": "200.00",
            "scans_by_result": {"SUCCESS": 1, "DUPLICATE": 1, "WRONG_HALL": 1, "UNPAID": 0, "NOT_FOUND": 0,
                                "EXPIRED": 0, "NOT_OWNER": 0, "QR_INVALID": 0, "WRONG_EVENT": 0, "UNDONE": 0, "UNKNOWN": 0},
        }  # fmt: skip
        assert sum(minute["scans"] for minute in minutes) == 3
        assert sum(minute["admitted"] for minute in minutes) == 1
        assert began <= datetime.fromisoformat(minutes[0]["minute"]) <= datetime.now(UTC)

    async def test_attendees_by_pages_in_hall_order(
        self, scanner: ScannerClient, fan: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        other = await new_fan()
        row = concert.seats["CAT2"]
        await buy(fan, concert, row[2])
        await buy(other, concert, row[0])
        used = await buy(fan, concert, row[1])
        await scanner.scan(scanner.code_for(used))
        path = f"/admin/events/{concert.event_id}/dashboard"
        pages = [await scanner.admin.get(path, page=page, per_page=2) for page in (1, 2, 3)]
        assert [len(page.data["attendees"]) for page in pages] == [2, 1, 0]
        assert pages[0].body["pagination"] == {"page": 1, "per_page": 2, "total": 3, "total_pages": 2}
        attendees = [attendee for page in pages for attendee in page.data["attendees"]]
        assert [attendee["seat_id"] for attendee in attendees] == list(row[:3])
        assert [attendee["status"] for attendee in attendees] == ["SOLD", "CHECKED_IN", "SOLD"]
        assert [attendee["email"] for attendee in attendees] == [other.email, fan.email, fan.email]
        created_at, updated_at = (
            datetime.fromisoformat(attendees[0].pop(f"{done}_at")) for done in ("created", "updated")
        )
        bought_at = datetime.fromisoformat(attendees[0].pop("purchased_at"))
        assert created_at < bought_at <= updated_at
        assert timedelta(0) < datetime.now(UTC) - bought_at < timedelta(minutes=1)
        assert attendees[0] == {
            "seat_id": row[0],
            "category": "CAT2",
            "row_number": "B",
            "seat_number": 1,
            "status": "SOLD",
            "user_id": other.user_id,
            "name": other.email.partition("@")[0],
            "email": other.email,
            "price_paid": "100.00",
        }

    async def test_event_without_attendees(self, scanner: ScannerClient, concert: Concert) -> None:
        dashboard = await scanner.admin.get(f"/admin/events/{concert.event_id}/dashboard")
        assert dashboard.data["attendees"] == []
        assert dashboard.body["pagination"]["total"] == 0
        assert (dashboard.data["stats"]["revenue"], dashboard.data["stats"]["scans_per_minute"]) == ("0.00", [])


class TestExport:
    async def test_every_attendee_in_hall_order(
        self, platform: Stack, scanner: ScannerClient, fan: UserClient, ticket: Ticket
    ) -> None:
        sheet = await export(platform, scanner.admin, ticket.event_id)
        assert sheet.status_code == 200
        assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
        assert sheet.headers["content-disposition"] == f'attachment; filename="attendees-{ticket.event_id}.csv"'
        [row] = rows_of(sheet)
        assert (row["seat_id"], row["email"], row["price_paid"]) == (ticket.seat_id, fan.email, "100.00")

    async def test_export_is_read_page_by_page(
        self, in_process: InProcessServices, fan: UserClient, concert: Concert, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_admin_service, "EXPORT_PAGE", 2)
        seats = concert.seats["CAT2"][:5]
        for seat_id in reversed(seats):
            await buy(fan, concert, seat_id)
        pieces = [piece async for piece in await in_process.event_admin_service().export(uuid.UUID(concert.event_id))]
        assert [piece.count(b"\r\n") for piece in pieces] == [1 + 2, 2, 1]
        rows = csv.DictReader(io.StringIO(b"".join(pieces).decode(), newline=""), strict=True)
        assert [row["seat_id"] for row in rows] == list(seats)

    async def test_event_without_attendees(self, platform: Stack, scanner: ScannerClient, concert: Concert) -> None:
        sheet = await export(platform, scanner.admin, concert.event_id)
        assert sheet.content.startswith(codecs.BOM_UTF8 + b"category,row_number,")
        assert rows_of(sheet) == []


class TestBlocking:
    async def test_blocked_seats_are_off_sale_until_unblocked(
        self, admin: UserClient, fan: UserClient, concert: Concert
    ) -> None:
        first, second, third, *_ = concert.seats["CAT1"]
        assert (await block(admin, concert.event_id, first, second)).data == {"seats_changed": 2}
        assert (await fan.reserve(concert.event_id, second, third)).refused() == (409, "SEAT_UNAVAILABLE")
        assert (await block(admin, concert.event_id, second, undo=True)).data == {"seats_changed": 1}
        assert (await fan.reserve(concert.event_id, second, third)).status == 200

    async def test_taken_seat_blocks_none_of_the_request(
        self, admin: UserClient, fan: UserClient, concert: Concert
    ) -> None:
        free, held, sold, *_ = concert.seats["CAT2"]
        await fan.reserve(concert.event_id, held)
        await buy(fan, concert, sold)
        assert (await block(admin, concert.event_id, free, held)).refused() == (409, "SEAT_UNAVAILABLE")
        assert (await block(admin, concert.event_id, free, sold)).refused()[0] == 409
        assert (await block(admin, concert.event_id, free, undo=True)).refused() == (409, "SEAT_UNAVAILABLE")
        assert (await fan.reserve(concert.event_id, free)).status == 200

    async def test_repeated_key(self, admin: UserClient, concert: Concert) -> None:
        first, second, *_ = concert.seats["CAT1"]
        for _ in range(2):
            assert (await block(admin, concert.event_id, first, key="k")).data == {"seats_changed": 1}
        assert (await block(admin, concert.event_id, second, key="k")).refused() == (422, "IDEMPOTENCY_KEY_REUSED")
        assert (await block(admin, concert.event_id, first, undo=True, key="k")).data == {"seats_changed": 1}

    @pytest.mark.parametrize("seat_ids", [[], [UNKNOWN, UNKNOWN], [str(uuid.uuid4()) for _ in range(1_001)]])
    async def test_malformed(self, admin: UserClient, concert: Concert, seat_ids: list[str]) -> None:
        assert (await block(admin, concert.event_id, *seat_ids)).refused() == (400, "VALIDATION_ERROR")

    async def test_unknown_seat_or_event(self, admin: UserClient, concert: Concert) -> None:
        assert (await block(admin, concert.event_id, UNKNOWN)).refused() == (404, "SEAT_NOT_FOUND")
        assert (await block(admin, UNKNOWN, concert.seats["CAT1"][0])).refused() == (404, "EVENT_NOT_FOUND")
        assert (await block(admin, concert.event_id, "5")).refused() == (400, "INVALID_UUID")


class TestAccess:
    @pytest.mark.parametrize("read", READS)
    async def test_only_admins_may_read(
        self, scanner: ScannerClient, fan: UserClient, anonymous: UserClient, read: str
    ) -> None:
        path = f"/admin/events/{UNKNOWN}/{read}"
        for user in (fan, scanner.staff):
            assert (await user.get(path)).refused() == (403, "FORBIDDEN")
            assert (await user.get("/admin/scans")).refused() == (403, "FORBIDDEN")
            assert (await block(user, UNKNOWN, UNKNOWN)).refused() == (403, "FORBIDDEN")
            assert (await block(user, UNKNOWN, UNKNOWN, undo=True)).refused() == (403, "FORBIDDEN")
        assert (await anonymous.get(path)).refused() == (401, "UNAUTHORIZED")

    @pytest.mark.parametrize("read", READS)
    async def test_unknown_event(self, admin: UserClient, read: str) -> None:
        assert (await admin.get(f"/admin/events/{UNKNOWN}/{read}")).refused() == (404, "EVENT_NOT_FOUND")
        assert (await admin.get(f"/admin/events/5/{read}")).refused() == (400, "INVALID_UUID")

    async def test_scans_by_pages_newest_first(self, scanner: ScannerClient, ticket: Ticket) -> None:
        halls = ["HALL-X", "HALL-Y", "HALL-Z"]
        for hall in halls:
            await scanner.scan(scanner.code_for(ticket), hall=hall)
        path = f"/admin/events/{ticket.event_id}/scans"
        pages = [await scanner.admin.get(path, page=page, per_page=2) for page in (1, 2)]
        assert [scan["hall_presented"] for page in pages for scan in page.data] == halls[::-1]
        assert pages[0].body["pagination"]["total"] == 3

    async def test_scans_of_an_event_are_counted_to_their_end(
        self, platform: Stack, admin: UserClient, concert: Concert
    ) -> None:
        connection = await asyncpg.connect(platform.urls.databases["inventory"].replace("+asyncpg", ""))
        try:
            await connection.execute(
                """INSERT INTO entry_logs (scan_id, event_id, staff_user_id, hall_presented, result, logged_at)
                   SELECT gen_random_uuid(), $1, gen_random_uuid(), 'HALL-A', 'NOT_FOUND', now()
                   FROM generate_series(1, $2)""",
                uuid.UUID(concert.event_id),
                COUNT_LIMIT,
            )
        finally:
            await connection.close()
        last = await admin.get(f"/admin/events/{concert.event_id}/scans", page=501, per_page=20)
        assert len(last.data) == 1
        assert last.body["pagination"] == {"page": 501, "per_page": 20, "total": COUNT_LIMIT, "total_pages": 501}
