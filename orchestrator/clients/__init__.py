"""Clients of the services that the orchestrator calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from common.auth.service_tokens import ServiceTokens
from common.health import HealthCheck
from common.http.client import ServiceClient
from common.rpc.client import RpcCaller
from orchestrator.clients.articles import ArticlesClient
from orchestrator.clients.events import EventsClient
from orchestrator.clients.inventory.check_in import CheckInClient
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.orders.commissions import CommissionsClient
from orchestrator.clients.orders.digital_orders import DigitalOrdersClient
from orchestrator.clients.orders.listings import ListingsClient
from orchestrator.clients.orders.orders import OrdersClient
from orchestrator.clients.orders.purchased_items import PurchasedItemsClient
from orchestrator.clients.orders.subscriptions import SubscriptionsClient
from orchestrator.clients.orders.transfers import TransfersClient
from orchestrator.clients.performers import PerformersClient
from orchestrator.clients.personal_data import PersonalDataClient
from orchestrator.clients.products import ProductsClient
from orchestrator.clients.settings import ClientSettings
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.clients.users.ledger import LedgerClient
from orchestrator.clients.users.otp import OtpClient
from orchestrator.clients.users.payments import PaymentsClient

SERVICE = "orchestrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Every client. None connects before its first call."""

    users_http: ServiceClient
    orders_http: ServiceClient
    events_http: ServiceClient
    inventory: InventoryClient
    check_in: CheckInClient
    events: EventsClient
    orders: OrdersClient
    transfers: TransfersClient
    listings: ListingsClient
    performers: PerformersClient
    purchased_items: PurchasedItemsClient
    subscriptions: SubscriptionsClient
    commissions: CommissionsClient
    articles: ArticlesClient
    digital_orders: DigitalOrdersClient
    products: ProductsClient
    users: UserDirectory
    ledger: LedgerClient
    otp: OtpClient
    payments: PaymentsClient
    personal_data: PersonalDataClient

    @classmethod
    def connect(cls, settings: ClientSettings) -> Self:
        tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
        deadline = settings.call_timeout_seconds
        users = ServiceClient(callee="users", base_url=settings.users_url, tokens=tokens, deadline_seconds=deadline)
        orders = ServiceClient(callee="orders", base_url=settings.orders_url, tokens=tokens, deadline_seconds=deadline)
        events = ServiceClient(callee="events", base_url=settings.events_url, tokens=tokens, deadline_seconds=deadline)
        inventory = RpcCaller(callee="inventory", tokens=tokens, deadline_seconds=deadline)
        return cls(
            users_http=users,
            orders_http=orders,
            events_http=events,
            inventory=InventoryClient(
                settings.inventory_address, inventory, hold_ttl_seconds=settings.hold_ttl_seconds
            ),
            check_in=CheckInClient(settings.inventory_address, inventory),
            events=EventsClient(events),
            orders=OrdersClient(orders),
            transfers=TransfersClient(orders),
            listings=ListingsClient(orders),
            performers=PerformersClient(events),
            purchased_items=PurchasedItemsClient(orders),
            subscriptions=SubscriptionsClient(orders),
            commissions=CommissionsClient(orders),
            articles=ArticlesClient(events),
            digital_orders=DigitalOrdersClient(orders),
            products=ProductsClient(events),
            users=UserDirectory(users),
            ledger=LedgerClient(users),
            otp=OtpClient(users),
            payments=PaymentsClient(users),
            personal_data=PersonalDataClient(users=users, orders=orders, events=events),
        )

    @property
    def health_checks(self) -> Mapping[str, HealthCheck]:
        """Return whether each service responds."""
        return {
            "users": self.users_http.is_healthy,
            "orders": self.orders_http.is_healthy,
            "events": self.events_http.is_healthy,
            "inventory": self.inventory.is_healthy,
        }

    async def close(self) -> None:
        for client in (self.users_http, self.orders_http, self.events_http, self.inventory, self.check_in):
            await client.close()
