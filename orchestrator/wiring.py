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
from common.messaging.topology import (
    DEFAULT_RETRY_SECONDS,
    ORCHESTRATOR_HOLDS_QUEUE,
    Topology,
    platform_topology,
)
from common.rpc.client import RpcCaller
from orchestrator.clients.codes import UsersCodes
from orchestrator.clients.entrance import Entrance
from orchestrator.clients.events import EventsRegister
from orchestrator.clients.inventory import GrpcInventory
from orchestrator.clients.listings import OrdersListings
from orchestrator.clients.orders import OrdersBook
from orchestrator.clients.people import People
from orchestrator.clients.transfers import OrdersTransfers
from orchestrator.clients.wallet import UsersWallet
from orchestrator.engine.engine import SagaEngine, StillRunning
from orchestrator.engine.observer import LoggingObserver, Observer, Observers
from orchestrator.engine.plan import AnyPlan
from orchestrator.engine.recoverer import Recoverer
from orchestrator.engine.repository import SagaLog
from orchestrator.jobs.policies import JobPolicy, policies_with_ladder
from orchestrator.jobs.repository.desk import JobDesk
from orchestrator.jobs.repository.enqueuing import Enqueuing
from orchestrator.jobs.service import JobQueue
from orchestrator.qr import QrCodec
from orchestrator.sagas.cancel_event import cancel_event_plan
from orchestrator.sagas.list_for_resale import list_for_resale_plan
from orchestrator.sagas.purchase import purchase_plan
from orchestrator.sagas.put_on_sale import put_on_sale_plan
from orchestrator.sagas.refund import refund_plan
from orchestrator.sagas.resale import resale_plan
from orchestrator.sagas.reversal import reversal_plan
from orchestrator.sagas.transfer import transfer_plan
from orchestrator.sagas.withdraw_listing import withdraw_listing_plan
from orchestrator.service.box_office import BoxOffice
from orchestrator.service.clearance import EventClearance
from orchestrator.settings import Settings
from orchestrator.tills import Tills

__all__ = ["SERVICE", "Background", "Participants", "SagaMachinery", "wire"]

SERVICE: Final = "orchestrator"


@dataclass(frozen=True, slots=True)
class Participants:
    """The services that take part in sagas, and the books that each of them keeps."""

    users: ServiceClient
    orders: ServiceClient
    events: ServiceClient
    inventory: GrpcInventory
    entrance: Entrance
    register: EventsRegister
    order_book: OrdersBook
    transfer_book: OrdersTransfers
    listing_book: OrdersListings
    wallet: UsersWallet
    codes: UsersCodes
    people: People

    @classmethod
    def connect(cls, settings: Settings) -> "Participants":
        tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
        deadline = settings.call_timeout_seconds
        users = ServiceClient(callee="users", base_url=settings.users_url, tokens=tokens, deadline_seconds=deadline)
        orders = ServiceClient(callee="orders", base_url=settings.orders_url, tokens=tokens, deadline_seconds=deadline)
        events = ServiceClient(callee="events", base_url=settings.events_url, tokens=tokens, deadline_seconds=deadline)
        inventory = RpcCaller(callee="inventory", tokens=tokens, deadline_seconds=deadline)
        return cls(
            users=users,
            orders=orders,
            events=events,
            inventory=GrpcInventory(
                settings.inventory_address,
                inventory,
                hold_ttl_seconds=settings.hold_ttl_seconds,
            ),
            entrance=Entrance(settings.inventory_address, inventory),
            register=EventsRegister(events),
            order_book=OrdersBook(orders),
            transfer_book=OrdersTransfers(orders),
            listing_book=OrdersListings(orders),
            wallet=UsersWallet(users),
            codes=UsersCodes(users),
            people=People(users),
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
class SagaMachinery:
    """The engine with all it needs, ready to start."""

    settings: Settings
    database: Database
    participants: Participants
    qr: QrCodec
    engine: SagaEngine
    box_office: BoxOffice
    jobs: JobQueue
    tills: Tills
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


def wire(settings: Settings, *, observer: Observer | None = None) -> SagaMachinery:
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
    clearance = EventClearance(participants.order_book, participants.transfer_book, participants.listing_book)
    plans = _plans(participants, clearance, qr, settings)
    log = SagaLog(database, plans, on_announced=relay.poke, lease_margin_seconds=settings.saga_lease_margin_seconds)
    observers = Observers([LoggingObserver(), *([observer] if observer else [])])
    engine = SagaEngine(log, plans, observers, request_budget_seconds=settings.request_budget_seconds)
    clearance.use(engine)
    box_office = BoxOffice(engine, participants.register, participants.codes)
    expired_holds = Consumer(
        url,
        service=SERVICE,
        topology=topology,
        queue=ORCHESTRATOR_HOLDS_QUEUE,
        handler=lambda message: _on_hold_expired(box_office, message),
        publisher=publisher,
    )
    return SagaMachinery(
        settings=settings,
        database=database,
        participants=participants,
        qr=qr,
        engine=engine,
        box_office=box_office,
        jobs=JobQueue(
            enqueuing=Enqueuing(database),
            desk=JobDesk(database),
            policies=policies_with_ladder(settings.job_ladder),
            on_enqueued=relay.poke,
        ),
        tills=Tills.connect(settings, participants.users),
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


def _plans(participants: Participants, clearance: EventClearance, qr: QrCodec, settings: Settings) -> list[AnyPlan]:
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


async def _on_hold_expired(box_office: BoxOffice, message: Message) -> None:
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
