"""Staff undo an admission (T12): the ticket can be scanned again, and the log shows who undid it and why."""

import asyncio
import uuid
from typing import Any

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeConcert, MakeStaff
from tests.e2e.scanner import ScannerClient, Ticket, end_event, new_nonce
from tests.e2e.user_client import ApiResponse, UserClient
from tests.support.waiting import eventually


@pytest.fixture
async def scan(scanner: ScannerClient, ticket: Ticket) -> dict[str, Any]:
    """The scan that admitted the ticket's owner."""
    decision: dict[str, Any] = (await scanner.scan(scanner.code_for(ticket))).data
    assert decision["result"] == "SUCCESS"
    return decision


async def results_of(scanner: ScannerClient, ticket: Ticket) -> list[str]:
    """Return the log of the ticket's event, oldest first."""
    return [entry["result"] for entry in await scanner.scans_of(ticket.event_id)][::-1]


async def checked_in(admin: UserClient, event_id: str) -> int:
    stats: dict[str, Any] = (await admin.get(f"/admin/events/{event_id}/dashboard")).data["stats"]
    return int(stats["checked_in"])


async def test_undone_ticket_is_admitted_again(
    scanner: ScannerClient, fan: UserClient, ticket: Ticket, scan: dict[str, Any]
) -> None:
    assert await checked_in(scanner.admin, ticket.event_id) == 1

    undone = (await scanner.undo(ticket.seat_id, scan_id=scan["scan_id"])).data

    assert undone == {
        "seat_id": ticket.seat_id,
        "row_number": "B",
        "seat_number": 1,
        "undone_at": undone["undone_at"],
    }
    assert (await fan.get("/tickets")).data[0]["status"] == "SOLD"
    assert await checked_in(scanner.admin, ticket.event_id) == 0
    logged = (await scanner.scans_of(ticket.event_id))[0]
    assert logged.pop("scan_id") != scan["scan_id"]
    assert logged == {
        "result": "UNDONE",
        "seat_id": ticket.seat_id,
        "event_id": ticket.event_id,
        "ticket_user_id": fan.user_id,
        "staff_user_id": scanner.staff.user_id,
        "hall_presented": "HALL-A",
        "hall_expected": "HALL-A",
        "scanned_at": None,
        "logged_at": undone["undone_at"],
        "reason": "scanned by mistake",
    }
    assert await scanner.result_of(scanner.code_for(ticket)) == "SUCCESS"
    assert await results_of(scanner, ticket) == ["SUCCESS", "UNDONE", "SUCCESS"]
    stats = (await scanner.admin.get(f"/admin/events/{ticket.event_id}/dashboard")).data["stats"]
    assert (stats["checked_in"], stats["scans_by_result"]["UNDONE"]) == (1, 1)
    assert sum(minute["scans"] for minute in stats["scans_per_minute"]) == 2


@pytest.mark.usefixtures("scan")
async def test_undone_ticket_can_be_refunded(scanner: ScannerClient, fan: UserClient, ticket: Ticket) -> None:
    order_id = (await fan.get("/orders")).data[0]["order_id"]
    assert (await fan.post(f"/orders/{order_id}/refund")).refused()[0] == 409
    await scanner.undo(ticket.seat_id)
    assert (await fan.post(f"/orders/{order_id}/refund")).status == 200
    assert (await scanner.undo(ticket.seat_id)).refused() == (409, "ORDER_INVALID_STATE")


@pytest.mark.usefixtures("scan")
async def test_repeated_undo_returns_the_first_answer(scanner: ScannerClient, ticket: Ticket) -> None:
    key = f"undo-{uuid.uuid4()}"
    first = await scanner.undo(ticket.seat_id, key=key)
    assert await scanner.result_of(scanner.code_for(ticket)) == "SUCCESS"
    again = await scanner.undo(ticket.seat_id, key=key)
    assert again.data == first.data
    assert await results_of(scanner, ticket) == ["SUCCESS", "UNDONE", "SUCCESS"]
    other = await scanner.undo(ticket.seat_id, key=key, reason="another reason")
    assert other.refused() == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_repeated_nonce_of_an_undone_scan_is_no_admission(scanner: ScannerClient, ticket: Ticket) -> None:
    nonce, code = new_nonce(), scanner.code_for(ticket)
    assert await scanner.result_of(code, nonce=nonce) == "SUCCESS"
    await scanner.undo(ticket.seat_id)
    repeated = (await scanner.scan(code, nonce=nonce)).data
    assert (repeated["result"], repeated["admitted_at"]) == ("UNDONE", None)
    assert repeated["message"] == "The admission was undone: scan the ticket again"


