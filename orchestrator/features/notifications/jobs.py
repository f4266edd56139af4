"""The jobs that send emails and text messages."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from common.errors import InvalidRequest, NotFound, Unprocessable
from common.http.client import ServiceClient
from orchestrator.features.notifications.adapters.smtp import Mailer
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer
from orchestrator.features.notifications.errors import MailRefused
from orchestrator.features.notifications.models.emails import Channel, EmailContext, EmailRequest
from orchestrator.features.notifications.service.context_loader import ContextLoader
from orchestrator.features.notifications.service.email_builder import EmailBuilder
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobContext

__all__ = ["POLICIES", "NotificationSender"]

# A mail server that is back gets what it missed within the hour, and may be away for a long weekend.
OVER_HOURS: Final = (4.0, 16.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0)
TRIES: Final = 79  # the last pause repeats: three days in all
# Whoever retries all failed ones must find them all: twice what the cancellation of a hall of 50,000 can leave.
KEPT: Final = 100_000


def _policy(kind: str, *, concurrency: int) -> JobPolicy:
    return JobPolicy(
        kind,
        tries=TRIES,
        retry_seconds=OVER_HOURS,
        timeout_seconds=30,
        concurrency=concurrency,
        keep_failed=KEPT,
        tells_completion=False,
    )


POLICIES: Final = (_policy(Channel.EMAIL, concurrency=8), _policy(Channel.SMS, concurrency=4))


class NotificationSender:
    """The handlers of `email` and `sms` jobs."""

    def __init__(
        self,
        *,
        context_loader: ContextLoader,
        email_builder: EmailBuilder,
        renderer: TemplateRenderer,
        mailer: Mailer,
        users: ServiceClient,
    ) -> None:
        self._context_loader = context_loader
        self._email_builder = email_builder
        self._renderer = renderer
        self._mailer = mailer
        self._users = users

    async def send_email(self, order: EmailRequest, context: JobContext) -> Mapping[str, Any]:
        """Send a mail; not one that was kept from going until what it asks for is over.

        Raises:
            JobRefused: its reader is gone, or the mail server will never take it.
            ServiceError: to be tried again.
        """
        facts, now = await self._facts(order), datetime.now(UTC)
        if order.letter.asks_for_a_code and facts.expires_at and facts.expires_at <= now:
            return {"letter": order.letter, "not_sent": "too late"}
        mail = self._email_builder.mail(order.letter, facts, letter_id=context.job_id, written_at=now)
        try:
            await self._mailer.send(mail)
        except MailRefused as error:
            raise JobRefused(f"The letter was refused: {error}.") from error
        return {"letter": order.letter, "message_id": mail["Message-ID"]}

    async def send_text_message(self, order: EmailRequest, context: JobContext) -> Mapping[str, Any]:
        """Send a text message, by the users service: it has the provider's key, and the phone never leaves it.

        Raises:
            JobRefused: its reader is gone, or the users service will never take it.
            ServiceError: to be tried again.
        """
        text = self._renderer.write_text_message(order.letter, await self._facts(order))
        call = {"request_id": context.request_id("send"), "user_id": order.user_id, "text": text}
        try:
            await self._users.post("/internal/sms", call)
        except (InvalidRequest, NotFound, Unprocessable) as error:
            raise JobRefused(f"The text message was refused: {error.code}.") from error
        return {"letter": order.letter}

    async def _facts(self, order: EmailRequest) -> EmailContext:
        try:
            return await self._context_loader.facts_for(order)
        except NotFound as error:
            raise JobRefused(f"There is nothing to write about, or nobody to write to: {error.code}.") from error
