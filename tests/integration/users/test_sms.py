"""Text messages: sent once per request, and only for other services."""

import uuid
from typing import Any

import pytest

from tests.integration.users.otp_caller import OtpCaller
from tests.integration.users.user_client import LoggedInUser, Sandbox, UserClient
from tests.support.http_client import http_client


def call(user: LoggedInUser, **changes: Any) -> dict[str, Any]:
    return {"request_id": str(uuid.uuid4()), "user_id": str(user.user_id), "text": "Cancelled.", **changes}


@pytest.fixture
async def user(user_client: UserClient) -> LoggedInUser:
    return await user_client.join()


async def texts_to(user: LoggedInUser, sandbox: Sandbox) -> list[str]:
    sent = (await sandbox.http.get("/control/sent", params={"mobile": user.phone})).json()
    return [message["text"] for message in sent if message["kind"] == "sms"]


async def test_text_message_is_sent_once(otp_caller: OtpCaller, user: LoggedInUser, sandbox: Sandbox) -> None:
    body = call(user)
    for _ in range(2):
        answer = await otp_caller.http.post("/internal/sms", json=body)
        assert (answer.status_code, answer.json()["data"]) == (200, {"sent": True})
    assert await texts_to(user, sandbox) == ["Cancelled."]


async def test_request_id_with_another_text_is_refused(
    otp_caller: OtpCaller, user: LoggedInUser, sandbox: Sandbox
) -> None:
    body = call(user)
    await otp_caller.http.post("/internal/sms", json=body)
    refused = await otp_caller.http.post("/internal/sms", json=body | {"text": "Something else."})
    assert (refused.status_code, refused.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await texts_to(user, sandbox) == ["Cancelled."]


async def test_send_succeeds_after_a_provider_outage(
    otp_caller: OtpCaller, user: LoggedInUser, sandbox: Sandbox
) -> None:
    await sandbox.http.post("/control/faults", json={"path": "/SendSMS", "status": 500, "times": 1})
    body = call(user)
    assert (await otp_caller.http.post("/internal/sms", json=body)).status_code == 503
    assert (await otp_caller.http.post("/internal/sms", json=body)).status_code == 200
    assert await texts_to(user, sandbox) == ["Cancelled."]


async def test_unknown_user_is_404(otp_caller: OtpCaller, user: LoggedInUser) -> None:
    answer = await otp_caller.http.post("/internal/sms", json=call(user, user_id=str(uuid.uuid4())))
    assert (answer.status_code, answer.json()["error_code"]) == (404, "USER_NOT_FOUND")


@pytest.mark.parametrize("text", ["", "x" * 481, "a\x00b"])
async def test_text_length_is_limited(otp_caller: OtpCaller, user: LoggedInUser, text: str) -> None:
    assert (await otp_caller.http.post("/internal/sms", json=call(user, text=text))).status_code == 400


async def test_users_may_not_send_text_messages(users_url: str, user: LoggedInUser) -> None:
    async with http_client(users_url, headers={"authorization": f"Bearer {user.access_token}"}) as http:
        assert (await http.post("/internal/sms", json=call(user))).status_code in {401, 403}
