"""A hundred requests a minute, per user, and per address for anonymous requests."""

import asyncio
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import httpx
import pytest
from aiohttp import web
from fakeredis import TcpFakeServer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from common.auth.principal import Role
from gateway import limits, refusals
from tests.integration.gateway.conftest import Gateways, until_ready
from tests.integration.gateway.raw import ask
from tests.integration.gateway.services import Handler, Services
from tests.support.http_client import http_client

LIMIT = 3


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    clock = Clock()
    for module in (limits, refusals):
        monkeypatch.setattr(module, "time", clock)
    return clock


class Clock:
    """Ten seconds into a minute, until a test moves it."""

    now = 1_800_000_010.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
async def limited(gateways: Gateways, services: Services, clock: Clock) -> AsyncIterator[str]:  # noqa: ARG001
    async with gateways(rate_limit_per_minute=LIMIT, trusted_proxies="127.0.0.1") as url:
        await until_ready(url)
        yield url


@pytest.fixture
def redis_url() -> Iterator[str]:
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hanging_redis_url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # accepts connections and never responds
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


async def spend(
    url: str, *lines: str, requests: int = LIMIT + 1, path: str = "/api/events", method: str = "GET"
) -> list[int]:
    return [(await ask(url, path, *lines, method=method)).status for _ in range(requests)]


async def test_address_over_its_limit_is_429(limited: str, services: Services) -> None:
    answers = [await ask(limited, "/api/events") for _ in range(LIMIT + 1)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    assert {answer.headers["ratelimit-reset"] for answer in answers} == {"50"}
    refused = answers[-1]
    assert refused.json["error_code"] == "RATE_LIMITED"
    assert refused.headers["retry-after"] == "50"
    assert len(services.received) == LIMIT


async def test_addresses_are_counted_apart(limited: str) -> None:
    assert (await spend(limited, "X-Forwarded-For: 203.0.113.1"))[-1] == 429
    assert await spend(limited, "X-Forwarded-For: 203.0.113.2") == [200, 200, 200, 429]


async def test_ipv6_customer_network_is_counted_as_one_address(limited: str) -> None:
    for host in ("1:2:3:4", "ffff:0:0:1", ":5"):
        assert (await ask(limited, "/api/events", f"X-Forwarded-For: 2001:db8:0:1:{host}")).status == 200
    assert (await ask(limited, "/api/events", "X-Forwarded-For: 2001:db8:0:1::99")).status == 429
    assert (await ask(limited, "/api/events", "X-Forwarded-For: 2001:db8:0:2::99")).status == 200


async def test_users_are_counted_separately_from_addresses(limited: str, services: Services) -> None:
    one, other = (f"Authorization: Bearer {services.mint.token(uuid.uuid4())}" for _ in range(2))
    assert await spend(limited, one, path="/api/tickets") == [200, 200, 200, 429]
    assert (await ask(limited, "/api/tickets", one, "X-Forwarded-For: 203.0.113.7")).status == 429
    assert await spend(limited, other, path="/api/tickets") == [200, 200, 200, 429]
    assert (await ask(limited, "/api/events")).status == 200, "users do not count towards their address"


async def test_user_is_counted_across_tokens_and_routes(limited: str, services: Services) -> None:
    user = uuid.uuid4()
    lines = [f"Authorization: Bearer {services.mint.token(user)}" for _ in range(4)]
    paths = ["/api/tickets", "/api/events", "/api/orders", "/api/events"]
    statuses = [(await ask(limited, path, line)).status for path, line in zip(paths, lines, strict=True)]
    assert statuses == [200, 200, 200, 429]


SCANS = 150


@pytest.fixture
async def limiting_scans(gateways: Gateways, services: Services, clock: Clock) -> AsyncIterator[str]:  # noqa: ARG001
    async with gateways(rate_limit_per_minute=LIMIT, scan_rate_limit_per_minute=SCANS) as url:
        await until_ready(url)
        yield url


async def scan(url: str, http: httpx.AsyncClient, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return (await http.post(f"{url}/api/verify", headers=headers, json={})).status_code


async def test_staff_have_a_limit_of_their_own_for_scans(limiting_scans: str, services: Services) -> None:
    """150 scans by one login in a burst pass, and count neither as its other requests nor as another login's scans."""
    token, other = (services.mint.token(uuid.uuid4(), Role.CUSTOMER, role) for role in (Role.STAFF, Role.ADMIN))
    async with http_client(limiting_scans) as http:
        statuses = await asyncio.gather(*(scan(limiting_scans, http, token) for _ in range(SCANS)))
        assert Counter(statuses) == {200: SCANS}
        assert await scan(limiting_scans, http, token) == 429
        assert await scan(limiting_scans, http, other) == 200
    assert await spend(limiting_scans, f"Authorization: Bearer {token}") == [200, 200, 200, 429]


async def test_scans_of_fans_and_strangers_have_the_usual_limit(limiting_scans: str, services: Services) -> None:
    fan = services.mint.token(uuid.uuid4())
    async with http_client(limiting_scans) as http:
        assert [await scan(limiting_scans, http, fan) for _ in range(LIMIT + 1)] == [200, 200, 200, 429]
        assert [await scan(limiting_scans, http, f"made.up.{n}") for n in range(LIMIT + 1)] == [401, 401, 401, 429]
    assert await spend(limiting_scans, f"Authorization: Bearer {fan}", requests=1) == [429]


async def test_purchases_from_performers_have_a_limit_of_their_own(
    gateways: Gateways,
    services: Services,
    clock: Clock,  # noqa: ARG001 - the window does not end
) -> None:
    fan, other = (f"Authorization: Bearer {services.mint.token(uuid.uuid4())}" for _ in range(2))
    path = "/api/tip-grid/purchase"
    async with gateways(rate_limit_per_minute=LIMIT, purchase_rate_limit_per_minute=2) as url:
        await until_ready(url)
        assert await spend(url, fan, requests=3, path=path, method="POST") == [200, 200, 429]
        assert await spend(url, other, requests=1, path=path, method="POST") == [200]
        assert await spend(url, fan) == [200, 200, 200, 429], "purchases are counted apart"


PEOPLE = 130
LOGIN, REFRESH, REGISTRATION = "/api/auth/login", "/api/auth/refresh", "/api/auth/verify-registration"
HERE, ELSEWHERE = "X-Forwarded-For: 203.0.113.1", "X-Forwarded-For: 203.0.113.2"


def answering(status: int) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"success": False, "error_code": "ANY"}, status=status)

    return answer


