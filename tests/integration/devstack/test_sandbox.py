"""The sandbox behaves like the real OTP API, fails on demand, and credits through the ledger's API."""

import http.server
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from devstack.sandbox.app import create_app
from devstack.sandbox.settings import Settings

KEY: Final = {"X-Contacts-Key": "the-key"}
SECRET: Final = SecretStr("a-secret-of-the-sandbox-tests-32-bytes")
MOBILE: Final = "+6591234567"


class UsersStub(http.server.BaseHTTPRequestHandler):
    """The users service's route for top-ups: records its requests."""

    asked: list[tuple[str, str, dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers["Authorization"].removeprefix("Bearer "), body))
        answer = json.dumps({"success": True, "data": {"transaction_id": str(uuid4()), "balance": "50.00"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def users() -> Iterator[tuple[str, list[tuple[str, str, dict[str, Any]]]]]:
    asked: list[tuple[str, str, dict[str, Any]]] = []
    handler = type("UsersOfThisTest", (UsersStub,), {"asked": asked})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def sandbox(users: tuple[str, list[Any]]) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        env="test", otp_api_key=SecretStr("the-key"), service_token_secret=SECRET, users_url=users[0], smtp_port=0
    )
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as client,
    ):
        yield client


async def sent(sandbox: httpx.AsyncClient, mobile: str = MOBILE) -> str:
    answer = (await sandbox.post("/SendOTP", headers=KEY, json={"Mobile": mobile})).json()
    assert answer == {"VerificationSid": answer["VerificationSid"], "Success": True, "ErrorMessage": ""}
    return str(answer["VerificationSid"])


async def status_of(sandbox: httpx.AsyncClient, sid: str, code: str) -> str:
    answer = (await sandbox.post("/VerifyOTP", headers=KEY, json={"VerificationSid": sid, "Code": code})).json()
    assert set(answer) == {"Success", "Status", "ErrorMessage"}
    assert answer["Success"] == (answer["Status"] == "approved")
    return str(answer["Status"])


class TestOtp:
    async def test_default_code_is_approved_once(self, sandbox: httpx.AsyncClient) -> None:
        sid = await sent(sandbox)
        assert await status_of(sandbox, sid, "123456") == "approved"
        assert await status_of(sandbox, sid, "123456") == "expired"

    async def test_a_wrong_code_leaves_it_pending(self, sandbox: httpx.AsyncClient) -> None:
        sid = await sent(sandbox)
        assert await status_of(sandbox, sid, "000000") == "pending"
        assert await status_of(sandbox, sid, "123456") == "approved"

    async def test_an_unknown_id_is_expired(self, sandbox: httpx.AsyncClient) -> None:
        assert await status_of(sandbox, "VE-unknown", "123456") == "expired"

    async def test_a_phone_can_be_given_another_code(self, sandbox: httpx.AsyncClient) -> None:
        await sandbox.post("/control/otp", json={"mobile": MOBILE, "code": "777777"})
        sid = await sent(sandbox)
        assert await status_of(sandbox, sid, "123456") == "pending"
        assert await status_of(sandbox, sid, "777777") == "approved"
        assert await status_of(sandbox, await sent(sandbox, "+6598765432"), "123456") == "approved"

    async def test_codes_can_be_expired(self, sandbox: httpx.AsyncClient) -> None:
        old, other = await sent(sandbox), await sent(sandbox, "+6598765432")
        await sandbox.post("/control/otp/expire", json={"mobile": MOBILE})
        assert await status_of(sandbox, old, "123456") == "expired"
        assert await status_of(sandbox, other, "123456") == "approved"

    @pytest.mark.parametrize("headers", [{}, {"X-Contacts-Key": "another"}])
    async def test_api_key_is_required(self, sandbox: httpx.AsyncClient, headers: dict[str, str]) -> None:
        for path, body in {
            "/SendOTP": {"Mobile": MOBILE},
            "/VerifyOTP": {"VerificationSid": "VE", "Code": "1"},
            "/SendSMS": {"mobile": MOBILE, "message": "hello"},
        }.items():
            assert (await sandbox.post(path, headers=headers, json=body)).status_code == 401

    async def test_sent_messages_can_be_read(self, sandbox: httpx.AsyncClient) -> None:
        sid = await sent(sandbox)
        await sandbox.post("/SendSMS", headers=KEY, json={"mobile": MOBILE, "message": "hello"})
        await sent(sandbox, "+6598765432")
        messages = (await sandbox.get("/control/sent", params={"mobile": MOBILE})).json()
        assert [(m["kind"], m["text"], m["verification_sid"]) for m in messages] == [
            ("otp", "123456", sid),
            ("sms", "hello", None),
        ]
        assert len((await sandbox.get("/control/sent")).json()) == 3


class TestFaults:
    async def test_given_number_of_calls_fails(self, sandbox: httpx.AsyncClient) -> None:
        await sandbox.post("/control/faults", json={"path": "/SendOTP", "status": 503, "times": 2})
        statuses = [
            (await sandbox.post("/SendOTP", headers=KEY, json={"Mobile": MOBILE})).status_code for _ in range(3)
        ]
        assert statuses == [503, 503, 200]

    async def test_fault_applies_to_its_path_until_cleared(self, sandbox: httpx.AsyncClient) -> None:
        sid = await sent(sandbox)
        await sandbox.post("/control/faults", json={"path": "/SendOTP", "status": 500})
        assert await status_of(sandbox, sid, "123456") == "approved"
        await sandbox.delete("/control/faults")
        await sent(sandbox)

    async def test_response_can_be_delayed(self, sandbox: httpx.AsyncClient) -> None:
        await sandbox.post("/control/faults", json={"path": "/SendOTP", "delay_seconds": 0.2, "times": 1})
        began = time.monotonic()
        await sent(sandbox)
        assert time.monotonic() - began >= 0.2


class TestTopUps:
    async def test_top_up_credits_the_ledger(
        self, sandbox: httpx.AsyncClient, users: tuple[str, list[tuple[str, str, dict[str, Any]]]]
    ) -> None:
        call = {"user_id": str(uuid4()), "amount": "50.00", "request_id": str(uuid4())}
        answer = await sandbox.post("/topups", json=call)
        assert answer.status_code == 201
        assert answer.json()["data"]["balance"] == "50.00"
        ((path, token, body),) = users[1]
        assert path == "/internal/ledger/top-up"
        assert ServiceTokens(service="users", secret=SECRET).verify(token) == "sandbox"
        assert {name: body[name] for name in call} == call
        assert body["provider"] == "sandbox"

    @pytest.mark.parametrize("amount", ["0", "-1.00", "1.001", "many"])
    async def test_an_amount_is_positive_and_has_two_places(self, sandbox: httpx.AsyncClient, amount: str) -> None:
        answer = await sandbox.post("/topups", json={"user_id": str(uuid4()), "amount": amount})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "VALIDATION_ERROR")


async def test_page_lists_the_simulated_providers(sandbox: httpx.AsyncClient) -> None:
    page = await sandbox.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "OTP" in page.text
    assert (await sandbox.get("/health")).json()["status"] == "healthy"
