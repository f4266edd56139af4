"""What a webhook's sender does with the response."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from aiohttp import web

from orchestrator.features.outbound_webhooks.adapters.public_resolver import PublicResolver
from orchestrator.features.outbound_webhooks.adapters.sender import WebhookSender
from tests.integration.notifications.integrator import Integrator


@pytest.fixture
async def target() -> AsyncIterator[Integrator]:
    async with Integrator() as integrator:
        yield integrator


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(target: Integrator, status: int) -> None:
    """The first URL was checked; the one that its server names was not."""

    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": target.url})

    app = web.Application()
    app.router.add_post("/", redirect)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sender = WebhookSender(PublicResolver(), is_private_allowed=True, timeout_seconds=60, connect_timeout_seconds=60)
    try:
        answer = await sender.post(
            f"http://127.0.0.1:{runner.addresses[0][1]}/", body="{}", headers={"webhook-id": "any"}
        )
    finally:
        await runner.cleanup()
    assert HTTPStatus(answer) is HTTPStatus(status)
    assert target.received.total() == 0
