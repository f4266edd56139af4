"""Webhooks are forwarded unchanged and without a rate limit; addresses with many rejected webhooks are blocked."""

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from tests.integration.gateway.conftest import Gateways, until_ready
from tests.integration.gateway.raw import ask
from tests.integration.gateway.services import Services
from tests.integration.gateway.test_limits import Clock, clock
from tests.support.http_client import http_client

__all__ = ["clock"]

LIMIT = 3
STRIPE = "/api/webhooks/stripe"
# What a signature covers: whitespace, escapes, numbers and bytes that no JSON library would write again like this.
BODY = b'{ "a" : 1.10,\r\n\t"b":"\\u00e9\xc3\xa9" , "c": 1e-7 }\n'


async def refused(_: web.Request) -> web.StreamResponse:
    return web.json_response({"success": False, "error_code": "SIGNATURE_INVALID"}, status=401)


@pytest.fixture
async def limited(gateways: Gateways, services: Services, clock: Clock) -> AsyncIterator[str]:  # noqa: ARG001
    async with gateways(rate_limit_per_minute=LIMIT, trusted_proxies="127.0.0.1") as url:
        await until_ready(url)
        yield url


class TestForwarding:
    @pytest.mark.parametrize(
        ("provider", "header"),
        [("stripe", "Stripe-Signature"), ("nowpayments", "x-nowpayments-sig"), ("kinguin", "X-KINGUIN-SIGNATURE")],
    )
    async def test_body_and_signature_are_forwarded_unchanged(
        self, client: httpx.AsyncClient, services: Services, provider: str, header: str
    ) -> None:
        sent = {header: "t=1,v1=ab", "Content-Type": "application/json"}
        answer = await client.post(f"/api/webhooks/{provider}", content=BODY, headers=sent)
        assert answer.status_code == 200
        assert services.last.body == BODY
        assert services.last.headers[header] == "t=1,v1=ab"

    async def test_chunked_body_is_reassembled(self, client: httpx.AsyncClient, services: Services) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for byte in BODY:
                yield bytes([byte])

        assert (await client.post(STRIPE, content=pieces())).status_code == 200
        assert services.last.body == BODY

    async def test_body_is_limited_to_one_mebibyte(self, client: httpx.AsyncClient, services: Services) -> None:
        assert (await client.post(STRIPE, content=b" " * 1_048_576)).status_code == 200
        services.received.clear()
        answer = await client.post(STRIPE, content=b" " * 1_048_577)
        assert (answer.status_code, answer.json()["error_code"]) == (413, "VALIDATION_ERROR")
        assert services.received == []

    async def test_repeated_signature_header_is_refused(self, gateway: str, services: Services) -> None:
        answer = await ask(gateway, STRIPE, "Stripe-Signature: t=1", "Stripe-Signature: t=2", method="POST")
        assert answer.status == 400
        assert services.received == []

    async def test_other_methods_are_405(self, client: httpx.AsyncClient) -> None:
        assert (await client.get(STRIPE)).status_code == 405


class TestCounting:
    async def test_accepted_webhooks_are_not_rate_limited(self, limited: str, services: Services) -> None:
        answers = [await ask(limited, STRIPE, method="POST") for _ in range(10 * LIMIT)]
        assert {answer.status for answer in answers} == {200}
        assert len(services.received) == 10 * LIMIT
        assert not any(name.startswith("ratelimit") for answer in answers for name in answer.headers)
        assert [(await ask(limited, "/api/events")).status for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]

    async def test_address_with_many_rejections_is_blocked_for_the_minute(
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

    async def test_incomplete_or_oversized_body_counts_as_a_rejection(self, limited: str, services: Services) -> None:
        async def too_long() -> AsyncIterator[bytes]:
            for _ in range(17):
                yield b" " * 65_536

        async with http_client(limited, headers={"X-Forwarded-For": "192.0.2.1"}) as forger:
            answers = [await forger.post(STRIPE, content=too_long()) for _ in range(LIMIT + 1)]
        assert [answer.status_code for answer in answers] == [413] * LIMIT + [429]
        assert services.received == []

    async def test_unavailable_service_does_not_count_as_a_rejection(self, limited: str, services: Services) -> None:
        async def down(_: web.Request) -> web.StreamResponse:
            return web.json_response({"success": False}, status=503)

        services.handlers[STRIPE] = down
        assert {(await ask(limited, STRIPE, method="POST")).status for _ in range(3 * LIMIT)} == {503}
