"""A user's account through the gateway: links by email, sessions, and a password that was forgotten (W1)."""

import re

from devstack.stack import Stack
from tests.e2e.user_client import USER_PASSWORD, UserClient
from tests.support.http_client import http_client
from tests.support.waiting import eventually

NEW_PASSWORD = "a password they remember"


async def email_about(stack: Stack, user: UserClient, subject: str) -> str:
    """Return the text of an email to the user, once it has arrived."""

    async def look() -> list[str]:
        async with http_client(stack.urls.sandbox) as sandbox:
            emails = (await sandbox.get("/control/mail", params={"to": user.email})).json()
        return [email["text"] for email in emails if email["subject"] == subject]

    return (await eventually(look))[-1]


async def test_forgotten_password_is_set_by_the_link_in_an_email(
    platform: Stack, anonymous: UserClient, fan: UserClient
) -> None:
    assert (await anonymous.post("/auth/forgot-password", {"email": fan.email})).status == 200
    email = await email_about(platform, fan, "Set a new password")
    [(page, token)] = set(re.findall(r"(http\S+/reset-password)#token=([\w-]+)", email))
    async with http_client() as browser:
        shown = await browser.get(page)
    body = {"token": token, "password": NEW_PASSWORD}
    first, again = [await anonymous.post("/auth/reset-password", body) for _ in range(2)]

    assert page.startswith(platform.urls.gateway)
    assert "Set a new password" in shown.text
    assert first.status == 200
    assert again.refused() == (410, "LINK_EXPIRED")
    await eventually(lambda: _is_logged_out(fan))
    assert (await anonymous.post("/auth/login", {"email": fan.email, "password": USER_PASSWORD})).status == 401
    async with await anonymous.log_in(fan.email, NEW_PASSWORD) as back:
        assert (await back.get("/users/me")).data["is_email_verified"] is True
    notice = await email_about(platform, fan, "Your password was changed")
    assert "#token=" not in notice


async def test_logging_out_everywhere_ends_every_session_at_the_gateway(fan: UserClient, anonymous: UserClient) -> None:
    async with await anonymous.log_in(fan.email, USER_PASSWORD) as elsewhere:
        sessions = (await fan.get("/auth/sessions")).data
        assert sorted(each["is_current"] for each in sessions) == [False, True]
        assert await fan.delete("/auth/sessions") == 204
        await eventually(lambda: _is_logged_out(elsewhere))
        await eventually(lambda: _is_logged_out(fan))


async def _is_logged_out(user: UserClient) -> bool:
    return (await user.get("/users/me")).status == 401
