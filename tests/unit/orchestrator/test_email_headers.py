"""Headers of emails say the same to every parser, whatever a name contains."""

import uuid
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import compat32
from email.policy import default as modern
from email.utils import getaddresses

import pytest
from aiosmtplib.email import extract_recipients, extract_sender, flatten_message
from hypothesis import given
from hypothesis import strategies as st

from common.text import one_line
from orchestrator.features.notifications.adapters.template_renderer import LONGEST_SUBJECT
from orchestrator.features.notifications.models.notifications import NotificationKind, SeatLine
from orchestrator.features.notifications.service.email_builder import EmailBuilder
from tests.unit.orchestrator.test_emails import RENDERER, email_context

SENDER = '"Tickets & More, of the House of Long Names, VIP (table 4) <boss@corp.example>" <tickets@shop.example>'
FAMILY = "👨\u200d👩\u200d👧"
NAMES = (
    "Smith <boss@corp.example>, Alexander of the House of Long Names, VIP (table 4)",
    "Lim, Mei",
    'Ann "Speedy" O\'Hara',
    "a@b.example, c@d.example;",
    "=?utf-8?q?Boss_=3Cboss=40corp=2Eexample=3E?=",
    "ශ්\u200dරී ලංකාවේ දිගු නමක් ඇති පුද්ගලයා",
    "می\u200cخواهم علی‌رضا",  # noqa: RUF001 - its letters
    "Zoë 👨\u200d👩\u200d👧 of the House of Long Names and of Many Children",
    "name" * 20,
    "\\",
    "(",
    "Ann\r\nBcc: all@example.com",
)


def sent(reader: str = "Ann", *, event_name: str = "Gala", row_number: str = "A") -> bytes:
    """Return an email as it is sent."""
    seat = SeatLine(seat_id=uuid.uuid4(), category="CAT1", row_number=row_number, seat_number=1)
    context = email_context(reader=reader, event_name=event_name, seats=(seat,))
    builder = EmailBuilder(sender=SENDER, reply_to="", renderer=RENDERER)
    email = builder.build(
        NotificationKind.TICKETS_BOUGHT, context, email_id=uuid.UUID(int=1), sent_at=datetime.now(UTC)
    )
    assert (extract_sender(email), extract_recipients(email)) == ("tickets@shop.example", ["ann@example.com"])
    return flatten_message(email)


def by_modern_parser(content: bytes) -> tuple[list[tuple[str, str]], str, EmailMessage]:
    message = message_from_bytes(content, policy=modern)
    assert not message["To"].defects
    recipients = [(address.display_name, address.addr_spec) for address in message["To"].addresses]
    return recipients, message["Subject"], message


def by_old_parser(content: bytes) -> tuple[list[tuple[str, str]], str, Message]:
    message = message_from_bytes(content, policy=compat32)
    found = getaddresses(message.get_all("To", []))
    recipients = [(str(make_header(decode_header(name))), address) for name, address in found]
    return recipients, str(make_header(decode_header(message["Subject"]))), message


def check_header_lines(content: bytes) -> None:
    head = content.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(names) == sorted(
        ["From", "Reply-To", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert max(len(line) for line in head.split(b"\r\n")) <= 998


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_one_recipient_with_that_name(name: str) -> None:
    content = sent(name)
    check_header_lines(content)
    for parse in (by_modern_parser, by_old_parser):
        [(display_name, address)] = parse(content)[0]
        assert address == "ann@example.com"
        if name.isascii() and "=?" not in name:
            assert display_name == one_line(name)
        else:  # some releases of Python keep the blank between two encoded words
            assert "".join(display_name.split()) == "".join(one_line(name).split())


@given(st.text(st.characters(codec="utf-8"), max_size=120))
def test_generated_names(name: str) -> None:
    content = sent(name, event_name=name)
    check_header_lines(content)
    for parse in (by_modern_parser, by_old_parser):
        recipients, subject, _ = parse(content)
        assert [address for _, address in recipients] == ["ann@example.com"]
        assert "".join(recipients[0][0].split()) == "".join(one_line(name).split())
        assert "".join(subject.split()) == "".join(f"Your tickets for {one_line(name)}"[:LONGEST_SUBJECT].split())


def test_sender_of_any_name_is_one_address() -> None:
    for header in ("From", "Reply-To"):
        message = message_from_bytes(sent(), policy=modern)
        [address] = message[header].addresses
        assert address.display_name == SENDER.partition('" <')[0].removeprefix('"')
        assert address.addr_spec == "tickets@shop.example"


def test_encoded_word_in_an_events_name_is_shown_as_it_is() -> None:
    name = "=?utf-8?q?Free_tickets?="
    for parse in (by_modern_parser, by_old_parser):
        assert parse(sent(event_name=name))[1] == f"Your tickets for {name}"


@pytest.mark.parametrize(
    ("row", "file_name"),
    [
        ("A", "ticket-A-1.png"),
        ("Balcony 12", "ticket-Balcony 12-1.png"),
        ("පේළිය ශ්\u200dරී", "ticket-පේළිය ශ්\u200dරී-1.png"),
        ('../A"; x="b', "ticket-.._A_; x=_b-1.png"),
        ("A\r\nContent-Type: text/html", "ticket-A Content-Type_ text_html-1.png"),
        (FAMILY * 12, f"ticket-{FAMILY * 10}{FAMILY[:3]}.png"),
    ],
)
def test_file_names_of_attachments(row: str, file_name: str) -> None:
    content = sent(row_number=row)
    for parse in (by_modern_parser, by_old_parser):
        attached = [part for part in parse(content)[2].walk() if part.get_content_disposition() == "attachment"]
        assert [part.get_content_type() for part in attached] == ["image/png"]
        assert [part.get_filename() for part in attached] == [file_name]
