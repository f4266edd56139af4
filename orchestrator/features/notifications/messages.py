"""Turns the platform's messages into notifications for users and deliveries for integrators."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from common.messaging.message import Message
from orchestrator.features.notifications.models.notices import ACCOUNT_EMAIL_REQUESTED, Notice, link_id_of, notices_of
from orchestrator.features.notifications.models.notifications import AccountEmailRequest, Channel
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.outbound_webhooks.repository import delivery_key
from orchestrator.features.outbound_webhooks.schemas import DELIVERABLE, DeliverWebhook
from orchestrator.features.outbound_webhooks.schemas import KIND as DELIVERY
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.service import JobQueue


@dataclass(frozen=True, slots=True)
class NotificationConsumer:
    """A consumer's handler; `wake_relay` is called after a write that left messages in the outbox."""

    store: FeedStore
    jobs: JobQueue
    wake_relay: Callable[[], None]

    async def handle(self, message: Message) -> None:
        """Record a message. A duplicate, or a message for neither users nor integrators, changes nothing.

        Raises:
            InvalidMessage: the message names a user, or an email about an account, by an invalid id.
        """
        notices = notices_of(message)
        is_of_account = message.type == ACCOUNT_EMAIL_REQUESTED
        if not notices and not is_of_account and message.type not in DELIVERABLE:
            return
        jobs = [job for notice in notices for job in self._notification_jobs(message, notice)]
        if is_of_account:
            jobs.append(self._account_email_job(message))
        if await self.store.record(message, notices, jobs, self._delivery_job):
            self.wake_relay()

    def _notification_jobs(self, message: Message, notice: Notice) -> list[NewJob]:
        """Return a job for each. The key names the message, the user and the template, so a duplicate is the same job."""
        return [
            self.jobs.new_job(channel, request, idempotency_key=f"{message.id} {notice.user_id} {request.kind}")
            for channel, request in notice.emails
        ]

    def _account_email_job(self, message: Message) -> NewJob:
        request = AccountEmailRequest(link_id=link_id_of(message))
        return self.jobs.new_job(Channel.ACCOUNT_EMAIL, request, idempotency_key=str(request.link_id))

    def _delivery_job(self, delivery_id: uuid.UUID) -> NewJob:
        return self.jobs.new_job(
            DELIVERY, DeliverWebhook(delivery_id=delivery_id), idempotency_key=delivery_key(delivery_id)
        )
