"""Notifications to users: emails, text messages, and a feed for each user that the gateway shows live.

A message of the platform becomes *notices*, one for each user it concerns (`models.notices`). One statement records the
message as handled, writes the notices into those users' feeds, and enqueues the jobs that send emails (`messages`,
`repository`). An email is built when it is sent, from the facts at that time (`jobs`, `service`), and sent over SMTP
(`adapters`). A text message goes through the users service, which has the provider's key.

An email about an account is described by the users service when it is sent, so nothing here has its link.

A duplicate message changes nothing. An email is sent once, unless a worker crashes between the mail server's "250" and
recording it: then it is sent twice with the same Message-ID, by which email clients recognise a copy.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from common.db.retention import Retention
from common.messaging.broker import Broker
from common.messaging.inbox import INBOX_RETENTION
from orchestrator.feature import Feature, Resources
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.notifications.adapters.smtp import EmailClient, SmtpServer
from orchestrator.features.notifications.adapters.template_renderer import TemplateRenderer
from orchestrator.features.notifications.jobs import POLICIES, NotificationSender
from orchestrator.features.notifications.messages import NotificationConsumer
from orchestrator.features.notifications.models.notifications import (
    AccountEmailRequest,
    Channel,
    NotificationRequest,
)
from orchestrator.features.notifications.models.tables import feed_heads, user_feed
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.notifications.routes import internal
from orchestrator.features.notifications.service.context_loader import ContextLoader
from orchestrator.features.notifications.service.email_builder import EmailBuilder
from orchestrator.features.notifications.service.feeds import FeedService
from orchestrator.features.notifications.service.purchase_loader import PurchaseLoader
from orchestrator.features.notifications.settings import NotificationSettings
from orchestrator.jobs.registry import JobHandler
from rabbitmq.topology import ACCOUNT_EMAILS_QUEUE, NOTIFICATIONS_QUEUE


def notification_sender(resources: Resources) -> NotificationSender:
    settings, clients = resources.settings_of(NotificationSettings), resources.clients
    codes_kept_days = resources.settings_of(StorageSettings).downloaded_codes_days
    renderer = TemplateRenderer(public_url=settings.public_url, codes_kept_days=codes_kept_days)
    return NotificationSender(
        context_loader=ContextLoader(
            users=clients.users,
            events=clients.events,
            purchases=PurchaseLoader(clients.performers),
            orders_http=clients.orders_http,
        ),
        email_builder=EmailBuilder(sender=settings.mail_from, reply_to=settings.mail_reply_to, renderer=renderer),
        renderer=renderer,
        email_client=EmailClient(SmtpServer.from_url(settings.smtp_url), timeout_seconds=settings.smtp_timeout_seconds),
        users_http=clients.users_http,
    )


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    sender = notification_sender(resources)
    yield JobHandler(Channel.EMAIL, NotificationRequest, sender.send_email)
    yield JobHandler(Channel.ACCOUNT_EMAIL, AccountEmailRequest, sender.send_account_email)
    yield JobHandler(Channel.SMS, NotificationRequest, sender.send_text_message)


def _worker_consumers(resources: Resources) -> Mapping[str, Broker]:
    handler = NotificationConsumer(FeedStore(resources.database), resources.jobs, wake_relay=resources.relay.wake)
    consumers = {
        "notifications": resources.consumer(NOTIFICATIONS_QUEUE, handler.handle, name="worker"),
        "account emails": resources.consumer(ACCOUNT_EMAILS_QUEUE, handler.handle_account_email, name="worker"),
    }
    return {name: consumer.broker for name, consumer in consumers.items()}


def _retentions(resources: Resources) -> Iterable[Retention]:
    keep_days = resources.settings_of(NotificationSettings).feed_retention_days
    yield Retention(table="user_feed", aged_by="created_at", keep_days=keep_days)
    yield INBOX_RETENTION


FEATURE: Final = Feature(
    tables=(feed_heads, user_feed),
    internal_routers=(internal,),
    services=lambda resources: [FeedService(FeedStore(resources.database))],
    job_policies=POLICIES,
    job_handlers=_job_handlers,
    worker_consumers=_worker_consumers,
    retentions=_retentions,
)
