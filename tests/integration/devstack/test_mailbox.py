"""The sandbox's mail server accepts email as a real one does, and its mailbox page does not trust the content."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import pytest

from devstack.sandbox.app import create_app
from devstack.sandbox.settings import Settings
from tests.support.unused_addresses import UNUSED_URL


@dataclass
class Sandbox:
    http: httpx.AsyncClient
    smtp_port: int

    async def send(self, message: EmailMessage) -> None:
        await aiosmtplib.send(message, hostname="127.0.0.1", port=self.smtp_port, start_tls=False)

    async def mails(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/control/mail", params=query)).json()
        return found


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    app = create_app(Settings(env="test", smtp_port=0, users_url=UNUSED_URL, gateway_url=UNUSED_URL))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as http,
    ):
        yield Sandbox(http, app.state.mail_server.port)


def email(*, to: str = "fan@example.com", subject: str = "Grüße") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "tickets@example.com", to, subject
    message.set_content("As text")
    message.add_alternative("<p>As <b>HTML</b><script>alert(1)</script></p>", subtype="html")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="ticket\u00e9.png")
    return message


async def test_email_is_stored_unchanged(sandbox: Sandbox) -> None:
    await sandbox.send(email())
    [mail] = await sandbox.mails()
    assert (mail["sender"], mail["recipients"], mail["subject"]) == (
        "tickets@example.com",
        ["fan@example.com"],
        "Grüße",
    )
    assert mail["text"].strip() == "As text"
    assert mail["html"].startswith("<p>As <b>HTML</b>")
    assert mail["attachments"] == [{"name": "ticket\u00e9.png", "content_type": "image/png"}]


async def test_emails_are_filtered_by_address_and_deleted(sandbox: Sandbox) -> None:
    await sandbox.send(email(to="one@example.com"))
    await sandbox.send(email(to="two@example.com"))
    assert [mail["recipients"] for mail in await sandbox.mails(to="two@example.com")] == [["two@example.com"]]
    await sandbox.http.delete("/control/mail")
    assert await sandbox.mails() == []


async def test_mailbox_has_a_page(sandbox: Sandbox) -> None:
    assert "No emails yet" in (await sandbox.http.get("/mailbox")).text
    await sandbox.send(email(subject="<img src=x>"))
    [mail] = await sandbox.mails()
    listing = (await sandbox.http.get("/mailbox")).text
    shown = (await sandbox.http.get(f"/mailbox/{mail['mail_id']}")).text
    for page in (listing, shown):
        assert "&lt;img src=x&gt;" in page
        assert "<img" not in page
    assert f'<iframe sandbox src="/mailbox/{mail["mail_id"]}/html"' in shown


async def test_email_html_is_isolated(sandbox: Sandbox) -> None:
    await sandbox.send(email())
    [mail] = await sandbox.mails()
    page = await sandbox.http.get(f"/mailbox/{mail['mail_id']}/html")
    assert "<b>HTML</b>" in page.text
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


async def test_attachments_are_downloaded_and_not_shown(sandbox: Sandbox) -> None:
    await sandbox.send(email())
    [mail] = await sandbox.mails()
    answer = await sandbox.http.get(f"/mailbox/{mail['mail_id']}/attachments/0")
    assert answer.content == b"\x89PNG"
    assert answer.headers["content-disposition"].startswith("attachment;")
    for number in ("1", "-1"):
        assert (await sandbox.http.get(f"/mailbox/{mail['mail_id']}/attachments/{number}")).status_code == 404
    assert (await sandbox.http.get("/mailbox/none")).status_code == 404


async def test_mail_server_fails_on_demand(sandbox: Sandbox) -> None:
    await sandbox.http.post("/control/faults", json={"path": "SMTP", "status": 451, "times": 1})
    with pytest.raises(aiosmtplib.SMTPDataError) as refusal:
        await sandbox.send(email())
    assert refusal.value.code == 451
    await sandbox.send(email())
    assert len(await sandbox.mails()) == 1
