# ruff: noqa: S608 - the statements are composed of constants of this module
"""One odd row, of an earlier release or written by hand, hides no other row of any list."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from devstack.database import connected
from devstack.stack import Stack
from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.deal_calls import DealCalls
from tests.e2e.feed import next_message, open_feed
from tests.e2e.scanner import ScannerClient, buy
from tests.e2e.user_client import Concert, UserClient
from tests.support.waiting import eventually

LATE, EARLY = "'infinity'", "'-infinity'"
BEFORE_CHRIST: Final = "'4000-01-01 BC'"
FAR: Final = "'250000-01-01'"


@asynccontextmanager
async def odd_row(platform: Stack, table: str, key: str, value: str, **odd: str) -> AsyncIterator[None]:
    """Set columns of a row to SQL expressions until the end. The table's name begins with its database."""
    database, _, table = table.partition(".")
    names = ", ".join(odd)
    changes = ", ".join(f"{name} = {expression}" for name, expression in odd.items())
    row_id = uuid.UUID(value)
    async with connected(platform.urls.databases[database]) as connection:
        before = await connection.fetchval(f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE {key} = $1", row_id)
        assert await connection.execute(f"UPDATE {table} SET {changes} WHERE {key} = $1", row_id) == "UPDATE 1"
        try:
            yield
        finally:
            stored = f"SELECT {names} FROM jsonb_populate_record(NULL::{table}, $2::text::jsonb)"
            await connection.execute(f"UPDATE {table} SET ({names}) = ({stored}) WHERE {key} = $1", row_id, before)


async def ids_of(user: UserClient, path: str, name: str, **query: object) -> list[str]:
    answer = await user.get(path, per_page=100, **query)
    assert answer.status == 200, (path, answer.body)
    return [item[name] for item in answer.data]


async def all_ids_of(user: UserClient, path: str, name: str) -> list[str]:
    """Return the ids of all pages."""
    pages = (await user.get(path, per_page=100)).body["pagination"]["total_pages"]
    return [each for page in range(1, pages + 1) for each in await ids_of(user, path, name, page=page)]


async def some(user: UserClient, path: str, name: str) -> list[str]:
    """Return the ids of a list once it has two."""

    async def look() -> list[str]:
        found = await ids_of(user, path, name)
        return found if len(found) > 1 else []

    return await eventually(look)


class TestEvents:
    async def test_event_of_no_date(self, platform: Stack, anonymous: UserClient, new_concert: MakeConcert) -> None:
        name = f"Night {uuid.uuid4().hex}"
        odd, other = (await new_concert(name=name)).event_id, (await new_concert(name=name)).event_id
        times = {"event_date": EARLY, "doors_open_at": EARLY, "ends_at": BEFORE_CHRIST}
        async with odd_row(platform, "events.events", "event_id", odd, **times):
            assert await ids_of(anonymous, "/events", "event_id", q=name, past="true") == [odd, other]
        async with odd_row(platform, "events.events", "event_id", odd, layout="'5'"):
            assert await ids_of(anonymous, "/events", "event_id", q=name, past="true") == [other]

    async def test_venue_without_a_name(self, platform: Stack, anonymous: UserClient, concert: Concert) -> None:
        venue_id = (await anonymous.get(f"/events/{concert.event_id}")).data["venue"]["venue_id"]
        before = await all_ids_of(anonymous, "/venues", "venue_id")
        async with odd_row(platform, "events.venues", "venue_id", venue_id, total_halls="5000", name="''"):
            assert {venue_id} ^ {*before} == {*await all_ids_of(anonymous, "/venues", "venue_id")}


class TestOrders:
    async def test_orders(self, platform: Stack, fan: UserClient, concert: Concert) -> None:
        for seat_id in concert.seats["CAT2"][:2]:
            await buy(fan, concert, seat_id)
        odd, other = await ids_of(fan, "/orders", "order_id")
        times = {"created_at": LATE, "held_until": EARLY, "confirmed_at": FAR}
        async with odd_row(platform, "orders.orders", "order_id", odd, **times):
            assert await ids_of(fan, "/orders", "order_id") == [odd, other]
        async with odd_row(platform, "orders.orders", "order_id", odd, total="'NaN'"):
            assert await ids_of(fan, "/orders", "order_id") == [other]

    async def test_transfers_and_listings(
        self, *, platform: Stack, admin: UserClient, fan: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        buyer = await new_fan()
        seats = concert.seats["CAT2"][:4]
        for seat_id in seats:
            await buy(fan, concert, seat_id)
        transfers = [await DealCalls.complete(seat_id, seller=fan, buyer=buyer) for seat_id in seats[:2]]
        listings = [(await DealCalls.list_ticket(fan, seat_id)).data["listing_id"] for seat_id in seats[2:]]
        async with odd_row(
            platform, "orders.transfers", "transfer_id", transfers[1], created_at=LATE, expires_at=EARLY
        ):
            assert await ids_of(fan, "/transfers", "transfer_id") == transfers[::-1]
            assert {*transfers} <= {*await ids_of(admin, "/admin/transfers", "transfer_id")}
        async with odd_row(platform, "orders.listings", "listing_id", listings[1], created_at=LATE):
            assert await ids_of(fan, "/listings", "listing_id") == listings[::-1]
            shown = await ids_of(buyer, "/marketplace/listings", "listing_id", event_id=concert.event_id)
            assert shown == listings[::-1]


class TestSeats:
    async def test_tickets_and_attendees(
        self, platform: Stack, admin: UserClient, fan: UserClient, concert: Concert
    ) -> None:
        odd, other = concert.seats["CAT2"][:2]
        for seat_id in (odd, other):
            await buy(fan, concert, seat_id)
        dashboard = f"/admin/events/{concert.event_id}/dashboard"

        async def shown() -> tuple[set[str], list[str], int]:
            attendees = (await admin.get(dashboard)).data["attendees"]
            hall = (await fan.get(f"/events/{concert.event_id}")).data["seats"]
            tickets = {*await ids_of(fan, "/tickets", "seat_id")}
            return tickets, [attendee["seat_id"] for attendee in attendees], len(hall)

        async with odd_row(platform, "inventory.seats", "seat_id", odd, purchased_at=LATE, created_at=EARLY):
            assert await shown() == ({odd, other}, [odd, other], 24)
        async with odd_row(platform, "inventory.seats", "seat_id", odd, price_paid="'NaN'"):
            assert await shown() == ({other}, [other], 23)

    async def test_scans(self, platform: Stack, scanner: ScannerClient, fan: UserClient, concert: Concert) -> None:
        tickets = [await buy(fan, concert, seat_id) for seat_id in concert.seats["CAT2"][:2]]
        scans = [(await scanner.scan(scanner.code_for(ticket))).data["scan_id"] for ticket in tickets]
        for at in (EARLY, BEFORE_CHRIST, FAR):
            async with odd_row(platform, "inventory.entry_logs", "scan_id", scans[1], scanned_at=at, logged_at=LATE):
                assert [scan["scan_id"] for scan in await scanner.scans_of(concert.event_id)] == scans[::-1]


async def test_payments(platform: Stack, admin: UserClient, fan: UserClient) -> None:
    payments = [(await fan.post("/credits/topup", {"amount": "10.00"})).data["payment_id"] for _ in range(2)]
    async with odd_row(platform, "users.payments", "payment_id", payments[1], created_at=LATE, status_at=EARLY):
        assert await ids_of(fan, "/payments", "payment_id") == payments[::-1]
        assert {*payments} <= {*await ids_of(admin, "/admin/payments", "payment_id")}
    async with odd_row(platform, "users.payments", "payment_id", payments[1], details="'[]'"):
        assert await ids_of(fan, "/payments", "payment_id") == payments[:1]


class TestOperators:
    @pytest.mark.parametrize(
        ("path", "table", "key", "odd"),
        [
            ("/admin/sagas", "orchestrator.sagas", "saga_id", {"updated_at": LATE}),
            ("/admin/jobs", "orchestrator.jobs", "job_id", {"progress": "'5'"}),
            ("/admin/jobs", "orchestrator.jobs", "job_id", {"started_at": BEFORE_CHRIST}),
        ],
    )
    @pytest.mark.usefixtures("ticket")
    async def test_sagas_and_jobs(
        self, *, platform: Stack, admin: UserClient, path: str, table: str, key: str, odd: dict[str, str]
    ) -> None:
        before = await some(admin, path, key)
        async with odd_row(platform, table, key, before[-1], **odd):
            assert {*before[:-1]} <= {*await ids_of(admin, path, key)}

    @pytest.mark.parametrize(
        ("path", "table", "key", "row"),
        [
            (
                "/admin/webhook-logs",
                "webhook_log",
                "webhook_id",
                {
                    "provider": "'stripe'",
                    "external_id": "gen_random_uuid()::text",
                    "event_type": "'ping'",
                    "body": "''",
                    "status": "'ignored'",
                    "job_id": "gen_random_uuid()",
                    "received_at": LATE,
                    "earlier": "'{}'",
                },
            ),
            (
                "/admin/parked-messages",
                "parked_messages",
                "parked_id",
                {"message_id": "'x'", "reason": "'?'", "body": r"'\xff'", "parked_at": FAR},
            ),
            (
                "/admin/webhook-subscriptions",
                "webhook_subscriptions",
                "subscription_id",
                {
                    "url": "''",
                    "message_types": "'{odd}'",
                    "secret": "''",
                    "created_by": "gen_random_uuid()",
                    "status": "'DISABLED'",
                    "created_at": LATE,
                },
            ),
        ],
    )
    async def test_other_lists(
        self, *, platform: Stack, admin: UserClient, path: str, table: str, key: str, row: Mapping[str, str]
    ) -> None:
        before = await ids_of(admin, path, key)
        columns, values = ", ".join(row), ", ".join(row.values())
        async with connected(platform.urls.databases["orchestrator"]) as connection:
            insert = f"INSERT INTO {table} ({key}, {columns}) VALUES (gen_random_uuid(), {values}) RETURNING {key}"
            row_id = await connection.fetchval(insert)
            try:
                assert {*before} - {str(row_id)} <= {*await ids_of(admin, path, key)}
            finally:
                await connection.execute(f"DELETE FROM {table} WHERE {key} = $1", row_id)


async def test_feed_keeps_the_place_of_an_entry_that_cannot_be_read(
    platform: Stack, fan: UserClient, concert: Concert
) -> None:
    for seat_id in concert.seats["CAT2"][:2]:
        await buy(fan, concert, seat_id)
    async with connected(platform.urls.databases["orchestrator"]) as connection:

        async def entries() -> list[Any]:
            statement = "SELECT sequence FROM user_feed WHERE user_id = $1 ORDER BY sequence"
            found = await connection.fetch(statement, uuid.UUID(fan.user_id))
            return found if len(found) > 1 else []

        last = (await eventually(entries))[-1]["sequence"]
        spoil = "UPDATE user_feed SET message = '[]' WHERE user_id = $1 AND sequence = $2"
        await connection.execute(spoil, uuid.UUID(fan.user_id), last)
    async with open_feed(platform, fan, since=0) as feed:
        assert (await next_message(feed, "unreadable"))["sequence"] == last
