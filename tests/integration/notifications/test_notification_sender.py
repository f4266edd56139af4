"""The outcomes of an email's job: sent, retried, or failed permanently."""

import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.errors import NotFound, ServiceError, Unavailable
from common.http.client import ServiceClient
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer
from orchestrator.features.notifications.jobs import NotificationSender
from orchestrator.features.notifications.models.notifications import (
    AccountEmailRequest,
    NotificationContext,
    NotificationKind,
    NotificationRequest,
    Place,
    SeatLine,
)
from orchestrator.features.notifications.service.context_loader import ContextLoader
from orchestrator.features.notifications.service.email_builder import EmailBuilder
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.registry import JobContext
from tests.integration.notifications.mail_server import SandboxMailServer
from tests.integration.notifications.users_stub import UsersStub, users_at

FACTS = NotificationContext(
    reader="Ann",
    address="ann@example.com",
    amount=Decimal("10.00"),
    place=Place(
        event_name="Gala", venue_name="V", venue_address="A", hall_id="H", event_date=datetime(2027, 1, 1, tzinfo=UTC)
    ),
)
SEAT = SeatLine(seat_id=uuid.uuid4(), category="CAT1", row_number="A", seat_number=1)
ORDER = NotificationRequest(kind=NotificationKind.ORDER_REFUNDED, user_id=uuid.uuid4(), data={})
CANCELLATION = NotificationRequest(kind=NotificationKind.EVENT_CANCELLED, user_id=ORDER.user_id, data={})


class StubContextLoader(ContextLoader):
    """Returns the given context, or raises the given error."""

    def __init__(self, found: NotificationContext | ServiceError) -> None:
        self._found = found

    async def load(self, request: NotificationRequest) -> NotificationContext:
        assert request.user_id == ORDER.user_id
        if isinstance(self._found, ServiceError):
            raise self._found
        return self._found


async def _report(_: Mapping[str, Any]) -> None:
    raise AssertionError("an email reports no progress")


def context(job_id: uuid.UUID | None = None, *, attempt: int = 1) -> JobContext:
    return JobContext(
        job_id=job_id or uuid.uuid4(), attempt=attempt, max_attempts=3, requested_by=None, _report=_report
    )


def notification_sender(
    mail_server: SandboxMailServer,
    found: NotificationContext | ServiceError = FACTS,
    *,
    users: ServiceClient | None = None,
) -> NotificationSender:
    renderer = TemplateRenderer(public_url="https://shop.example", codes_kept_days=30.0)
    return NotificationSender(
        context_loader=StubContextLoader(found),
        email_builder=EmailBuilder(sender="tickets@shop.example", reply_to="", renderer=renderer),
        renderer=renderer,
        email_client=mail_server.email_client(),
        users_http=users or users_at("http://127.0.0.1:1"),
    )


async def test_email_is_sent(mail_server: SandboxMailServer) -> None:
    result = await notification_sender(mail_server).send_email(ORDER, context())
    [mail] = mail_server.mails("ann@example.com")
    assert mail.subject == "Your refund for Gala"
    assert result["message_id"] == mail.message["Message-ID"]
    assert mail.message["Reply-To"] == "tickets@shop.example"


async def test_repeated_attempt_sends_a_copy_with_the_same_message_id(mail_server: SandboxMailServer) -> None:
    """The worker was killed after the server's "250": the same Message-ID makes mail programs show it once."""
    job_id = uuid.uuid4()
    for attempt in (1, 2):
        await notification_sender(mail_server).send_email(ORDER, context(job_id, attempt=attempt))
    assert len({mail.message["Message-ID"] for mail in mail_server.mails()}) == 1


async def test_busy_mail_server_is_retried(mail_server: SandboxMailServer) -> None:
    mail_server.fail(451)
    with pytest.raises(Unavailable):
        await notification_sender(mail_server).send_email(ORDER, context())
    await notification_sender(mail_server).send_email(ORDER, context())
    assert len(mail_server.mails()) == 1


async def test_email_to_an_invalid_address_fails_permanently(mail_server: SandboxMailServer) -> None:
    mail_server.fail(550)
    with pytest.raises(JobRefused, match="550"):
        await notification_sender(mail_server).send_email(ORDER, context())


async def test_expired_otp_request_is_not_sent(mail_server: SandboxMailServer) -> None:
    """This happens after a long mail server outage; the email about the outcome has been sent by then."""
    order = ORDER.model_copy(update={"kind": NotificationKind.SALE_PENDING})
    for expires_at in (datetime.now(UTC) - timedelta(seconds=1), datetime.now(UTC) + timedelta(minutes=1)):
        facts = FACTS.model_copy(update={"expires_at": expires_at, "other": "Bob", "seats": (SEAT,)})
        await notification_sender(mail_server, facts).send_email(order, context())
    assert len(mail_server.mails()) == 1


