"""The whole platform as processes, started once for all end-to-end tests; each test creates its own users and events."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

import invariants
from devstack.stack import Stack
from gateway.routing import ROUTES
from tests.e2e.in_process import InProcessServices
from tests.e2e.performer import Performer
from tests.e2e.scanner import ScannerClient, Ticket, buy
from tests.e2e.user_client import USER_PASSWORD, Concert, UserClient
from tests.e2e.webhook_receiver import WebhookReceiver, receiving
from tests.support.http_client import http_client
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, TestServers
from tests.support.waiting import eventually

# A short backoff: a job uses all its attempts within seconds.
ENV: Final = {
    "RATE_LIMIT_PER_MINUTE": "0",
    "JOB_RETRY_SECONDS": "0.2,0.4",
    "LISTING_EXPIRY_INTERVAL_SECONDS": "1",
    "FAILED_TIPS_INTERVAL_SECONDS": "1",
    "FAILED_COMMISSIONS_INTERVAL_SECONDS": "1",
}

MakeFan = Callable[..., Awaitable[UserClient]]
MakeStaff = Callable[..., Awaitable[UserClient]]
MakeOrganiser = Callable[[], Awaitable[UserClient]]
MakePerformer = Callable[..., Awaitable[Performer]]
MakeConcert = Callable[..., Awaitable[Concert]]


class Providers:
    """Controls the sandbox's providers."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def __call__(self, path: str, /, **body: Any) -> Any:
        answer = await self._http.post(f"/control{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def read(self, path: str, /, **query: str) -> Any:
        return (await self._http.get(f"/control{path}", params=query)).json()


@pytest.fixture(scope="session")
def platform(servers: TestServers) -> Iterator[Stack]:
    databases = DatabaseFactory(servers)
    with servers.vhost() as vhost:
        with running_platform(database_url=databases, vhost=vhost, env=ENV) as stack:
            yield stack
        databases.drop_all()


@pytest.fixture(scope="session")
async def openapi(platform: Stack) -> dict[str, Any]:
    """The merged OpenAPI document, once every service is included, which takes a moment after the start."""
    async with http_client(platform.urls.gateway) as http:

        async def look() -> dict[str, Any]:
            found: dict[str, Any] = (await http.get("/openapi.json")).json()
            assert {route.path for route in ROUTES} <= set(found["paths"])
            return found

        return await eventually(look)


@pytest.fixture(scope="session", autouse=True)
async def invariants_hold_at_the_end(platform: Stack) -> AsyncIterator[None]:
    yield
    await invariants.require(platform.urls)


@pytest.fixture
async def user_clients() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as present:
        yield present


@pytest.fixture
async def anonymous(platform: Stack, user_clients: AsyncExitStack) -> UserClient:
    return await user_clients.enter_async_context(UserClient(platform))


@pytest.fixture
async def new_fan(anonymous: UserClient, user_clients: AsyncExitStack) -> MakeFan:
    async def make(*, balance: str = "1000.00") -> UserClient:
        return await user_clients.enter_async_context(await anonymous.register(balance=balance))

    return make


@pytest.fixture
async def providers(platform: Stack) -> AsyncIterator[Providers]:
    async with http_client(platform.urls.sandbox) as http:
        yield Providers(http)


@pytest.fixture
async def fan(new_fan: MakeFan) -> UserClient:
    return await new_fan()


@pytest.fixture(scope="session")
async def admin(platform: Stack) -> AsyncIterator[UserClient]:
    async with UserClient(platform) as anonymous, await anonymous.log_in("admin@example.com") as admin:
        yield admin


@pytest.fixture
async def new_staff(admin: UserClient, new_fan: MakeFan, user_clients: AsyncExitStack) -> MakeStaff:
    """Staff of HALL-A in that venue, or without any assignment."""

    async def make(*, venue_id: str | None) -> UserClient:
        fan = await new_fan()
        changes: dict[str, Any] = {"roles": ["customer", "staff"]}
        if venue_id:
            changes |= {"assigned_hall_id": "HALL-A", "assigned_venue_id": venue_id}
        assert (await admin.patch(f"/admin/users/{fan.user_id}", changes)).status == 200
        return await user_clients.enter_async_context(await fan.log_in(fan.email, USER_PASSWORD))

    return make


@pytest.fixture
async def new_organiser(admin: UserClient, new_fan: MakeFan, user_clients: AsyncExitStack) -> MakeOrganiser:
    async def make() -> UserClient:
        fan = await new_fan()
        roles = {"roles": ["customer", "organiser"]}
        assert (await admin.patch(f"/admin/users/{fan.user_id}", roles)).status == 200
        return await user_clients.enter_async_context(await fan.log_in(fan.email, USER_PASSWORD))

    return make


@pytest.fixture
async def new_performer(admin: UserClient, new_fan: MakeFan, user_clients: AsyncExitStack) -> MakePerformer:
    """A performer with a profile and an empty wallet."""

    async def make(**profile: Any) -> Performer:
        fan = await new_fan(balance="0")
        roles = {"roles": ["customer", "performer"]}
        assert (await admin.patch(f"/admin/users/{fan.user_id}", roles)).status == 200
        client = await user_clients.enter_async_context(await fan.log_in(fan.email, USER_PASSWORD))
        written = await client.patch("/performer/profile", {"display_name": "Nova"} | profile)
        assert written.status == 200, written.body
        return Performer(client)

    return make


@pytest.fixture
async def performer(new_performer: MakePerformer) -> Performer:
    return await new_performer()


@pytest.fixture
async def new_concert(admin: UserClient) -> MakeConcert:
    async def make(*, by: UserClient = admin, **changes: Any) -> Concert:
        layout = [
            {"category": "CAT1", "price": "350.00", "rows": [{"row_number": "A", "seats": 12}]},
            {"category": "CAT2", "price": "100.00", "rows": [{"row_number": "B", "seats": 12}]},
        ]
        event = {
            "name": "Jazz at the Bay",
            "venue": {"name": "Esplanade", "address": uuid.uuid4().hex},
            "hall_id": "HALL-A",
            "event_date": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
            "doors_open_at": (datetime.now(UTC) - timedelta(hours=2)).isoformat(),
            "layout": layout,
        }
        created = await by.post("/admin/events", event | changes)
        assert created.status == 201, created.body
        event_id = created.data["event_id"]
        seats: dict[str, tuple[str, ...]] = {}
        for seat in (await admin.get(f"/events/{event_id}")).data["seats"]:
            seats[seat["category"]] = (*seats.get(seat["category"], ()), seat["seat_id"])
        return Concert(event_id, seats)

    return make


@pytest.fixture
async def concert(new_concert: MakeConcert) -> Concert:
    return await new_concert()


@pytest.fixture(scope="session")
async def scanner(platform: Stack, admin: UserClient) -> AsyncIterator[ScannerClient]:
    """A scanner in HALL-A, used by the seeded staff account that is assigned to that hall."""
    async with UserClient(platform) as anonymous, await anonymous.log_in("staff@example.com") as staff:
        yield ScannerClient(platform, staff, admin)


@pytest.fixture
async def ticket(fan: UserClient, concert: Concert) -> Ticket:
    """The fan's ticket, valid in HALL-A."""
    return await buy(fan, concert, concert.seats["CAT2"][0])


@pytest.fixture
async def payload(fan: UserClient, ticket: Ticket) -> str:
    """The QR payload that the fan's phone shows."""
    return str((await fan.get(f"/tickets/{ticket.seat_id}/qr")).data["qr_payload"])


@pytest.fixture
async def in_process(platform: Stack) -> AsyncIterator[InProcessServices]:
    async with AsyncExitStack() as opened:
        yield InProcessServices(platform, opened)


@pytest.fixture
async def webhook_receiver() -> AsyncIterator[WebhookReceiver]:
    async with receiving() as webhook_receiver:
        yield webhook_receiver


@pytest.fixture
async def subscription(admin: UserClient, webhook_receiver: WebhookReceiver) -> AsyncIterator[dict[str, Any]]:
    made = await admin.post(
        "/admin/webhook-subscriptions", {"url": f"{webhook_receiver.url}/hooks", "message_types": ["order.confirmed"]}
    )
    assert made.status == 201
    yield made.data
    await admin.delete(f"/admin/webhook-subscriptions/{made.data['subscription_id']}")
