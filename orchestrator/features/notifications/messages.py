"""Takes the platform's messages and makes of each what the people it concerns are told."""

import uuid
from collections.abc import Callable

from common.messaging.message import Message
from orchestrator.features.notifications.models.emails import EmailRequest
from orchestrator.features.notifications.models.notices import Notice, notices_of
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.outbound_webhooks.repository import delivery_key
from orchestrator.features.outbound_webhooks.schemas import DELIVERABLE, DeliverWebhook
from orchestrator.features.outbound_webhooks.schemas import KIND as DELIVERY
from orchestrator.jobs.record import NewJob
from orchestrator.jobs.service import JobQueue

__all__ = ["NotificationConsumer"]


class NotificationConsumer:
    """A consumer's handler.

    Args:
        on_recorded: called after a write that left messages in the outbox.
    """

    def __init__(self, store: FeedStore, jobs: JobQueue, *, on_recorded: Callable[[], None]) -> None:
        self._store = store
        self._jobs = jobs
        self._on_recorded = on_recorded

    async def take(self, message: Message) -> None:
        """Record a message; one that comes again, or concerns neither people nor integrators, changes nothing.

        Raises:
            InvalidMessage: it cannot be understood.
        """
        notices = notices_of(message)
        if not notices and message.type not in DELIVERABLE:
            return
        jobs = [job for notice in notices for job in self._letter_jobs(message, notice)]
        if await self._store.record(message, notices, jobs, self._delivery_job):
            self._on_recorded()

    def _letter_jobs(self, message: Message, notice: Notice) -> list[NewJob]:
        """The key names the message and its reader: however often it is enqueued, it is one letter."""
        return [
            self._jobs.new_job(
                channel,
                EmailRequest(letter=letter, user_id=notice.user_id, data=notice.entry["data"]),
                idempotency_key=f"{message.id} {notice.user_id}",
            )
            for channel, letter in notice.letters
        ]

    def _delivery_job(self, delivery_id: uuid.UUID) -> NewJob:
        return self._jobs.new_job(
            DELIVERY, DeliverWebhook(delivery_id=delivery_id), idempotency_key=delivery_key(delivery_id)
        )
