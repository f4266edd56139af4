"""Email over SMTP: accepted, refused permanently, or retryable."""

import asyncio
from email.message import EmailMessage

import pytest
from pydantic import SecretStr

from devstack.sandbox.mail import MailServer
from orchestrator.features.notifications.adapters.smtp import EmailClient, SmtpServer
from orchestrator.features.notifications.errors import EmailRefused, MailServerUnavailable, SenderRefused
from tests.integration.notifications.mail_server import SandboxMailServer
from tests.integration.notifications.scripted_smtp_server import ScriptedSmtpServer
from tests.support.timeouts import ANSWER_SECONDS


def email(to: str = "ann@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "tickets@example.com", to, "Hello"
    message.set_content("Hello")
    return message


async def test_email_is_delivered(mail_server: SandboxMailServer) -> None:
    await mail_server.email_client().send(email())
    [mail] = mail_server.mails()
    assert (mail.sender, mail.recipients, mail.body("plain")) == (
        "tickets@example.com",
        ("ann@example.com",),
        "Hello\n",
    )


async def test_addresses_may_be_in_any_script(mail_server: SandboxMailServer) -> None:
    await mail_server.email_client().send(email("änne@example.com"))
    assert mail_server.mails()[0].recipients == ("änne@example.com",)


@pytest.mark.parametrize("code", [450, 451, 452])
async def test_temporary_failure_is_retryable(mail_server: SandboxMailServer, code: int) -> None:
    mail_server.fail(code)
    with pytest.raises(MailServerUnavailable):
        await mail_server.email_client().send(email())


@pytest.mark.parametrize("code", [550, 552, 554])
async def test_permanent_failure_is_not_retryable(mail_server: SandboxMailServer, code: int) -> None:
    mail_server.fail(code)
    with pytest.raises(EmailRefused) as refusal:
        await mail_server.email_client().send(email())
    assert refusal.value.code == code


class TestRefusalCause:
    @pytest.mark.parametrize(
        ("command", "reply"),
        [
            ("CONNECT", "554 no mail service here"),
            ("EHLO", "550 not with that name"),
            ("AUTH", "535 wrong password"),
            ("MAIL", "550 sender unknown"),
            ("MAIL", "530 log in first"),
            ("RCPT", "530 log in first"),
        ],
    )
    async def test_sender_problem_does_not_fail_the_email(
        self, command: str, reply: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with ScriptedSmtpServer(**{command: reply, "HELO": reply}) as server:
            with pytest.raises(SenderRefused):
                await server.email_client(password=SecretStr("secret")).send(email())
        [line] = [line for line in capsys.readouterr().out.splitlines() if "mail.sender_refused" in line]
        assert "error" in line
        assert f"smtp_code={reply[:3]}" in line

    @pytest.mark.parametrize(
        ("command", "reply"),
        [("RCPT", "550 nobody here"), ("DATA", "554 no"), (".", "554 looks like spam"), ("MAIL", "552 too large")],
    )
    async def test_recipient_problem_fails_the_email(self, command: str, reply: str) -> None:
        async with ScriptedSmtpServer(**{command: reply}) as server:
            with pytest.raises(EmailRefused) as refusal:
                await server.email_client().send(email())
        assert refusal.value.code == int(reply[:3])

    async def test_ascii_only_server_refuses_other_addresses_permanently(self) -> None:
        async with ScriptedSmtpServer() as server:
            with pytest.raises(EmailRefused, match="ASCII"):
                await server.email_client().send(email("änne@example.com"))

    @pytest.mark.parametrize("command", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."])
    async def test_temporary_failure_at_any_command_is_no_sender_problem(self, command: str) -> None:
        async with ScriptedSmtpServer(**{command: "451 later", "HELO": "451 later"}) as server:
            with pytest.raises(MailServerUnavailable) as refusal:
                await server.email_client(password=SecretStr("secret")).send(email())
        assert not isinstance(refusal.value, SenderRefused)

    async def test_email_is_sent_once_the_sender_problem_is_fixed(self) -> None:
        async with ScriptedSmtpServer(MAIL="550 sender unknown") as server:
            email_client = server.email_client()
            with pytest.raises(SenderRefused):
                await email_client.send(email())
            server.now(MAIL="250 fine")
            await email_client.send(email())


async def test_silent_server_times_out(mail_server: SandboxMailServer) -> None:
    mail_server.fail(None, delay_seconds=1.0)
    with pytest.raises(MailServerUnavailable):
        await mail_server.email_client(timeout_seconds=0.2).send(email())


async def test_unavailable_server_is_retryable(mail_server: SandboxMailServer) -> None:
    email_client = mail_server.email_client()
    await mail_server.server.close()
    with pytest.raises(MailServerUnavailable):
        await email_client.send(email())


async def test_emails_share_a_connection(mail_server: SandboxMailServer) -> None:
    email_client = mail_server.email_client()
    for _ in range(20):
        await email_client.send(email())
    assert (len(mail_server.mails()), mail_server.server.connections) == (20, 1)


async def test_concurrent_emails_use_separate_connections(mail_server: SandboxMailServer) -> None:
    """There are as many connections as slots, and they are kept for the next emails."""
    email_client = mail_server.email_client()
    for _ in range(2):
        await asyncio.gather(*(email_client.send(email()) for _ in range(4)))
    assert (len(mail_server.mails()), mail_server.server.connections) == (8, 4)


async def test_email_is_sent_on_a_new_connection_after_421(
    mail_server: SandboxMailServer,
) -> None:
    email_client = mail_server.email_client()
    await email_client.send(email())
    mail_server.fail(421)
    await email_client.send(email("bob@example.com"))
    assert len(mail_server.mails("bob@example.com")) == 1
    assert mail_server.server.connections == 2


async def test_server_that_is_shutting_down_is_retryable(mail_server: SandboxMailServer) -> None:
    email_client = mail_server.email_client()
    await email_client.send(email())
    mail_server.fail(421, times=2)
    with pytest.raises(MailServerUnavailable):
        await email_client.send(email())


async def test_email_is_sent_after_a_server_restart(mail_server: SandboxMailServer) -> None:
    """The kept connection is broken; the email_client notices it before it sends an email."""
    email_client = mail_server.email_client()
    await email_client.send(email())
    port = mail_server.server.port
    await mail_server.server.close()
    again = MailServer(mail_server.mailbox, mail_server.faults, host="127.0.0.1", port=port)
    await again.start()
    await email_client.send(email())
    await again.close()
    assert (len(mail_server.mails()), again.connections) == (2, 1)


@pytest.mark.parametrize("code", [451, 550])
async def test_failure_does_not_affect_the_next_email(mail_server: SandboxMailServer, code: int) -> None:
    email_client = mail_server.email_client()
    await email_client.send(email())
    mail_server.fail(code)
    with pytest.raises((MailServerUnavailable, EmailRefused)):
        await email_client.send(email())
    await email_client.send(email())
    assert len(mail_server.mails()) == 2


async def test_password_is_not_sent_unencrypted(mail_server: SandboxMailServer) -> None:
    """The sandbox offers no STARTTLS, so a email_client with a password does not send it."""
    server = SmtpServer.from_url(SecretStr(f"smtp://ann:secret@127.0.0.1:{mail_server.server.port}"))
    with pytest.raises(MailServerUnavailable):
        await EmailClient(server, timeout_seconds=ANSWER_SECONDS).send(email())
    assert mail_server.mails() == []


def test_server_is_configured_by_url() -> None:
    server = SmtpServer.from_url(SecretStr("smtp://ann%40shop:p%2Fw@mail.example"))
    assert (server.host, server.port, server.username, server.is_tls, server.starttls) == (
        "mail.example",
        587,
        "ann@shop",
        False,
        True,
    )
    assert server.password is not None
    assert server.password.get_secret_value() == "p/w"
    secure = SmtpServer.from_url(SecretStr("smtps://mail.example"))
    assert (secure.port, secure.is_tls, secure.starttls) == (465, True, False)
