"""Providers' webhooks pass as they came, however many; who sends forged ones is shut out like anybody who asks too much."""

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from gateway import limits
from gateway import rejected_webhooks as limiter
from tests.integration.gateway.conftest import Gateways, until_ready
from tests.integration.gateway.raw import ask
from tests.integration.gateway.services import Services
from tests.integration.gateway.test_limits import Clock
from tests.support.http_client import http_client

LIMIT = 3
STRIPE = "/api/webhooks/stripe"
# What a signature is of: blanks, escapes, numbers and bytes that no JSON library would write again like this.
BODY = b'{ "a" : 1.10,\r\n\t"b":"\\u00e9\xc3\xa9" , "c": 1e-7 }\n'


async def refused(_: web.Request) -> web.StreamResponse:
    return web.json_response({"success": False, "error_code": "SIGNATURE_INVALID"}, status=401)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (limits, limiter):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
async def limited(gateways: Gateways, services: Services, clock: Clock) -> AsyncIterator[str]:  # noqa: ARG001
    async with gateways(rate_limit_per_minute=LIMIT, trusted_proxies="127.0.0.1") as url:
        await until_ready(url)
        yield url


class TestPassing:
    @pytest.mark.parametrize(
        ("provider", "header"),
        [("stripe", "Stripe-Signature"), ("nowpayments", "x-nowpayments-sig"), ("kinguin", "X-KINGUIN-SIGNATURE")],
    )
    async def test_the_body_and_its_signature_arrive_as_they_were_sent(
        self, client: httpx.AsyncClient, services: Services, provider: str, header: str
    ) -> None:
        sent = {header: "t=1,v1=ab", "Content-Type": "application/json"}
        answer = await client.post(f"/api/webhooks/{provider}", content=BODY, headers=sent)
        assert answer.status_code == 200
        assert services.last.body == BODY
        assert services.last.headers[header] == "t=1,v1=ab"

    async def test_a_body_in_pieces_is_whole_again(self, client: httpx.AsyncClient, services: Services) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for byte in BODY:
                yield bytes([byte])

        assert (await client.post(STRIPE, content=pieces())).status_code == 200
        assert services.last.body == BODY

    async def test_a_mebibyte_passes_and_one_byte_more_does_not(
        self, client: httpx.AsyncClient, services: Services
    ) -> None:
        assert (await client.post(STRIPE, content=b" " * 1_048_576)).status_code == 200
        services.received.clear()
        answer = await client.post(STRIPE, content=b" " * 1_048_577)
        assert (answer.status_code, answer.json()["error_code"]) == (413, "VALIDATION_ERROR")
        assert services.received == []

    async def test_two_signatures_are_none(self, gateway: str, services: Services) -> None:
        answer = await ask(gateway, STRIPE, "Stripe-Signature: t=1", "Stripe-Signature: t=2", method="POST")
        assert answer.status == 400
        assert services.received == []

    async def test_other_methods_are_not_allowed(self, client: httpx.AsyncClient) -> None:
        assert (await client.get(STRIPE)).status_code == 405


class TestCounting:
    async def test_a_burst_of_a_provider_is_not_counted(self, limited: str, services: Services) -> None:
        answers = [await ask(limited, STRIPE, method="POST") for _ in range(10 * LIMIT)]
        assert {answer.status for answer in answers} == {200}
        assert len(services.received) == 10 * LIMIT
        assert not any(name.startswith("ratelimit") for answer in answers for name in answer.headers)
        assert [(await ask(limited, "/api/events")).status for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]

    async def test_who_is_refused_too_often_is_shut_out_for_the_rest_of_the_minute(
        self, limited: str, services: Services, clock: Clock
    ) -> None:
        services.handlers[STRIPE] = refused
        forged = [await ask(limited, STRIPE, "X-Forwarded-For: 192.0.2.1", method="POST") for _ in range(LIMIT + 2)]
        assert [answer.status for answer in forged] == [401] * LIMIT + [429, 429]
        assert forged[-1].json["error_code"] == "RATE_LIMITED"
        assert int(forged[-1].headers["retry-after"]) in {50, 51}
        assert len(services.received) == LIMIT
        services.handlers.clear()
        assert (await ask(limited, STRIPE, "X-Forwarded-For: 192.0.2.2", method="POST")).status == 200
        assert (await ask(limited, "/api/events", "X-Forwarded-For: 192.0.2.1")).status == 200
        clock.now += 51
        assert (await ask(limited, STRIPE, "X-Forwarded-For: 192.0.2.1", method="POST")).status == 200

    async def test_what_never_ends_or_is_too_long_counts_too(self, limited: str, services: Services) -> None:
        async def too_long() -> AsyncIterator[bytes]:
            for _ in range(17):
                yield b" " * 65_536

        async with http_client(limited, headers={"X-Forwarded-For": "192.0.2.1"}) as forger:
            answers = [await forger.post(STRIPE, content=too_long()) for _ in range(LIMIT + 1)]
        assert [answer.status_code for answer in answers] == [413] * LIMIT + [429]
        assert services.received == []

    async def test_a_service_that_is_down_is_nobodys_forgery(self, limited: str, services: Services) -> None:
        async def down(_: web.Request) -> web.StreamResponse:
            return web.json_response({"success": False}, status=503)

        services.handlers[STRIPE] = down
        assert {(await ask(limited, STRIPE, method="POST")).status for _ in range(3 * LIMIT)} == {503}
