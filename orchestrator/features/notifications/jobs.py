"""The jobs that send emails and text messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from common.errors import InvalidRequest, NotFound, Unprocessable
from common.http.client import ServiceClient
from orchestrator.features.notifications.adapters.smtp import EmailClient
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer
from orchestrator.features.notifications.errors import EmailRefused
from orchestrator.features.notifications.models.notifications import (
    AccountEmail,
    AccountEmailRequest,
    Channel,
    NotificationContext,
    NotificationKind,
    NotificationRequest,
)
from orchestrator.features.notifications.service.context_loader import ContextLoader
from orchestrator.features.notifications.service.email_builder import EmailBuilder
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobContext

__all__ = ["POLICIES", "NotificationSender"]

# A mail server may be unavailable for a long weekend; once it is back, it gets waiting emails within the hour.
RETRY_SECONDS: Final = (4.0, 16.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0)
MAX_ATTEMPTS: Final = 79  # the last pause repeats; three days in all
# An admin must be able to retry all failed jobs: this is twice as many as cancelling a hall of 50,000 can leave.
KEEP_FAILED: Final = 100_000


def _policy(kind: str, *, concurrency: int) -> JobPolicy:
    return JobPolicy(
        kind,
        max_attempts=MAX_ATTEMPTS,
        retry_seconds=RETRY_SECONDS,
        timeout_seconds=30,
        concurrency=concurrency,
        keep_failed=KEEP_FAILED,
        publishes_completion=False,
    )


# A kind of its own, because a user who waits for a link must not wait behind a cancelled hall. A link lives for half an
# hour, a notice is sent for a day.
_ACCOUNT_EMAIL: Final = JobPolicy(
    Channel.ACCOUNT_EMAIL,
    max_attempts=292,
    retry_seconds=RETRY_SECONDS[:4],
    timeout_seconds=30,
    concurrency=4,
    publishes_completion=False,
)
POLICIES: Final = (_policy(Channel.EMAIL, concurrency=8), _ACCOUNT_EMAIL, _policy(Channel.SMS, concurrency=4))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSender:
    """The handlers of `email`, `account_email` and `sms` jobs."""

    context_loader: ContextLoader
    email_builder: EmailBuilder
    renderer: TemplateRenderer
    email_client: EmailClient
    users_http: ServiceClient

    async def send_email(self, request: NotificationRequest, job: JobContext) -> Mapping[str, Any]:
        """Send an email, unless it asks for a code that has expired by now.

        Raises:
            JobRefused: the recipient no longer exists, or the mail server refuses the email permanently.
            ServiceError: the job is to be retried.
        """
        context, now = await self._context(request), datetime.now(UTC)
        if context.address is None:
            return {"letter": request.kind, "not_sent": "no address"}
        if request.kind.asks_for_code and context.expires_at and context.expires_at <= now:
            return {"letter": request.kind, "not_sent": "too late"}
        return await self._send(request.kind, context, job)

    async def send_account_email(self, request: AccountEmailRequest, job: JobContext) -> Mapping[str, Any]:
        """Send an email about an account, unless its link was used or has expired, or no account has the address.

        Neither the job nor its result has the address or the link's token.

        Raises:
            JobRefused: the mail server refuses the email permanently.
            ServiceError: the job is to be retried.
        """
        try:
            found = AccountEmail.model_validate(await self.users_http.get(f"/internal/email-links/{request.link_id}"))
        except NotFound:
            return {"not_sent": "nothing to send"}
        context = NotificationContext(
            # Not the account's name: whoever has registered under the address has chosen it.
            reader=found.address.partition("@")[0],
            address=found.address,
            phone_ending=found.phone_ending or "",
            link=self.renderer.account_url(found.purpose, found.token, found.phone_ending) if found.token else "",
        )
        return await self._send(found.purpose, context, job)

    async def send_text_message(self, request: NotificationRequest, job: JobContext) -> Mapping[str, Any]:
        """Send a text message through the users service, which has the provider's key and the phone number.

        Raises:
            JobRefused: the recipient no longer exists, or the users service refuses the message permanently.
            ServiceError: the job is to be retried.
        """
        text = self.renderer.render_text_message(request.kind, await self._context(request))
        call = {"request_id": job.request_id("send"), "user_id": request.user_id, "text": text}
        try:
            await self.users_http.post("/internal/sms", call)
        except (InvalidRequest, NotFound, Unprocessable) as error:
            raise JobRefused(f"The text message was refused: {error.code}.") from error
        return {"letter": request.kind}

    async def _send(self, kind: NotificationKind, context: NotificationContext, job: JobContext) -> Mapping[str, Any]:
        email = self.email_builder.build(kind, context, email_id=job.job_id, sent_at=datetime.now(UTC))
        try:
            await self.email_client.send(email)
        except EmailRefused as error:
            raise JobRefused(f"The email was refused: {error}.") from error
        return {"letter": kind, "message_id": email["Message-ID"]}

    async def _context(self, request: NotificationRequest) -> NotificationContext:
        try:
            return await self.context_loader.load(request)
        except NotFound as error:
            raise JobRefused(f"The recipient or the subject no longer exists: {error.code}.") from error