@pytest.mark.parametrize("path", [LOGIN, REFRESH, REGISTRATION])
async def test_people_behind_one_address_log_in(limited: str, path: str) -> None:
    assert await spend(limited, requests=PEOPLE, path=path, method="POST") == [200] * PEOPLE
    assert await spend(limited) == [200, 200, 200, 429], "logins are counted apart"
    assert await spend(limited, requests=1, path=path, method="POST") == [200]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_failed_logins_are_limited_by_address(limited: str, services: Services, status: int) -> None:
    services.handlers |= dict.fromkeys((LOGIN, REGISTRATION), answering(status))
    statuses = [(await ask(limited, path, HERE, method="POST")).status for path in (LOGIN, REGISTRATION, LOGIN)]
    services.handlers.clear()
    refused = await ask(limited, LOGIN, HERE, method="POST")
    assert statuses == [status] * LIMIT
    assert refused.status == 429
    assert refused.json["error_code"] == "RATE_LIMITED"
    assert int(refused.headers["retry-after"]) > 0
    assert (await ask(limited, LOGIN, ELSEWHERE, method="POST")).status == 200
    assert (await ask(limited, "/api/events", HERE)).status == 200


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_outage_and_limits_of_the_service_block_no_address(limited: str, services: Services, status: int) -> None:
    services.handlers[LOGIN] = answering(status)
    assert await spend(limited, path=LOGIN, method="POST") == [status] * (LIMIT + 1)
    services.handlers.clear()
    assert await spend(limited, requests=1, path=LOGIN, method="POST") == [200]


async def fail_logins(url: str, services: Services) -> None:
    """Fail as many logins from HERE as block the address."""
    services.handlers |= dict.fromkeys((LOGIN, REGISTRATION), answering(401))
    assert (await spend(url, HERE, path=LOGIN, method="POST"))[-1] == 429
    services.handlers.clear()


async def test_failed_logins_of_a_neighbour_block_no_refresh(limited: str, services: Services) -> None:
    await fail_logins(limited, services)
    for number in range(LIMIT + 1):
        line = f"Authorization: Bearer valid-{number}"
        assert (await ask(limited, REFRESH, HERE, line, method="POST")).status == 200


async def test_dead_refresh_token_blocks_only_itself(limited: str, services: Services) -> None:
    services.handlers[REFRESH] = answering(401)
    dead = (HERE, "Authorization: Bearer dead")
    assert await spend(limited, *dead, path=REFRESH, method="POST") == [401, 401, 401, 429]
    services.handlers.clear()
    assert (await ask(limited, REFRESH, HERE, "Authorization: Bearer valid", method="POST")).status == 200
    assert (await ask(limited, LOGIN, HERE, method="POST")).status == 200


async def test_refresh_without_a_token_is_counted_by_address(limited: str, services: Services) -> None:
    services.handlers[REFRESH] = answering(401)
    assert await spend(limited, path=REFRESH, method="POST") == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("lines", "body"),
    [(("Cookie: device_0123456789ab=a-token",), b""), ((), b'{"device_token": "a-token"}')],
)
async def test_device_that_logged_in_before_is_not_blocked_by_its_neighbours(
    limited: str, services: Services, lines: tuple[str, ...], body: bytes
) -> None:
    await fail_logins(limited, services)
    for _ in range(LIMIT + 1):
        answer = await ask(limited, LOGIN, HERE, f"Content-Length: {len(body)}", *lines, method="POST", body=body)
        assert (answer.status, services.last.body) == (200, body)
    assert (await ask(limited, REGISTRATION, HERE, *lines, method="POST")).status == 429, "that knows no devices"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"device_token": null}', b'{"device_token": ""}', b"{"])
