"""Check-in (T12): a ticket admits once, and every scan is logged."""

import asyncio
import base64
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devstack.database import connected
from devstack.stack import Stack
from orchestrator.features.check_in.schemas import NamedPlace
from orchestrator.features.check_in.service import lookups
from orchestrator.features.check_in.service.check_in import PresentedCode
from tests.e2e.conftest import MakeConcert, MakeFan, MakeStaff
from tests.e2e.in_process import InProcessServices
from tests.e2e.scanner import ScannerClient, Ticket, buy, end_event, new_nonce
from tests.e2e.user_client import USER_PASSWORD, ApiResponse, Concert, UserClient
from tests.support.waiting import eventually

SCANNERS = 20


def admitted_at(answer: ApiResponse) -> datetime:
    return datetime.fromisoformat(answer.data["admitted_at"])


class TestVerify:
    async def test_owner_is_admitted(
        self, scanner: ScannerClient, fan: UserClient, ticket: Ticket, payload: str
    ) -> None:
        before = datetime.now(UTC)
        scanned_at = "2027-03-01T12:00:00Z"
        response = await scanner.scan(payload, scanned_at=scanned_at)
        assert response.status == 200
        assert timedelta(0) <= admitted_at(response) - before < timedelta(seconds=10)
        assert response.data == {
            "scan_id": response.data["scan_id"],
            "result": "SUCCESS",
            "seat_id": ticket.seat_id,
            "row_number": "B",
            "seat_number": 1,
            "owner_name": fan.email.partition("@")[0],
            "message": "Admitted",
            "admitted_at": response.data["admitted_at"],
        }
        assert (await fan.get("/tickets")).data[0]["status"] == "CHECKED_IN"
        [logged] = await scanner.scans_of(ticket.event_id)
        assert logged.pop("scan_id") == response.data["scan_id"]
        assert datetime.fromisoformat(logged.pop("logged_at")) >= before
        assert logged == {
            "result": "SUCCESS",
            "seat_id": ticket.seat_id,
            "event_id": ticket.event_id,
            "ticket_user_id": fan.user_id,
            "staff_user_id": scanner.staff.user_id,
            "hall_presented": "HALL-A",
            "hall_expected": "HALL-A",
            "scanned_at": scanned_at,
            "reason": None,
        }

    async def test_second_scan_returns_the_first_admission_time(self, scanner: ScannerClient, payload: str) -> None:
        first, second = await scanner.scan(payload), await scanner.scan(payload)
        assert (first.data["result"], second.data["result"]) == ("SUCCESS", "DUPLICATE")
        assert second.data["admitted_at"] == first.data["admitted_at"]
        local = admitted_at(first).astimezone(ZoneInfo("Asia/Singapore"))
        assert second.data["message"] == f"Admitted before, at {local:%H:%M:%S} Asia/Singapore (UTC+8)"

    async def test_second_code_of_a_ticket_does_not_admit_again(self, scanner: ScannerClient, ticket: Ticket) -> None:
        codes = [scanner.code_for(ticket) for _ in range(2)]
        assert [await scanner.result_of(code) for code in codes] == ["SUCCESS", "DUPLICATE"]

    async def test_unknown_seat(self, scanner: ScannerClient, fan: UserClient, concert: Concert) -> None:
        nowhere = Ticket(concert.event_id, str(uuid.uuid4()), fan.user_id)
        response = await scanner.scan(scanner.code_for(nowhere))
        assert response.data["result"] == "NOT_FOUND"
        assert (response.data["row_number"], response.data["seat_number"], response.data["owner_name"]) == (None,) * 3
        [logged] = await scanner.scans_of(concert.event_id)
        assert (logged["result"], logged["seat_id"]) == ("NOT_FOUND", nowhere.seat_id)

    async def test_unknown_event(self, scanner: ScannerClient, ticket: Ticket) -> None:
        elsewhere = Ticket(str(uuid.uuid4()), ticket.seat_id, ticket.user_id)
        assert await scanner.result_of(scanner.code_for(elsewhere)) == "NOT_FOUND"
        [logged, *_] = await scanner.unmatched_scans()
        assert (logged["result"], logged["seat_id"], logged["event_id"]) == ("NOT_FOUND", ticket.seat_id, None)

    async def test_ticket_for_another_event_in_the_same_hall_is_refused(
        self, scanner: ScannerClient, new_concert: MakeConcert, payload: str
    ) -> None:
        tonight = await new_concert()
        assert await scanner.result_of(payload, event_id=tonight.event_id) == "WRONG_EVENT"
        assert await scanner.result_of(payload) == "SUCCESS"

    async def test_wrong_hall(self, scanner: ScannerClient, ticket: Ticket, payload: str) -> None:
        response = await scanner.scan(payload, hall="HALL-B")
        assert response.data["result"] == "WRONG_HALL"
        assert "HALL-A" in response.data["message"]
        [logged] = await scanner.scans_of(ticket.event_id)
        assert (logged["hall_presented"], logged["hall_expected"]) == ("HALL-B", "HALL-A")
        assert await scanner.result_of(payload) == "SUCCESS"

    @pytest.mark.parametrize(("age_seconds", "result"), [(61, "EXPIRED"), (-30, "EXPIRED"), (30, "SUCCESS")])
    async def test_code_is_valid_for_60_seconds(
        self, scanner: ScannerClient, ticket: Ticket, age_seconds: int, result: str
    ) -> None:
        assert await scanner.result_of(scanner.code_for(ticket, age=timedelta(seconds=age_seconds))) == result

    async def test_held_or_free_seat_is_unpaid(self, scanner: ScannerClient, fan: UserClient, concert: Concert) -> None:
        held, free, *_ = concert.seats["CAT1"]
        await fan.reserve(concert.event_id, held)
        for seat_id in (held, free):
            assert await scanner.result_of(scanner.code_for(Ticket(concert.event_id, seat_id, fan.user_id))) == "UNPAID"

    async def test_former_owner_is_refused(self, scanner: ScannerClient, new_fan: MakeFan, ticket: Ticket) -> None:
        former = Ticket(ticket.event_id, ticket.seat_id, (await new_fan()).user_id)
        for result_of_the_owner in ("SUCCESS", "DUPLICATE"):
            response = await scanner.scan(scanner.code_for(former))
            assert (response.data["result"], response.data["owner_name"]) == ("NOT_OWNER", None)
            assert await scanner.result_of(scanner.code_for(ticket)) == result_of_the_owner

    async def test_listed_ticket_is_refused(
        self, scanner: ScannerClient, fan: UserClient, ticket: Ticket, payload: str
    ) -> None:
        listed = await fan.post("/marketplace/list", {"seat_id": ticket.seat_id, "asking_price": "110.00"})
        response = await scanner.scan(payload)
        assert (response.data["result"], response.data["admitted_at"]) == ("EXPIRED", None)
        assert "on sale" in response.data["message"]
        await fan.post("/marketplace/cancel", {"listing_id": listed.data["listing_id"]})
        assert await scanner.result_of(payload) == "SUCCESS"

    async def test_refunded_ticket_is_unpaid(self, scanner: ScannerClient, fan: UserClient, concert: Concert) -> None:
        seat_id = concert.seats["CAT2"][0]
        order_id = (await fan.reserve(concert.event_id, seat_id)).data["order_id"]
        code = str((await fan.pay(order_id)).data["qr_payload"])
        assert (await fan.post(f"/orders/{order_id}/refund")).status == 200
        assert await scanner.result_of(code) == "UNPAID"

    async def test_tampered_code(self, scanner: ScannerClient, ticket: Ticket, payload: str) -> None:
        raw = bytearray(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        raw[-1] ^= 1
        tampered = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
        gate = f"GATE-{uuid.uuid4().hex[:8]}"
        assert (await scanner.scan(tampered, hall=gate)).refused() == (400, "QR_INVALID")
        [logged] = [scan for scan in await scanner.unmatched_scans() if scan["hall_presented"] == gate]
        assert (logged["result"], logged["seat_id"]) == ("QR_INVALID", None)
        assert await scanner.scans_of(ticket.event_id) == []

    @pytest.mark.parametrize("padding", ["\r", "\n", "\t", " ", "\r\n", "\u00a0"])
    async def test_padding_of_a_scanner_is_ignored(self, scanner: ScannerClient, payload: str, padding: str) -> None:
        nonce = uuid.uuid4().hex
        assert await scanner.result_of(f"{padding}{payload}{padding}", nonce=nonce) == "SUCCESS"
        assert await scanner.result_of(payload, nonce=f"{nonce}{padding}", hall=f"HALL-A{padding}") == "SUCCESS"

    @pytest.mark.parametrize(
        ("scanned_at", "logged_at"),
        [
            ("0001-01-01T00:00:00Z", None),
            ("0001-01-01T00:00:01Z", None),
            ("9999-12-31T23:59:59.999999Z", None),
            ("1970-01-01T00:00:00+08:00", None),
            ("1970-01-01T08:00:00+08:00", "1970-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00+08:00", None),
            ("0001-01-01T00:00:00", None),
            ("0000-00-00T00:00:00Z", None),
            ("9999-12-31T23:59:59-08:00", None),
        ],
    )
    async def test_scanner_whose_clock_is_not_set_admits(
        self, *, scanner: ScannerClient, ticket: Ticket, payload: str, scanned_at: str, logged_at: str | None
    ) -> None:
        assert await scanner.result_of(payload, scanned_at=scanned_at) == "SUCCESS"
        assert [scan["scanned_at"] for scan in await scanner.scans_of(ticket.event_id)] == [logged_at]

    @pytest.mark.parametrize("nonsense", ["", "nonsense", "A" * 2_048, "A" * 3_000, "\x00", "🎟"])
    async def test_malformed_code_is_refused(self, scanner: ScannerClient, nonsense: str) -> None:
        gate = f"GATE-{uuid.uuid4().hex[:8]}"
        assert (await scanner.scan(nonsense, hall=gate)).refused() == (400, "QR_INVALID")
        assert [scan["result"] for scan in await scanner.unmatched_scans() if scan["hall_presented"] == gate] == [
            "QR_INVALID"
        ]

    async def test_only_staff_and_admins_scan(
        self, scanner: ScannerClient, fan: UserClient, anonymous: UserClient, ticket: Ticket
    ) -> None:
        code = scanner.code_for(ticket)
        assert (await scanner.scan(code, by=fan)).refused() == (403, "FORBIDDEN")
        assert (await scanner.scan(code, by=anonymous)).refused() == (401, "UNAUTHORIZED")
        assert await scanner.scans_of(ticket.event_id) == []
        assert await scanner.result_of(code, by=scanner.admin) == "SUCCESS"

    @pytest.mark.parametrize(
        "change",
        [{"qr_payload": None}, {"hall_id": ""}, {"hall_id": "H\0"}, {"hall_id": "H" * 41},
         {"scanned_at": "yesterday"}, {"scanned_at": 1}, {"nonce": ""}, {"nonce": "n" * 65}, {"nonce": "a b"},
         {"nonce": "é"}],
    )  # fmt: skip
    async def test_malformed(self, scanner: ScannerClient, change: dict[str, Any]) -> None:
        body = {"qr_payload": "AAAA", "hall_id": "HALL-A"} | change
        assert (await scanner.staff.post("/verify", body)).refused() == (400, "VALIDATION_ERROR")


class TestTime:
    """A ticket is admitted from doors-open until the event's end."""

    async def scan(self, scanner: ScannerClient, fan: UserClient, concert: Concert) -> dict[str, Any]:
        ticket = await buy(fan, concert, concert.seats["CAT2"][0])
        decision: dict[str, Any] = (await scanner.scan(scanner.code_for(ticket))).data
        assert [scan["result"] for scan in await scanner.scans_of(concert.event_id)] == [decision["result"]]
        return decision

    async def test_ticket_is_refused_before_the_doors_open(
        self, scanner: ScannerClient, fan: UserClient, new_concert: MakeConcert
    ) -> None:
        concert = await new_concert(doors_open_at=None)
        decision = await self.scan(scanner, fan, concert)
        assert (decision["result"], decision["admitted_at"]) == ("WRONG_EVENT", None)
        assert decision["message"].startswith("Too early: the doors of Jazz at the Bay open at ")

    async def test_ticket_of_an_event_without_a_doors_time_is_not_too_early(
        self, platform: Stack, scanner: ScannerClient, fan: UserClient, new_concert: MakeConcert
    ) -> None:
        """The event is from before the time was stored."""
        concert = await new_concert(doors_open_at=None)
        async with connected(platform.urls.databases["events"]) as connection:
            await connection.execute("UPDATE events SET doors_open_at = NULL WHERE event_id = $1", concert.event_id)
        ticket = await buy(fan, concert, concert.seats["CAT2"][0])

        async def admitted() -> bool:
            return await scanner.result_of(scanner.code_for(ticket)) == "SUCCESS"

        assert await eventually(admitted)  # the orchestrator may know the event's times for some seconds

    async def test_ticket_is_refused_after_the_end(
        self, platform: Stack, scanner: ScannerClient, fan: UserClient, concert: Concert
    ) -> None:
        ticket = await buy(fan, concert, concert.seats["CAT2"][0])
        await end_event(platform, concert.event_id)

        async def refused() -> ApiResponse:
            decided = await scanner.scan(scanner.code_for(ticket))
            assert decided.data["result"] == "WRONG_EVENT"
            return decided

        # The orchestrator may know the event's times for some seconds.
        assert (await eventually(refused)).data["message"] == "The event is over: Jazz at the Bay"


class TestVenue:
    """Two venues may have halls of the same name."""

    async def test_ticket_of_another_venue_is_refused(
        self, scanner: ScannerClient, admin: UserClient, ticket: Ticket, payload: str
    ) -> None:
        event = (await admin.get(f"/events/{ticket.event_id}")).data
        response = await scanner.scan(payload, venue_id=str(uuid.uuid4()))
        assert (response.data["result"], response.data["message"]) == (
            "WRONG_HALL",
            "Wrong venue: this ticket is for Esplanade",
        )
        assert await scanner.result_of(payload, venue_id=event["venue"]["venue_id"]) == "SUCCESS"

    async def test_venue_that_is_assigned_with_the_hall_is_the_default(
        self, scanner: ScannerClient, admin: UserClient, new_fan: MakeFan, ticket: Ticket
    ) -> None:
        own = (await admin.get(f"/events/{ticket.event_id}")).data["venue"]["venue_id"]
        member = await new_fan()
        for venue_id, result in ((str(uuid.uuid4()), "WRONG_HALL"), (own, "SUCCESS")):
            hall = {"roles": ["customer", "staff"], "assigned_hall_id": "HALL-A", "assigned_venue_id": venue_id}
            assert (await admin.patch(f"/admin/users/{member.user_id}", hall)).status == 200
            async with await member.log_in(member.email, USER_PASSWORD) as staff:

                async def decided(staff: UserClient = staff, result: str = result) -> bool:
                    return await scanner.result_of(scanner.code_for(ticket), by=staff, hall=None) == result

                assert await eventually(decided)  # the orchestrator may know the former assignment for some seconds

    async def test_scan_of_a_named_hall_keeps_to_the_assigned_venue(
        self, in_process: InProcessServices, new_staff: MakeStaff, payload: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lookups, "VENUE_TIMEOUT_SECONDS", 60.0)
        member = await new_staff(venue_id=str(uuid.uuid4()))
        code = PresentedCode(
            staff_user_id=uuid.UUID(member.user_id),
            qr_payload=payload,
            place=NamedPlace(hall_id="HALL-A"),
            scanned_at=None,
            nonce=None,
        )
        assert (await in_process.check_in_service().verify(code)).result == "WRONG_HALL"

        monkeypatch.setattr(lookups, "VENUE_TIMEOUT_SECONDS", 0.1)
        silent = {"users_url": f"http://{await in_process.unresponsive_address()}"}
        assert (await in_process.check_in_service(silent).verify(code)).result == "SUCCESS"


class TestHall:
    async def test_assigned_hall_is_the_default(
        self, scanner: ScannerClient, fan: UserClient, new_concert: MakeConcert, ticket: Ticket
    ) -> None:
        other = await new_concert(hall_id="HALL-B")
        elsewhere = await buy(fan, other, other.seats["CAT1"][0])
        assert await scanner.result_of(scanner.code_for(elsewhere), hall=None) == "WRONG_HALL"
        assert await scanner.result_of(scanner.code_for(ticket), hall=None) == "SUCCESS"

    async def test_scan_without_a_hall_is_refused(self, scanner: ScannerClient, ticket: Ticket, payload: str) -> None:
        assert (await scanner.scan(payload, by=scanner.admin, hall=None)).refused() == (400, "VALIDATION_ERROR")
        assert await scanner.scans_of(ticket.event_id) == []


class TestNonce:
    async def test_repeated_scan_returns_the_first_result_and_is_logged_once(
        self, scanner: ScannerClient, ticket: Ticket, payload: str
    ) -> None:
        nonce = new_nonce()
        answers = [(await scanner.scan(payload, nonce=nonce)).data for _ in range(3)]
        assert answers[0]["result"] == "SUCCESS"
        assert answers == [answers[0]] * 3
        assert [logged["result"] for logged in await scanner.scans_of(ticket.event_id)] == ["SUCCESS"]
        assert await scanner.result_of(payload, nonce=new_nonce()) == "DUPLICATE"

    async def test_concurrent_repeats_are_one_scan(self, scanner: ScannerClient, ticket: Ticket, payload: str) -> None:
        nonce = new_nonce()
        results = await asyncio.gather(*(scanner.result_of(payload, nonce=nonce) for _ in range(SCANNERS)))
        assert results == ["SUCCESS"] * SCANNERS
        assert len(await scanner.scans_of(ticket.event_id)) == 1

    async def test_repeated_scan_succeeds_even_if_the_code_has_expired(
        self, scanner: ScannerClient, ticket: Ticket
    ) -> None:
        nonce, code = new_nonce(), scanner.code_for(ticket, age=timedelta(seconds=56))
        first = await scanner.scan(code, nonce=nonce)
        assert first.data["result"] == "SUCCESS"

        async def is_too_old() -> bool:
            return await scanner.result_of(code) == "EXPIRED"

        await eventually(is_too_old)
        assert (await scanner.scan(code, nonce=nonce)).data == first.data

    async def test_repeated_scan_returns_the_first_refusal(
        self, scanner: ScannerClient, fan: UserClient, concert: Concert
    ) -> None:
        seat_id, nonce = concert.seats["CAT2"][0], new_nonce()
        code = scanner.code_for(Ticket(concert.event_id, seat_id, fan.user_id))
        assert await scanner.result_of(code, nonce=nonce) == "UNPAID"
        await buy(fan, concert, seat_id)
        assert await scanner.result_of(code, nonce=nonce) == "UNPAID"
        assert await scanner.result_of(code) == "SUCCESS"

    async def test_nonce_reused_for_another_code_returns_422(
        self, scanner: ScannerClient, fan: UserClient, concert: Concert, payload: str
    ) -> None:
        other, nonce = scanner.code_for(await buy(fan, concert, concert.seats["CAT2"][1])), new_nonce()
        await scanner.scan(payload, nonce=nonce)
        for code in (other, "nonsense"):
            assert (await scanner.scan(code, nonce=nonce)).refused() == (422, "IDEMPOTENCY_KEY_REUSED")
        assert await scanner.result_of(other, nonce=new_nonce()) == "SUCCESS"

    async def test_idempotency_key_works_as_a_nonce(self, scanner: ScannerClient, payload: str) -> None:
        body = {"qr_payload": payload, "hall_id": "HALL-A"}
        answers = [await scanner.staff.post("/verify", body, key=f"k-{payload[:40]}") for _ in range(2)]
        assert [answer.data["result"] for answer in answers] == ["SUCCESS"] * 2

    async def test_nonces_are_scoped_to_the_caller(self, scanner: ScannerClient, payload: str) -> None:
        nonce = new_nonce()
        assert await scanner.result_of(payload, nonce=nonce) == "SUCCESS"
        assert await scanner.result_of(payload, nonce=nonce, by=scanner.admin) == "DUPLICATE"


async def test_one_of_many_concurrent_scans_admits(scanner: ScannerClient, ticket: Ticket, payload: str) -> None:
    answers = await asyncio.gather(*(scanner.scan(payload) for _ in range(SCANNERS)))
    results = Counter(answer.data["result"] for answer in answers)
    assert results == {"SUCCESS": 1, "DUPLICATE": SCANNERS - 1}
    assert len({answer.data["admitted_at"] for answer in answers}) == 1
    log = await scanner.scans_of(ticket.event_id)
    assert Counter(logged["result"] for logged in log) == results
    assert len({logged["scan_id"] for logged in log}) == SCANNERS
