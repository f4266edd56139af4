"""Mail over SMTP: taken, refused for good, or to be tried again."""

import asyncio
from email.message import EmailMessage

import pytest
from pydantic import SecretStr

from devstack.sandbox.mail import MailServer
from orchestrator.features.notifications.adapters.smtp import EmailClient, SmtpServer
from orchestrator.features.notifications.errors import EmailRefused, MailServerUnavailable, SenderRefused
from tests.integration.notifications.post_office import PostOffice
from tests.integration.notifications.stubborn_server import StubbornServer
from tests.support.timeouts import ANSWER_SECONDS


def letter(to: str = "ann@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "tickets@example.com", to, "Hello"
    message.set_content("Hello")
    return message


async def test_mail_arrives(post_office: PostOffice) -> None:
    await post_office.mailer().send(letter())
    [mail] = post_office.mails()
    assert (mail.sender, mail.recipients, mail.body("plain")) == (
        "tickets@example.com",
        ("ann@example.com",),
        "Hello\n",
    )


async def test_addresses_may_be_in_any_script(post_office: PostOffice) -> None:
    await post_office.mailer().send(letter("änne@example.com"))
    assert post_office.mails()[0].recipients == ("änne@example.com",)


@pytest.mark.parametrize("code", [450, 451, 452])
async def test_later_means_later(post_office: PostOffice, code: int) -> None:
    post_office.fail(code)
    with pytest.raises(MailServerUnavailable):
        await post_office.mailer().send(letter())


@pytest.mark.parametrize("code", [550, 552, 554])
async def test_never_means_never(post_office: PostOffice, code: int) -> None:
    post_office.fail(code)
    with pytest.raises(EmailRefused) as refusal:
        await post_office.mailer().send(letter())
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
        async with StubbornServer(**{command: reply, "HELO": reply}) as server:
            with pytest.raises(SenderRefused):
                await server.mailer(password=SecretStr("secret")).send(letter())
        [line] = [line for line in capsys.readouterr().out.splitlines() if "mail.sender_refused" in line]
        assert "error" in line
        assert f"smtp_code={reply[:3]}" in line

    @pytest.mark.parametrize(
        ("command", "reply"),
        [("RCPT", "550 nobody here"), ("DATA", "554 no"), (".", "554 looks like spam"), ("MAIL", "552 too large")],
    )
    async def test_what_is_about_the_letter_ends_it(self, command: str, reply: str) -> None:
        async with StubbornServer(**{command: reply}) as server:
            with pytest.raises(EmailRefused) as refusal:
                await server.mailer().send(letter())
        assert refusal.value.code == int(reply[:3])

    async def test_a_server_that_knows_ascii_only_will_never_take_other_addresses(self) -> None:
        async with StubbornServer() as server:
            with pytest.raises(EmailRefused, match="ASCII"):
                await server.mailer().send(letter("änne@example.com"))

    @pytest.mark.parametrize("command", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."])
    async def test_later_is_nobodys_fault_wherever_it_is_said(self, command: str) -> None:
        async with StubbornServer(**{command: "451 later", "HELO": "451 later"}) as server:
            with pytest.raises(MailServerUnavailable) as refusal:
                await server.mailer(password=SecretStr("secret")).send(letter())
        assert not isinstance(refusal.value, SenderRefused)

    async def test_once_we_have_put_it_right_the_letter_goes(self) -> None:
        async with StubbornServer(MAIL="550 sender unknown") as server:
            mailer = server.mailer()
            with pytest.raises(SenderRefused):
                await mailer.send(letter())
            server.now(MAIL="250 fine")
            await mailer.send(letter())


async def test_a_silent_server_is_not_waited_for_without_end(post_office: PostOffice) -> None:
    post_office.fail(None, delay_seconds=1.0)
    with pytest.raises(MailServerUnavailable):
        await post_office.mailer(timeout_seconds=0.2).send(letter())


async def test_a_server_that_is_away_may_come_back(post_office: PostOffice) -> None:
    mailer = post_office.mailer()
    await post_office.server.close()
    with pytest.raises(MailServerUnavailable):
        await mailer.send(letter())


async def test_many_letters_share_a_connection(post_office: PostOffice) -> None:
    mailer = post_office.mailer()
    for _ in range(20):
        await mailer.send(letter())
    assert (len(post_office.mails()), post_office.server.connections) == (20, 1)


async def test_letters_sent_at_once_do_not_wait_for_each_other(post_office: PostOffice) -> None:
    """As many connections as hands, and they are kept for the next letters."""
    mailer = post_office.mailer()
    for _ in range(2):
        await asyncio.gather(*(mailer.send(letter()) for _ in range(4)))
    assert (len(post_office.mails()), post_office.server.connections) == (8, 4)


async def test_a_server_that_had_enough_of_a_connection_gets_the_letter_on_another(post_office: PostOffice) -> None:
    mailer = post_office.mailer()
    await mailer.send(letter())
    post_office.fail(421)
    await mailer.send(letter("bob@example.com"))
    assert len(post_office.mails("bob@example.com")) == 1
    assert post_office.server.connections == 2


async def test_a_server_that_is_closing_altogether_means_later(post_office: PostOffice) -> None:
    mailer = post_office.mailer()
    await mailer.send(letter())
    post_office.fail(421, times=2)
    with pytest.raises(MailServerUnavailable):
        await mailer.send(letter())


async def test_a_server_that_was_restarted_gets_the_next_letter(post_office: PostOffice) -> None:
    """What the kept connection led to is gone; that is noticed before a letter is trusted to it."""
    mailer = post_office.mailer()
    await mailer.send(letter())
    port = post_office.server.port
    await post_office.server.close()
    again = MailServer(post_office.mailbox, post_office.faults, host="127.0.0.1", port=port)
    await again.start()
    await mailer.send(letter())
    await again.close()
    assert (len(post_office.mails()), again.connections) == (2, 1)


@pytest.mark.parametrize("code", [451, 550])
async def test_what_one_letter_ran_into_the_next_one_does_not(post_office: PostOffice, code: int) -> None:
    mailer = post_office.mailer()
    await mailer.send(letter())
    post_office.fail(code)
    with pytest.raises((MailServerUnavailable, EmailRefused)):
        await mailer.send(letter())
    await mailer.send(letter())
    assert len(post_office.mails()) == 2


async def test_a_password_does_not_go_over_an_open_line(post_office: PostOffice) -> None:
    """The sandbox offers no STARTTLS: who has a password to give gives nothing then."""
    server = SmtpServer.from_url(SecretStr(f"smtp://ann:secret@127.0.0.1:{post_office.server.port}"))
    with pytest.raises(MailServerUnavailable):
        await EmailClient(server, timeout_seconds=ANSWER_SECONDS).send(letter())
    assert post_office.mails() == []


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