async def test_deleted_user_gets_no_email(mail_server: SandboxMailServer) -> None:
    with pytest.raises(JobRefused, match="USER_NOT_FOUND"):
        await notification_sender(mail_server, NotFound(code="USER_NOT_FOUND")).send_email(ORDER, context())


async def test_user_without_an_address_gets_no_email(mail_server: SandboxMailServer) -> None:
    """Another account has proven the address."""
    facts = FACTS.model_copy(update={"address": None})
    assert await notification_sender(mail_server, facts).send_email(ORDER, context()) == {
        "letter": "order_refunded",
        "not_sent": "no address",
    }
    assert mail_server.mails() == []


async def test_unavailable_service_is_retried(mail_server: SandboxMailServer) -> None:
    with pytest.raises(Unavailable):
        await notification_sender(mail_server, Unavailable()).send_email(ORDER, context())
    assert mail_server.mails() == []


@pytest.fixture
async def users() -> AsyncIterator[UsersStub]:
    async with UsersStub() as users:
        yield users


class TestAccountEmails:
    """The users service says what they contain, when they are sent."""

    @pytest.mark.parametrize("purpose", ["verify_email", "reset_password"])
    async def test_link_is_in_the_email_and_nowhere_else(
        self, mail_server: SandboxMailServer, users: UsersStub, purpose: str
    ) -> None:
        request = AccountEmailRequest(link_id=uuid.uuid4())
        email = {"purpose": purpose, "address": "ann@example.com", "token": "s3cret", "expires_at": "2027-01-01"}
        users.account_emails[str(request.link_id)] = email

        result = await notification_sender(mail_server, users=users.client).send_account_email(request, context())

        [mail] = mail_server.mails("ann@example.com")
        link = f"https://shop.example/{purpose.replace('_', '-')}#token=s3cret"
        assert link in mail.body("plain")
        assert f'href="{link}"' in mail.body("html")
        assert "Hello ann," in mail.body("plain")
        assert result == {"letter": purpose, "message_id": mail.message["Message-ID"]}

    @pytest.mark.parametrize("purpose", ["password_changed", "email_changed", "phone_changed"])
    async def test_notice_has_no_link(self, mail_server: SandboxMailServer, users: UsersStub, purpose: str) -> None:
        request = AccountEmailRequest(link_id=uuid.uuid4())
        users.account_emails[str(request.link_id)] = {"purpose": purpose, "address": "ann@example.com", "token": None}
        await notification_sender(mail_server, users=users.client).send_account_email(request, context())
        [mail] = mail_server.mails("ann@example.com")
        assert "was changed" in mail.subject
        assert "#token=" not in mail.body("plain") + mail.body("html")

    async def test_used_or_expired_link_is_not_sent(self, mail_server: SandboxMailServer, users: UsersStub) -> None:
        """Nor is one for an address that no account has. The job completes, so no list shows which these are."""
        request = AccountEmailRequest(link_id=uuid.uuid4())
        result = await notification_sender(mail_server, users=users.client).send_account_email(request, context())
        assert result == {"not_sent": "nothing to send"}
        assert mail_server.mails() == []

    async def test_busy_mail_server_is_retried(self, mail_server: SandboxMailServer, users: UsersStub) -> None:
        request = AccountEmailRequest(link_id=uuid.uuid4())
        users.account_emails[str(request.link_id)] = {
            "purpose": "phone_changed", "address": "ann@example.com", "token": None,
        }  # fmt: skip
        mail_server.fail(451)
        with pytest.raises(Unavailable):
            await notification_sender(mail_server, users=users.client).send_account_email(request, context())


class TestTextMessages:
    """The users service decides their outcome."""

    @pytest.mark.parametrize(
        ("status", "code"),
        [(404, "USER_NOT_FOUND"), (400, "VALIDATION_ERROR"), (422, "IDEMPOTENCY_KEY_REUSED")],
    )
    async def test_text_message_refused_by_users_fails_permanently(
        self, mail_server: SandboxMailServer, users: UsersStub, status: int, code: str
    ) -> None:
        users.refuse(status, code)
        with pytest.raises(JobRefused, match=code):
            await notification_sender(mail_server, users=users.client).send_text_message(CANCELLATION, context())

    async def test_text_message_is_retried_under_the_same_id_during_a_provider_outage(
        self, mail_server: SandboxMailServer, users: UsersStub
    ) -> None:
        users.refuse(503, "SERVICE_UNAVAILABLE")
        job_id = uuid.uuid4()
        with pytest.raises(Unavailable):
            await notification_sender(mail_server, users=users.client).send_text_message(CANCELLATION, context(job_id))
        users.refuse(200, "")
        sent = await notification_sender(mail_server, users=users.client).send_text_message(
            CANCELLATION, context(job_id, attempt=2)
        )
        assert sent == {"letter": "event_cancelled"}
        assert len({call["request_id"] for call in users.calls}) == 1