@pytest.mark.usefixtures("scan")
async def test_one_of_many_concurrent_undos_succeeds(scanner: ScannerClient, ticket: Ticket) -> None:
    answers = await asyncio.gather(*(scanner.undo(ticket.seat_id) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9
    assert await results_of(scanner, ticket) == ["SUCCESS", "UNDONE"]


async def test_undo_of_an_earlier_scan_does_not_undo_the_present_one(
    scanner: ScannerClient, ticket: Ticket, scan: dict[str, Any]
) -> None:
    await scanner.undo(ticket.seat_id)
    assert await scanner.result_of(scanner.code_for(ticket)) == "SUCCESS"
    late = await scanner.undo(ticket.seat_id, scan_id=scan["scan_id"])
    assert late.refused() == (409, "ORDER_INVALID_STATE")
    assert await results_of(scanner, ticket) == ["SUCCESS", "UNDONE", "SUCCESS"]


async def test_ticket_without_an_admission_is_refused(scanner: ScannerClient, ticket: Ticket) -> None:
    assert (await scanner.undo(ticket.seat_id)).refused() == (409, "ORDER_INVALID_STATE")
    assert (await scanner.undo(str(uuid.uuid4()))).refused() == (404, "SEAT_NOT_FOUND")
    assert await results_of(scanner, ticket) == []


@pytest.mark.usefixtures("scan")
async def test_undo_elsewhere_is_refused(scanner: ScannerClient, new_concert: MakeConcert, ticket: Ticket) -> None:
    other_event = (await new_concert()).event_id
    places: list[dict[str, Any]] = [
        {"hall_id": "HALL-B"},
        {"hall_id": "HALL-A", "venue_id": str(uuid.uuid4())},
        {"event_id": other_event},
    ]
    for place in places:
        assert (await scanner.undo(ticket.seat_id, **place)).refused() == (403, "FORBIDDEN")
    assert await results_of(scanner, ticket) == ["SUCCESS"]


@pytest.mark.usefixtures("scan")
async def test_staff_undo_admissions_of_their_assigned_place_only(
    scanner: ScannerClient, new_concert: MakeConcert, new_staff: MakeStaff, ticket: Ticket
) -> None:
    other = await new_concert(hall_id="HALL-B")
    own = (await scanner.admin.get(f"/events/{ticket.event_id}")).data["venue"]["venue_id"]
    elsewhere, of_the_venue, unassigned = [await new_staff(venue_id=venue) for venue in (str(uuid.uuid4()), own, None)]
    for place in ({"hall_id": "HALL-A"}, {"hall_id": "HALL-A", "venue_id": own}, {}):
        assert (await scanner.undo(ticket.seat_id, by=elsewhere, **place)).refused() == (403, "FORBIDDEN")
    in_hall_b = await scanner.undo(other.seats["CAT1"][0], by=of_the_venue, hall_id="HALL-B")
    assert in_hall_b.refused() == (403, "FORBIDDEN")

    assert (await scanner.undo(ticket.seat_id, by=of_the_venue, hall_id="HALL-A")).status == 200
    assert await scanner.result_of(scanner.code_for(ticket)) == "SUCCESS"
    assert (await scanner.undo(ticket.seat_id, by=unassigned, hall_id="HALL-A")).status == 200


@pytest.mark.usefixtures("scan")
async def test_undo_after_the_end_is_refused(platform: Stack, scanner: ScannerClient, ticket: Ticket) -> None:
    await end_event(platform, ticket.event_id)

    async def refused() -> ApiResponse:
        answer = await scanner.undo(ticket.seat_id, scan_id=str(uuid.uuid4()))  # of no admission: undoes nothing
        assert answer.code == "EVENT_ENDED"
        return answer

    assert (await eventually(refused)).status == 410  # the orchestrator may know the event's end for some seconds
    assert (await scanner.undo(ticket.seat_id)).refused() == (410, "EVENT_ENDED")
    assert await results_of(scanner, ticket) == ["SUCCESS"]


@pytest.mark.usefixtures("scan")
async def test_only_staff_and_admins_undo(
    scanner: ScannerClient, fan: UserClient, anonymous: UserClient, ticket: Ticket
) -> None:
    assert (await scanner.undo(ticket.seat_id, by=fan)).refused() == (403, "FORBIDDEN")
    assert (await scanner.undo(ticket.seat_id, by=anonymous)).refused() == (401, "UNAUTHORIZED")
    assert (await scanner.undo(ticket.seat_id, by=scanner.admin)).refused() == (400, "VALIDATION_ERROR")
    assert (await scanner.undo(ticket.seat_id, by=scanner.admin, hall_id="HALL-A")).status == 200


@pytest.mark.parametrize("change", [{"reason": " "}, {"reason": "r" * 501}, {"reason": None}, {"scan_id": "5"}])
async def test_malformed(scanner: ScannerClient, ticket: Ticket, change: dict[str, Any]) -> None:
    assert (await scanner.undo(ticket.seat_id, **change)).refused()[0] == 400
