"""Turns the platform's messages into notifications for users and deliveries for integrators."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from common.messaging.message import InvalidMessage, Message
from orchestrator.features.notifications.models.notices import Notice, notices_of
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
            InvalidMessage: the message names a user by an invalid id.
        """
        notices = notices_of(message)
        if not notices and message.type not in DELIVERABLE:
            return
        jobs = [job for notice in notices for job in self._notification_jobs(message, notice)]
        if await self.store.record(message, notices, jobs, self._delivery_job):
            self.wake_relay()

    async def handle_account_email(self, message: Message) -> None:
        """Enqueue the email about an account that a message asks for. A duplicate changes nothing.

        Raises:
            InvalidMessage: the message names no email.
        """
        try:
            request = AccountEmailRequest.model_validate(message.data)
        except ValidationError as error:
            raise InvalidMessage(message_id=message.id) from error
        await self.jobs.enqueue(Channel.ACCOUNT_EMAIL, request, idempotency_key=f"account email {request.link_id}")

    def _notification_jobs(self, message: Message, notice: Notice) -> list[NewJob]:
        """Return a job for each. The key names the message, the user and the template, so a duplicate is the same job."""
        return [
            self.jobs.new_job(channel, request, idempotency_key=f"{message.id} {notice.user_id} {request.kind}")
            for channel, request in notice.emails
        ]

    def _delivery_job(self, delivery_id: uuid.UUID) -> NewJob:
        return self.jobs.new_job(
            DELIVERY, DeliverWebhook(delivery_id=delivery_id), idempotency_key=delivery_key(delivery_id)
        )
