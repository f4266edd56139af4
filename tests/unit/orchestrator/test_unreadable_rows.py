"""A row that another service leaves out, because it cannot read it, ends no list that is read to its end."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from common.http.client import ServiceClient
from common.pages import Total
from orchestrator.clients import Clients
from orchestrator.clients.inventory.seats import OwnedSeat
from orchestrator.clients.models import Seat
from orchestrator.clients.personal_data import Holdings, OpenDeals
from orchestrator.clients.users import payments as payments_client
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.clients.users.payments import PaymentsClient, Provider
from orchestrator.features.personal_data.errors import AccountInUse
from orchestrator.features.personal_data.repository import PersonalDataRepository
from orchestrator.features.personal_data.schemas import DeleteAccount
from orchestrator.features.personal_data.service import deletion, export
from orchestrator.features.personal_data.service.deletion import DeletionService
from orchestrator.features.personal_data.service.export import ExportService
from orchestrator.saga_engine.engine import SagaEngine

USER_ID, EVENT_ID = uuid.uuid4(), uuid.uuid4()
BEGINNING = datetime(2027, 1, 1, tzinfo=UTC)


class Inventory:
    """Stores seats; None stands for one that it cannot read."""

    def __init__(self, stored: Sequence[OwnedSeat | None]) -> None:
        self.stored = stored

    async def owned_by(self, _: uuid.UUID, *, offset: int, limit: int) -> tuple[list[OwnedSeat], Total]:
        page = self.stored[offset : offset + limit]
        return [seat for seat in page if seat is not None], Total(len(self.stored))


class Events:
    """Knows the ends of events; the others are unreadable."""

    def __init__(self, ends: dict[uuid.UUID, datetime]) -> None:
        self.ends = ends

    async def facts_of(self, event_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
        return {key: SimpleNamespace(ends_at=end) for key, end in self.ends.items() if key in event_ids}


class PersonalData:
    """Services in which nothing else is stored of the user."""

    async def begin_export(self, _: uuid.UUID) -> dict[str, Any]:
        return {}

    async def section(self, *_: object, **__: object) -> tuple[list[Any], None]:
        return [], None

    async def holdings(self, _: uuid.UUID) -> Holdings:
        return Holdings.model_validate({"credits": "0.00", "held": "0.00", "owed": "0.00", "roles": []})

    async def open_deals(self, _: uuid.UUID) -> OpenDeals:
        return OpenDeals(orders=0, transfers=0, listings=0)


class NoSagas:
    async def count_unfinished(self, **_: object) -> int:
        return 0


class CheckIn:
    """Logs scans of the user's tickets; None stands for one that it cannot read."""

    def __init__(self, stored: Sequence[uuid.UUID | None]) -> None:
        self.stored = stored

    async def scans(self, _: uuid.UUID, *, offset: int, limit: int, **__: object) -> tuple[list[Any], Total]:
        page = [scan for scan in self.stored[offset : offset + limit] if scan is not None]
        return [
            SimpleNamespace(
                scan=SimpleNamespace(event_id=EVENT_ID, seat_id=seat_id, hall_presented="", ticket_user_id=USER_ID),
                result="SUCCESS",
                logged_at=BEGINNING,
            )
            for seat_id in page
        ], Total(len(self.stored))


class NoFeed:
    async def feed_of(self, *_: object, **__: object) -> list[Any]:
        return []


class Users:
    """Serves payments, oldest first, and leaves out unreadable ones."""

    def __init__(self, payments: Sequence[dict[str, Any]]) -> None:
        self.payments = payments

    async def get(self, _: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        since = datetime.fromisoformat(query["since"])
        rows = [row for row in self.payments if datetime.fromisoformat(row["created_at"]) >= since]
        return [row for row in rows[: query["limit"]] if row["amount"] is not None]


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    monkeypatch.setattr(deletion, "TICKETS_PAGE", 2)
    monkeypatch.setattr(payments_client, "PAGE", 3)


def owned(event_id: uuid.UUID = EVENT_ID) -> OwnedSeat:
    seat = Seat(seat_id=uuid.uuid4(), category="CAT1", row_number="A", seat_number=1, price="1.00")
    return OwnedSeat(seat, event_id, "SOLD", USER_ID, None, None, None)


def payment(at: datetime, **changes: object) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "payment_id": str(uuid.uuid4()),
        "amount": "1.00",
        "currency": "sgd",
        "status": "PENDING",
        "status_at": at.isoformat(),
        "provider_payment_id": None,
        "details": {},
        "created_at": at.isoformat(),
    }
    return facts | changes


async def count_tickets(stored: Sequence[OwnedSeat | None], ends: dict[uuid.UUID, datetime]) -> int:
    clients = SimpleNamespace(inventory=Inventory(stored), events=Events(ends), personal_data=PersonalData())
    service = DeletionService(cast("Clients", clients), cast("SagaEngine", SimpleNamespace(log=NoSagas())))
    with pytest.raises(AccountInUse) as refused:
        await service.delete(DeleteAccount(current_password="any"), user_id=USER_ID)
    return int((refused.value.details or {})["tickets"])


class TestDeletion:
    async def test_tickets_behind_an_unreadable_one_are_counted_and_so_is_that(self) -> None:
        stored = [owned(), None, owned(), owned(), None]
        assert await count_tickets(stored, {EVENT_ID: datetime.now(UTC) + timedelta(hours=1)}) == 5

    async def test_ticket_of_an_unreadable_event_is_no_ticket_of_the_past(self) -> None:
        stored = [owned(), owned(uuid.uuid4())]
        assert await count_tickets(stored, {EVENT_ID: datetime.now(UTC) - timedelta(hours=1)}) == 1


async def test_export_continues_behind_what_cannot_be_read() -> None:
    seats = [None, owned(), owned(), None, owned()]
    scans = [uuid.uuid4(), None, None, None, uuid.uuid4()]
    clients = SimpleNamespace(inventory=Inventory(seats), check_in=CheckIn(scans), personal_data=PersonalData())
    service = ExportService(cast("Clients", clients), cast("PersonalDataRepository", NoFeed()))

    data = orjson.loads(b"".join([part async for part in await service.export(USER_ID)]))["data"]

    assert [item["seat_id"] for item in data["tickets"]] == [str(owned.seat.seat_id) for owned in seats if owned]
    assert [item["seat_id"] for item in data["scans"]] == [str(scan) for scan in scans if scan]


class TestPayments:
    """The orchestrator compares payments with their providers."""

    async def test_payments_behind_an_unreadable_one_are_listed(self) -> None:
        rows = [payment(BEGINNING + timedelta(seconds=number // 2)) for number in range(9)]
        rows[1] |= {"amount": None}
        rows[3] |= {"status": "OF_THE_NEXT_RELEASE"}
        client = PaymentsClient(cast("ServiceClient", Users(rows)))

        listed = [str(each.payment_id) async for each in client.since(BEGINNING, provider=Provider.STRIPE)]

        assert listed == [row["payment_id"] for number, row in enumerate(rows) if number not in {1, 3}]


async def test_unreadable_user_is_no_deleted_one() -> None:
    class Directory:
        async def post(self, _: str, __: object) -> list[dict[str, Any]]:
            return [{"user_id": str(USER_ID), "email": None, "name": None}]

    [user] = (await UserDirectory(cast("ServiceClient", Directory())).lookup([USER_ID])).values()
    assert (user.user_id, user.display_name, user.email) == (USER_ID, "Fan", None)
