"""Notifications, put together: what a worker runs for them, and what it does their jobs with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from common.db.engine import Database
from common.http.client import ServiceClient
from common.messaging.consumer import Consumer
from common.messaging.publisher import Publisher
from common.messaging.topology import Topology
from common.periodic import Retention
from orchestrator.clients.events import EventsClient
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.features.notifications.adapters.smtp import Mailer, SmtpServer
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer
from orchestrator.features.notifications.jobs import ContextLoader, EmailBuilder, NotificationSender
from orchestrator.features.notifications.messages import NotificationConsumer
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.outbound_webhooks.repository import SubscriptionStore
from orchestrator.jobs.service import JobQueue
from rabbitmq.topology import NOTIFICATIONS_QUEUE

__all__ = ["NotificationWorker", "letter_desk"]

SECONDS_PER_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class NotificationWorker:
    consumer: Consumer
    retention: Retention

    @classmethod
    def of(
        cls,
        database: Database,
        jobs: JobQueue,
        publisher: Publisher,
        *,
        rabbitmq_url: str,
        topology: Topology,
        settings: NotificationSettings,
        on_recorded: Callable[[], None],
    ) -> Self:
        """Construct it. Nothing connects before `start`.

        Args:
            on_recorded: called after a write that left messages in the outbox.
        """
        store = FeedStore(database)
        consumer = Consumer(
            rabbitmq_url,
            service="worker",
            topology=topology,
            queue=NOTIFICATIONS_QUEUE,
            handler=NotificationConsumer(store, jobs, on_recorded=on_recorded).take,
            publisher=publisher,
        )
        trim_feeds = partial(store.trim, keep_seconds=settings.feed_keep_days * SECONDS_PER_DAY)
        integrations = SubscriptionStore(database)
        return cls(consumer, Retention(trim_feeds, integrations.trim, integrations.fail_abandoned))

    def start(self) -> None:
        self.consumer.broker.start()
        self.retention.start()

    async def close(self) -> None:
        await self.retention.close()
        await self.consumer.broker.close()


def letter_desk(
    settings: NotificationSettings,
    *,
    people: UserDirectory,
    events: EventsClient,
    orders: ServiceClient,
    users: ServiceClient,
) -> NotificationSender:
    """Return the handlers of letters."""
    stationery = TemplateRenderer(public_url=settings.public_url)
    return NotificationSender(
        research=ContextLoader(people=people, events=events, orders=orders),
        envelope=EmailBuilder(sender=settings.mail_from, reply_to=settings.mail_reply_to, stationery=stationery),
        stationery=stationery,
        mailer=Mailer(SmtpServer.from_url(settings.smtp_url), timeout_seconds=settings.smtp_timeout_seconds),
        users=users,
    )
