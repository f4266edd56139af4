"""Everything the orchestrator's processes share, constructed once: clients, plans, engine, background work."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from common.health import Health
from common.http.client import ServiceClient
from common.messaging.consumer import Consumer
from common.messaging.message import InvalidMessage, Message
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.messaging.topology import Topology
from common.rpc.client import RpcCaller
from orchestrator.clients.events import EventsClient
from orchestrator.clients.inventory.check_in import CheckInClient
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.orders.listings import ListingsClient
from orchestrator.clients.orders.orders import OrdersClient
from orchestrator.clients.orders.transfers import TransfersClient
from orchestrator.clients.users.directory import UserDirectory
from orchestrator.clients.users.ledger import LedgerClient
from orchestrator.clients.users.otp import OtpClient
from orchestrator.features.event_cancellation.saga import cancel_event_plan
from orchestrator.features.event_cancellation.service.processor import EventCancellationProcessor
from orchestrator.features.events.saga import put_on_sale_plan
from orchestrator.features.marketplace.saga.list_for_resale import list_for_resale_plan
from orchestrator.features.marketplace.saga.resale import resale_plan
from orchestrator.features.marketplace.saga.withdraw_listing import withdraw_listing_plan
from orchestrator.features.purchases.saga import purchase_plan
from orchestrator.features.purchases.service import PurchaseService
from orchestrator.features.refunds.saga import refund_plan
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.features.transfers.saga.reversal import reversal_plan
from orchestrator.features.transfers.saga.transfer import transfer_plan
from orchestrator.jobs.policies import JobPolicy, policies_with_ladder
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.engine import SagaEngine, StillRunning
from orchestrator.saga_engine.observer import LoggingObserver, Observer, Observers
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.recoverer import Recoverer
from orchestrator.saga_engine.repository import SagaLog
from orchestrator.settings import Settings
from orchestrator.tills import PaymentProviders
from rabbitmq.topology import DEFAULT_RETRY_SECONDS, ORCHESTRATOR_HOLDS_QUEUE, platform_topology

__all__ = ["SERVICE", "Background", "Container", "Participants", "wire"]

SERVICE: Final = "orchestrator"


@dataclass(frozen=True, slots=True)
class Participants:
    """The services that take part in sagas, and the books that each of them keeps."""

    users: ServiceClient
    orders: ServiceClient
    events: ServiceClient
    inventory: InventoryClient
    entrance: CheckInClient
    register: EventsClient
    order_book: OrdersClient
    transfer_book: TransfersClient
    listing_book: ListingsClient
    wallet: LedgerClient
    codes: OtpClient
    people: UserDirectory

    @classmethod
    def connect(cls, settings: Settings) -> "Participants":
        tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
        users = ServiceClient(callee="users", base_url=settings.users_url, tokens=tokens)
        orders = ServiceClient(callee="orders", base_url=settings.orders_url, tokens=tokens)
        events = ServiceClient(callee="events", base_url=settings.events_url, tokens=tokens)
        return cls(
            users=users,
            orders=orders,
            events=events,
            inventory=InventoryClient(
                settings.inventory_address,
                RpcCaller(callee="inventory", tokens=tokens),
                hold_ttl_seconds=settings.hold_ttl_seconds,
            ),
            entrance=CheckInClient(settings.inventory_address, RpcCaller(callee="inventory", tokens=tokens)),
            register=EventsClient(events),
            order_book=OrdersClient(orders),
            transfer_book=TransfersClient(orders),
            listing_book=ListingsClient(orders),
            wallet=LedgerClient(users),
            codes=OtpClient(users),
            people=UserDirectory(users),
        )

    async def close(self) -> None:
        for client in (self.users, self.orders, self.events):
            await client.close()
        await self.inventory.close()
        await self.entrance.close()


@dataclass(frozen=True, slots=True)
class Background:
    """What runs beside requests: sends the outbox, takes over lost sagas, hears of holds that ended."""

    publisher: Publisher
    relay: OutboxRelay
    recoverer: Recoverer
    expired_holds: Consumer

    def start(self) -> None:
        self.publisher.broker.start()
        self.relay.start()
        self.recoverer.start()
        self.expired_holds.broker.start()

    async def close(self) -> None:
        await self.expired_holds.broker.close()
        await self.recoverer.close()
        await self.relay.close()
        await self.publisher.broker.close()


@dataclass(frozen=True, slots=True)
class Container:
    """The engine with all it needs, ready to start."""

    settings: Settings
    database: Database
    participants: Participants
    qr: QrCodec
    engine: SagaEngine
    box_office: PurchaseService
    jobs: JobQueue
    tills: PaymentProviders
    background: Background
    topology: Topology
    health: Health

    @property
    def job_policies(self) -> Mapping[str, JobPolicy]:
        return policies_with_ladder(self.settings.job_ladder)

    @property
    def job_waits(self) -> Collection[float]:
        """The pauses between tries that jobs spend on the broker."""
        return self.settings.job_ladder or DEFAULT_RETRY_SECONDS

    def start(self) -> None:
        self.background.start()

    async def close(self) -> None:
        await self.engine.close(grace_seconds=self.settings.shutdown_grace_seconds)
        await self.background.close()
        await self.tills.close()
        await self.participants.close()
        await self.database.close()


def wire(settings: Settings, *, observer: Observer | None = None) -> Container:
    """Construct it all. Nothing connects before `start` inside a running loop.

    Args:
        observer: is told of every step, besides logs and metrics.
    """
    database = Database(settings, application_name=SERVICE)
    participants = Participants.connect(settings)
    qr = QrCodec(settings.qr_keys, ttl_seconds=settings.qr_ttl_seconds)
    topology = platform_topology(settings.hold_ttl_seconds, settings.job_ladder or DEFAULT_RETRY_SECONDS)
    url = settings.rabbitmq_url.get_secret_value()
    publisher = Publisher(url, service=SERVICE, topology=topology, timeout_seconds=settings.publish_timeout_seconds)
    relay = OutboxRelay(database, publisher, poll_seconds=settings.outbox_poll_seconds)
    clearance = EventCancellationProcessor(
        participants.order_book, participants.transfer_book, participants.listing_book
    )
    plans = _plans(participants, clearance, qr, settings)
    log = SagaLog(database, plans, on_announced=relay.poke, lease_margin_seconds=settings.saga_lease_margin_seconds)
    observers = Observers([LoggingObserver(), *([observer] if observer else [])])
    engine = SagaEngine(log, plans, observers, request_budget_seconds=settings.request_budget_seconds)
    clearance.use(engine)
    box_office = PurchaseService(engine, participants.register, participants.codes)
    expired_holds = Consumer(
        url,
        service=SERVICE,
        topology=topology,
        queue=ORCHESTRATOR_HOLDS_QUEUE,
        handler=lambda message: _on_hold_expired(box_office, message),
        publisher=publisher,
    )
    return Container(
        settings=settings,
        database=database,
        participants=participants,
        qr=qr,
        engine=engine,
        box_office=box_office,
        jobs=JobQueue(
            enqueuing=JobWriter(database),
            desk=JobQueries(database),
            policies=policies_with_ladder(settings.job_ladder),
            on_enqueued=relay.poke,
        ),
        tills=PaymentProviders.connect(settings, participants.users),
        topology=topology,
        background=Background(
            publisher=publisher,
            relay=relay,
            recoverer=Recoverer(engine, log, interval_seconds=settings.recover_interval_seconds),
            expired_holds=expired_holds,
        ),
        health=Health(
            required={"database": database.is_healthy},
            optional={"broker": publisher.broker.is_healthy},
        ),
    )


def _plans(
    participants: Participants, clearance: EventCancellationProcessor, qr: QrCodec, settings: Settings
) -> list[AnyPlan]:
    inventory, events, wallet = participants.inventory, participants.register, participants.wallet
    orders, transfers, listings = participants.order_book, participants.transfer_book, participants.listing_book
    codes, patience = participants.codes, settings.saga_patience_seconds
    return [
        purchase_plan(
            inventory=inventory,
            orders=orders,
            wallet=wallet,
            qr=qr,
            hold_ttl_seconds=settings.hold_ttl_seconds,
            patience_seconds=patience,
        ),
        transfer_plan(transfers=transfers, codes=codes, wallet=wallet, inventory=inventory, patience_seconds=patience),
        reversal_plan(transfers=transfers, wallet=wallet, inventory=inventory, patience_seconds=patience),
        list_for_resale_plan(listings=listings, inventory=inventory, patience_seconds=patience),
        withdraw_listing_plan(listings=listings, inventory=inventory, patience_seconds=patience),
        resale_plan(listings=listings, codes=codes, wallet=wallet, inventory=inventory, patience_seconds=patience),
        refund_plan(inventory=inventory, wallet=wallet, orders=orders, patience_seconds=patience),
        put_on_sale_plan(events=events, inventory=inventory, patience_seconds=patience),
        cancel_event_plan(events=events, inventory=inventory, clearance=clearance, patience_seconds=patience),
    ]


async def _on_hold_expired(box_office: PurchaseService, message: Message) -> None:
    """A repeated or late message finds nobody waiting and changes nothing."""
    hold_id: Any = message.data.get("hold_id")
    try:
        order_id = uuid.UUID(hold_id)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidMessage(hold_id=hold_id) from error
    try:
        await box_office.hold_expired(order_id)
    except StillRunning:
        return  # the saga goes on by itself
