"""The OTP adapter against a server with valid and invalid responses."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import SecretStr

from users.one_time_codes.errors import OtpUnavailable
from users.one_time_codes.notification_api import NotificationApi
from users.one_time_codes.provider import VerificationStatus


@dataclass
class Provider:
    """Responds to every call with `status` and `body`, and records the requests."""

    status: int = 200
    body: str = "{}"
    delay_seconds: float = 0
    calls: list[tuple[str, str | None, object]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append((request.path, request.headers.get("X-Contacts-Key"), await request.json()))
        await asyncio.sleep(self.delay_seconds)
        return web.Response(status=self.status, text=self.body, content_type="application/json")


@pytest.fixture
async def provider() -> Provider:
    return Provider()


@pytest.fixture
def timeout_seconds() -> float:
    return 10


@pytest.fixture
async def api(provider: Provider, timeout_seconds: float) -> AsyncIterator[NotificationApi]:
    app = web.Application()
    app.router.add_post("/{path}", provider.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    api = NotificationApi(base_url=f"http://{host}:{port}", key=SecretStr("the key"), timeout_seconds=timeout_seconds)
    yield api
    await api.close()
    await runner.cleanup()


async def test_sends_to_the_mobile_with_the_key(api: NotificationApi, provider: Provider) -> None:
    provider.body = json.dumps({"VerificationSid": "VE1", "Success": True, "ErrorMessage": ""})
    assert await api.send("+6591234567") == "VE1"
    assert provider.calls == [("/SendOTP", "the key", {"Mobile": "+6591234567"})]


@pytest.mark.parametrize("status", list(VerificationStatus))
async def test_reads_each_verification_status(
    api: NotificationApi, provider: Provider, status: VerificationStatus
) -> None:
    provider.body = json.dumps({"Success": status == "approved", "Status": status, "ErrorMessage": ""})
    assert await api.verify(verification_sid="VE1", code="123456") is status
    assert provider.calls == [("/VerifyOTP", "the key", {"VerificationSid": "VE1", "Code": "123456"})]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "{}"),
        (401, "{}"),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"Success": false, "VerificationSid": "VE1", "ErrorMessage": "no credit"}'),
        (200, '{"Success": true, "VerificationSid": ""}'),
        (200, '{"Success": true, "VerificationSid": 7, "Status": "canceled"}'),
    ],
)
async def test_unreadable_response_is_an_outage(
    api: NotificationApi, provider: Provider, status: int, body: str
) -> None:
    provider.status, provider.body = status, body
    with pytest.raises(OtpUnavailable):
        await api.send("+6591234567")
    with pytest.raises(OtpUnavailable):
        await api.verify(verification_sid="VE1", code="123456")


@pytest.mark.parametrize("timeout_seconds", [0.2])
async def test_timeout_is_an_outage(api: NotificationApi, provider: Provider) -> None:
    provider.delay_seconds = 1
    with pytest.raises(OtpUnavailable):
        await api.send("+6591234567")


async def test_refused_connection_is_an_outage() -> None:
    nobody = NotificationApi(base_url="http://127.0.0.1:1", key=SecretStr("k"), timeout_seconds=1)
    with pytest.raises(OtpUnavailable):
        await nobody.send("+6591234567")
    await nobody.close()
