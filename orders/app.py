"""Constructs the orders service."""

from typing import Final

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.database_app import database_app
from common.db.engine import Database
from common.db.idempotency import REQUESTS_RETENTION
from common.messaging.consumer import Consumer
from common.messaging.inbox import INBOX_RETENTION
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.periodic import PeriodicTask
from orders.commissions import routes as commission_routes
from orders.commissions.repository import CommissionRepository
from orders.commissions.service import CommissionService
from orders.digital_orders import routes as digital_order_routes
from orders.digital_orders.repository import DigitalOrderRepository
from orders.digital_orders.service import DigitalOrderService
from orders.earnings import routes as earnings_routes
from orders.earnings.messages import EarningsRecorder
from orders.earnings.repository import EarningsRepository
from orders.earnings.service import EarningsService
from orders.listings import routes as listing_routes
from orders.listings.repository import ListingRepository
from orders.listings.service import ListingService
from orders.performer_queues import routes as performer_queue_routes
from orders.performer_queues.repository import PerformerQueueRepository
from orders.performer_queues.service import PerformerQueueService
from orders.personal_data import routes as personal_data_routes
from orders.personal_data.repository import PersonalDataRepository
from orders.personal_data.service import PersonalDataService
from orders.purchased_items import routes as purchased_item_routes
from orders.purchased_items.repository import PurchasedItemRepository
from orders.purchased_items.service import PurchasedItemService
from orders.settings import Settings
from orders.subscriptions import routes as subscription_routes
from orders.subscriptions.repository import SubscriptionRepository
from orders.subscriptions.service import SubscriptionService
from orders.ticket_orders import routes as order_routes
from orders.ticket_orders.repository import OrderRepository
from orders.ticket_orders.service import OrderService
from orders.transfers import routes as transfer_routes
from orders.transfers.repository import TransferRepository
from orders.transfers.service import TransferService
from rabbitmq.topology import EARNINGS_QUEUE, platform_topology

__all__ = ["RETENTIONS", "SERVICE", "create_app"]

SERVICE: Final = "orders"
RETENTIONS: Final = (REQUESTS_RETENTION, INBOX_RETENTION)
EARNINGS_AT_ONCE: Final = 4
"""Messages that are handled at once: those of one offer wait for each other, and requests need connections, too."""
# Routes are matched in order, so the hot ones come first.
ROUTERS: Final = (
    *(
        router
        for routes in (
            order_routes,
            purchased_item_routes,
            transfer_routes,
            listing_routes,
            subscription_routes,
            commission_routes,
            digital_order_routes,
        )
        for router in (routes.internal, routes.public)
    ),
    performer_queue_routes.internal,
    earnings_routes.public,
    personal_data_routes.internal,
)


def create_app(settings: Settings, *, user_tokens: UserTokenVerifier | None = None) -> FastAPI:
    """Return the app; users' tokens are verified against `JWKS_URL` if `user_tokens` is omitted."""
    container = _Container(settings)
    return database_app(
        service=SERVICE,
        settings=settings,
        database=container.database,
        brokers=container.brokers,
        tasks=container.tasks,
        retentions=RETENTIONS,
        services=container.services(),
        routers=ROUTERS,
        user_tokens=user_tokens,
    )


class _Container:
    """The objects that live as long as the process."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database(settings, application_name=SERVICE)
        url, topology = settings.rabbitmq_url.get_secret_value(), platform_topology(settings.hold_ttl_seconds)
        publisher = Publisher(url, service=SERVICE, topology=topology, timeout_seconds=settings.publish_timeout_seconds)
        self._relay = OutboxRelay(
            self.database,
            publisher,
            poll_seconds=settings.outbox_poll_seconds,
            keep_hours=settings.outbox_retention_hours,
        )
        self._earnings = EarningsRepository(self.database)
        consumer = Consumer(
            url,
            service=SERVICE,
            topology=topology,
            queue=EARNINGS_QUEUE,
            handler=EarningsRecorder(self._earnings).handle,
            publisher=publisher,
            prefetch=EARNINGS_AT_ONCE,
        )
        self._queues = PerformerQueueService(PerformerQueueRepository(self.database), wake_relay=self._relay.wake)
        self.brokers = {"publisher": publisher.broker, "consumer": consumer.broker}
        self.tasks = (
            self._relay,
            PeriodicTask(
                self._queues.place_due,
                self._queues.announce_next,
                name="performer queues",
                interval_seconds=settings.performer_queue_interval_seconds,
            ),
        )

    def services(self) -> tuple[object, ...]:
        """Return what routes depend on."""
        orders, transfers = OrderRepository(self.database), TransferRepository(self.database)
        listings, subscriptions = ListingRepository(self.database), SubscriptionRepository(self.database)
        items, digital_orders = PurchasedItemRepository(self.database), DigitalOrderRepository(self.database)
        return (
            OrderService(orders),
            TransferService(transfers),
            ListingService(listings),
            PurchasedItemService(items, wake_relay=self._relay.wake),
            self._queues,
            SubscriptionService(subscriptions, wake_relay=self._relay.wake),
            EarningsService(self._earnings, items),
            CommissionService(CommissionRepository(self.database), wake_relay=self._relay.wake),
            DigitalOrderService(digital_orders, wake_relay=self._relay.wake),
            PersonalDataService(
                repository=PersonalDataRepository(self.database),
                orders=orders,
                transfers=transfers,
                listings=listings,
                purchased_items=items,
                subscriptions=subscriptions,
                earnings=self._earnings,
                commissions=CommissionRepository(self.database, with_versions=True),
                digital_orders=digital_orders,
                wake_relay=self._relay.wake,
            ),
        )
