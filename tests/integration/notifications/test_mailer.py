"""Mail over SMTP: taken, refused for good, or to be tried again."""

import asyncio
from email.message import EmailMessage

import pytest
from pydantic import SecretStr

from devstack.sandbox.mail import MailServer
from orchestrator.features.notifications.adapters.smtp import Mailer, SmtpServer
from orchestrator.features.notifications.errors import MailRefused, MailUnavailable, SenderRefused
from tests.integration.notifications.mail_server import SandboxMailServer
from tests.integration.notifications.scripted_smtp_server import ScriptedSmtpServer
from tests.support.timeouts import ANSWER_SECONDS


def email(to: str = "ann@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "tickets@example.com", to, "Hello"
    message.set_content("Hello")
    return message


async def test_mail_arrives(mail_server: SandboxMailServer) -> None:
    await mail_server.mailer().send(email())
    [mail] = mail_server.mails()
    assert (mail.sender, mail.recipients, mail.body("plain")) == (
        "tickets@example.com",
        ("ann@example.com",),
        "Hello\n",
    )


async def test_addresses_may_be_in_any_script(mail_server: SandboxMailServer) -> None:
    await mail_server.mailer().send(email("änne@example.com"))
    assert mail_server.mails()[0].recipients == ("änne@example.com",)


@pytest.mark.parametrize("code", [450, 451, 452])
async def test_later_means_later(mail_server: SandboxMailServer, code: int) -> None:
    mail_server.fail(code)
    with pytest.raises(MailUnavailable):
        await mail_server.mailer().send(email())


@pytest.mark.parametrize("code", [550, 552, 554])
async def test_never_means_never(mail_server: SandboxMailServer, code: int) -> None:
    mail_server.fail(code)
    with pytest.raises(MailRefused) as refusal:
        await mail_server.mailer().send(email())
    assert refusal.value.code == code


class TestWhomARefusalIsAbout:
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
    async def test_no_letter_is_given_up_for_what_is_about_us(
        self, command: str, reply: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with ScriptedSmtpServer(**{command: reply, "HELO": reply}) as server:
            with pytest.raises(SenderRefused):
                await server.mailer(password=SecretStr("secret")).send(email())
        [line] = [line for line in capsys.readouterr().out.splitlines() if "mail.sender_refused" in line]
        assert "error" in line
        assert f"smtp_code={reply[:3]}" in line

    @pytest.mark.parametrize(
        ("command", "reply"),
        [("RCPT", "550 nobody here"), ("DATA", "554 no"), (".", "554 looks like spam"), ("MAIL", "552 too large")],
    )
    async def test_what_is_about_the_letter_ends_it(self, command: str, reply: str) -> None:
        async with ScriptedSmtpServer(**{command: reply}) as server:
            with pytest.raises(MailRefused) as refusal:
                await server.mailer().send(email())
        assert refusal.value.code == int(reply[:3])

    async def test_a_server_that_knows_ascii_only_will_never_take_other_addresses(self) -> None:
        async with ScriptedSmtpServer() as server:
            with pytest.raises(MailRefused, match="ASCII"):
                await server.mailer().send(email("änne@example.com"))

    @pytest.mark.parametrize("command", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."])
    async def test_later_is_nobodys_fault_wherever_it_is_said(self, command: str) -> None:
        async with ScriptedSmtpServer(**{command: "451 later", "HELO": "451 later"}) as server:
            with pytest.raises(MailUnavailable) as refusal:
                await server.mailer(password=SecretStr("secret")).send(email())
        assert not isinstance(refusal.value, SenderRefused)

    async def test_once_we_have_put_it_right_the_letter_goes(self) -> None:
        async with ScriptedSmtpServer(MAIL="550 sender unknown") as server:
            mailer = server.mailer()
            with pytest.raises(SenderRefused):
                await mailer.send(email())
            server.now(MAIL="250 fine")
            await mailer.send(email())


async def test_a_silent_server_is_not_waited_for_without_end(mail_server: SandboxMailServer) -> None:
    mail_server.fail(None, delay_seconds=1.0)
    with pytest.raises(MailUnavailable):
        await mail_server.mailer(timeout_seconds=0.2).send(email())


async def test_a_server_that_is_away_may_come_back(mail_server: SandboxMailServer) -> None:
    mailer = mail_server.mailer()
    await mail_server.server.close()
    with pytest.raises(MailUnavailable):
        await mailer.send(email())


async def test_many_letters_share_a_connection(mail_server: SandboxMailServer) -> None:
    mailer = mail_server.mailer()
    for _ in range(20):
        await mailer.send(email())
    assert (len(mail_server.mails()), mail_server.server.connections) == (20, 1)


async def test_letters_sent_at_once_do_not_wait_for_each_other(mail_server: SandboxMailServer) -> None:
    """As many connections as hands, and they are kept for the next letters."""
    mailer = mail_server.mailer()
    for _ in range(2):
        await asyncio.gather(*(mailer.send(email()) for _ in range(4)))
    assert (len(mail_server.mails()), mail_server.server.connections) == (8, 4)


async def test_a_server_that_had_enough_of_a_connection_gets_the_letter_on_another(
    mail_server: SandboxMailServer,
) -> None:
    mailer = mail_server.mailer()
    await mailer.send(email())
    mail_server.fail(421)
    await mailer.send(email("bob@example.com"))
    assert len(mail_server.mails("bob@example.com")) == 1
    assert mail_server.server.connections == 2


async def test_a_server_that_is_closing_altogether_means_later(mail_server: SandboxMailServer) -> None:
    mailer = mail_server.mailer()
    await mailer.send(email())
    mail_server.fail(421, times=2)
    with pytest.raises(MailUnavailable):
        await mailer.send(email())


async def test_a_server_that_was_restarted_gets_the_next_letter(mail_server: SandboxMailServer) -> None:
    """What the kept connection led to is gone; that is noticed before a letter is trusted to it."""
    mailer = mail_server.mailer()
    await mailer.send(email())
    port = mail_server.server.port
    await mail_server.server.close()
    again = MailServer(mail_server.mailbox, mail_server.faults, host="127.0.0.1", port=port)
    await again.start()
    await mailer.send(email())
    await again.close()
    assert (len(mail_server.mails()), again.connections) == (2, 1)


@pytest.mark.parametrize("code", [451, 550])
async def test_what_one_letter_ran_into_the_next_one_does_not(mail_server: SandboxMailServer, code: int) -> None:
    mailer = mail_server.mailer()
    await mailer.send(email())
    mail_server.fail(code)
    with pytest.raises((MailUnavailable, MailRefused)):
        await mailer.send(email())
    await mailer.send(email())
    assert len(mail_server.mails()) == 2


async def test_a_password_does_not_go_over_an_open_line(mail_server: SandboxMailServer) -> None:
    """The sandbox offers no STARTTLS: who has a password to give gives nothing then."""
    server = SmtpServer.from_url(SecretStr(f"smtp://ann:secret@127.0.0.1:{mail_server.server.port}"))
    with pytest.raises(MailUnavailable):
        await Mailer(server, timeout_seconds=ANSWER_SECONDS).send(email())
    assert mail_server.mails() == []


def test_a_url_says_it_all() -> None:
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