async def test_other_logins_of_a_blocked_address_are_refused(limited: str, services: Services, body: bytes) -> None:
    await fail_logins(limited, services)
    refused = await ask(limited, LOGIN, HERE, f"Content-Length: {len(body)}", method="POST", body=body)
    assert refused.status == 429


async def test_logout_counts_for_its_user(limited: str, services: Services) -> None:
    lines = [f"Authorization: Bearer {services.mint.token(uuid.uuid4())}" for _ in range(PEOPLE)]
    statuses = [(await ask(limited, "/api/auth/logout", line, method="POST")).status for line in lines]
    assert statuses == [200] * PEOPLE
    assert (await spend(limited, "Authorization: Bearer forged", path="/api/auth/logout", method="POST"))[-1] == 429


@pytest.mark.parametrize("path", ["/api/events", "/api/tickets"])
async def test_forged_tokens_are_counted_by_address(limited: str, path: str) -> None:
    statuses = [(await ask(limited, path, f"Authorization: Bearer made.up.{n}")).status for n in range(LIMIT + 1)]
    assert statuses[-1] == 429


async def test_websocket_connections_count_as_requests(limited: str) -> None:
    async def connect_without_reading(address: str, path: str) -> int | None:
        async with connect(
            limited.replace("http", "ws") + path, additional_headers={"X-Forwarded-For": address}
        ) as connection:
            with suppress(ConnectionClosed):
                assert "subscribed" in str(await connection.recv())
        return connection.close_code

    path = f"/ws/events/{uuid.uuid4()}"
    assert [await connect_without_reading("203.0.113.1", path) for _ in range(LIMIT - 1)] == [1000] * (LIMIT - 1)
    assert await connect_without_reading("203.0.113.1", "/ws/events/not-a-uuid") == 4400
    assert await connect_without_reading("203.0.113.1", path) == 4429
    assert (await ask(limited, "/api/events", "X-Forwarded-For: 203.0.113.1")).status == 429
    assert await connect_without_reading("203.0.113.2", path) == 1000


async def test_limit_resets_each_minute(limited: str, clock: Clock) -> None:
    assert (await spend(limited))[-1] == 429
    clock.now += 49
    assert (await ask(limited, "/api/events")).status == 429
    clock.now += 1
    assert (await ask(limited, "/api/events")).status == 200


async def test_requests_outside_the_api_are_not_counted(limited: str) -> None:
    for path in ("/health", "/livez", "/", "/api/nothing"):
        assert 429 not in await spend(limited, path=path)


async def test_zero_disables_limits(gateway: str) -> None:
    answer = await ask(gateway, "/api/events")
    assert not [name for name in answer.headers if name.startswith("ratelimit")]


async def test_gateways_share_counts_in_redis(gateways: Gateways, redis_url: str, clock: Clock) -> None:
    async with (
        gateways(rate_limit_per_minute=LIMIT, redis_url=redis_url) as one,
        gateways(rate_limit_per_minute=LIMIT, redis_url=redis_url) as other,
    ):
        answers = [await ask(url, "/api/events") for url in (one, other, one, other, one)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[1].headers["ratelimit-remaining"] == "1"
        clock.now += 50
        assert (await ask(other, "/api/events")).status == 200


async def test_gateway_counts_locally_without_redis(gateways: Gateways, clock: Clock) -> None:  # noqa: ARG001
    async with gateways(rate_limit_per_minute=LIMIT, redis_url="redis://127.0.0.1:1/0") as url:
        assert await spend(url) == [200, 200, 200, 429]


async def test_hanging_redis_delays_requests_only_briefly(
    gateways: Gateways,
    hanging_redis_url: str,
    clock: Clock,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "REDIS_SECONDS", 3.0)  # longer than anything else here takes on a busy machine
    async with (
        gateways(rate_limit_per_minute=LIMIT, redis_url=hanging_redis_url) as url,
        http_client(url) as http,
    ):
        started = time.monotonic()
        statuses = [(await http.get("/api/events")).status_code for _ in range(LIMIT + 1)]
        assert statuses == [200, 200, 200, 429]
        assert time.monotonic() - started < 3.5 * limits.REDIS_SECONDS, "only the first may wait"


async def test_article_pages_count_as_the_requests_that_they_cause(limited: str) -> None:
    async with http_client(limited) as http:
        statuses = [(await http.get("/articles/no-such-article")).status_code for _ in range(LIMIT + 1)]
        assert (await http.get("/order-status/1")).status_code == 200  # it asks no service
    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]
