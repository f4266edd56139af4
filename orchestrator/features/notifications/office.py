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
from orchestrator.clients.events import EventsRegister
from orchestrator.clients.users.directory import People
from orchestrator.features.notifications.adapters.smtp import Mailer, SmtpServer
from orchestrator.features.notifications.adapters.template_renderer import Stationery
from orchestrator.features.notifications.jobs import Envelope, LetterDesk, Research
from orchestrator.features.notifications.messages import Recorder
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.features.outbound_webhooks.repository import IntegrationStore
from orchestrator.jobs.service import JobQueue
from rabbitmq.topology import NOTIFICATIONS_QUEUE

__all__ = ["NotificationOffice", "letter_desk"]

SECONDS_PER_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class NotificationOffice:
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
            handler=Recorder(store, jobs, on_recorded=on_recorded).take,
            publisher=publisher,
        )
        trim_feeds = partial(store.trim, keep_seconds=settings.feed_keep_days * SECONDS_PER_DAY)
        integrations = IntegrationStore(database)
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
    people: People,
    events: EventsRegister,
    orders: ServiceClient,
    users: ServiceClient,
) -> LetterDesk:
    """Return the handlers of letters."""
    stationery = Stationery(public_url=settings.public_url)
    return LetterDesk(
        research=Research(people=people, events=events, orders=orders),
        envelope=Envelope(sender=settings.mail_from, reply_to=settings.mail_reply_to, stationery=stationery),
        stationery=stationery,
        mailer=Mailer(SmtpServer.from_url(settings.smtp_url), timeout_seconds=settings.smtp_timeout_seconds),
        users=users,
    )
