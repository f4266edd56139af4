"""The sandbox behind a real server, a receiver of its webhooks, and the clients that call it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web

from devstack.sandbox.app import create_app
from devstack.sandbox.settings import Settings
from orchestrator.features.payments.adapters.nowpayments import NowPayments
from orchestrator.features.payments.adapters.stripe import StripePayments
from tests.support.http_client import http_client
from tests.support.serving import serving
from tests.support.unused_addresses import UNUSED_URL

TIMEOUT_SECONDS = 60.0
SHORT_TIMEOUT_SECONDS = 0.5
TOO_SLOW_SECONDS = 2.0  # both ends run in this process, so the shorter wait ends first however busy it is


@dataclass
class WebhookReceiver:
    """Replaces the gateway: it records webhooks and responds with `status`."""

    url: str
    status: int = 200
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        self.received.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.status)


@pytest.fixture(scope="module")
async def running_receiver() -> AsyncIterator[WebhookReceiver]:
    webhook_receiver = WebhookReceiver(url="")
    app = web.Application()
    app.router.add_post("/{path:.*}", webhook_receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    webhook_receiver.url = f"http://{host}:{port}"
    yield webhook_receiver
    await runner.cleanup()


@pytest.fixture
def webhook_receiver(running_receiver: WebhookReceiver) -> WebhookReceiver:
    """The receiver, without recorded webhooks."""
    running_receiver.received.clear()
    running_receiver.status = 200
    return running_receiver


@pytest.fixture(scope="module")
def settings(running_receiver: WebhookReceiver) -> Settings:
    return Settings(env="test", smtp_port=0, users_url=UNUSED_URL, gateway_url=running_receiver.url)


@pytest.fixture(scope="module")
async def sandbox_url(settings: Settings) -> AsyncIterator[str]:
    async with serving(create_app(settings), settings) as url:
        yield url


@dataclass(frozen=True)
class Control:
    """Controls the sandbox."""

    http: httpx.AsyncClient

    async def __call__(self, path: str, /, **body: Any) -> Any:
        answer = await self.http.post(f"/control{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[Control]:
    """Ordered faults end with the test."""
    async with http_client(sandbox_url) as http:
        yield Control(http)
        await http.delete("/control/faults")


@pytest.fixture
async def stripe_payments(sandbox_url: str, settings: Settings) -> AsyncIterator[StripePayments]:
    payments = StripePayments(
        api_url=sandbox_url, secret_key=settings.stripe_secret_key, timeout_seconds=TIMEOUT_SECONDS
    )
    yield payments
    await payments.close()


@pytest.fixture
async def crypto_payments(sandbox_url: str, settings: Settings) -> AsyncIterator[NowPayments]:
    payments = NowPayments(api_url=sandbox_url, key=settings.nowpayments_api_key, timeout_seconds=TIMEOUT_SECONDS)
    yield payments
    await payments.close()


@pytest.fixture
async def short_timeout_stripe_payments(sandbox_url: str, settings: Settings) -> AsyncIterator[StripePayments]:
    payments = StripePayments(
        api_url=sandbox_url, secret_key=settings.stripe_secret_key, timeout_seconds=SHORT_TIMEOUT_SECONDS
    )
    yield payments
    await payments.close()


@pytest.fixture
async def short_timeout_crypto_payments(sandbox_url: str, settings: Settings) -> AsyncIterator[NowPayments]:
    payments = NowPayments(api_url=sandbox_url, key=settings.nowpayments_api_key, timeout_seconds=SHORT_TIMEOUT_SECONDS)
    yield payments
    await payments.close()
