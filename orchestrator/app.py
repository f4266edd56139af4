"""The orchestrator's HTTP process, constructed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.http.app import base_app
from orchestrator.clients.orders.seat_orders import SeatOrders
from orchestrator.clients.users.revenue import Takings
from orchestrator.container import SERVICE, SagaMachinery, wire
from orchestrator.features import router
from orchestrator.features.check_in.service.check_in import Door, Witnesses
from orchestrator.features.event_admin.service import EventDesk
from orchestrator.features.event_cancellation.service.cancellation import CancellationDesk
from orchestrator.features.events.service.catalogue import Catalogue
from orchestrator.features.marketplace.service import Marketplace
from orchestrator.features.notifications import routes as feed_routes
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.notifications.service import Feeds
from orchestrator.features.otp.service import CodeDesk
from orchestrator.features.outbound_webhooks import routes as integration_routes
from orchestrator.features.outbound_webhooks.repository import IntegrationStore
from orchestrator.features.outbound_webhooks.service import IntegrationDesk
from orchestrator.features.parked_messages import routes as parking_routes
from orchestrator.features.parked_messages.repository import ParkingStore
from orchestrator.features.parked_messages.service import ParkingDesk
from orchestrator.features.payments.service.top_up import CashDesk
from orchestrator.features.refunds.service import RefundDesk
from orchestrator.features.tickets.service import TicketWallet
from orchestrator.features.transfers.service.disputes import DisputeDesk
from orchestrator.features.transfers.service.transfers import TransferDesk
from orchestrator.jobs.admin import JobDesk
from orchestrator.saga_engine.observer import Observer
from orchestrator.saga_engine.service import SagaDesk
from orchestrator.settings import Settings

__all__ = ["create_app"]


def create_app(
    settings: Settings, *, observer: Observer | None = None, user_tokens: UserTokenVerifier | None = None
) -> FastAPI:
    """Return the app.

    Args:
        observer: is told of every saga step, besides logs and metrics.
        user_tokens: how users' tokens are verified; against `JWKS_URL` when omitted.
    """
    machinery = wire(settings, observer=observer)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        machinery.start()
        yield
        await machinery.close()

    app = base_app(
        service=SERVICE,
        title="TicketRemaster orchestrator",
        settings=settings,
        lifespan=lifespan,
        health=machinery.health,
        user_tokens=user_tokens,
    )
    participants = machinery.participants
    app.state.box_office = machinery.box_office
    app.state.catalogue = Catalogue(machinery.engine, participants.register, participants.inventory)
    app.state.ticket_wallet = TicketWallet(participants.inventory, participants.register, machinery.qr)
    app.state.saga_desk = SagaDesk(machinery.engine)
    app.state.job_desk = JobDesk(machinery.jobs)
    app.state.parking_desk = ParkingDesk(
        ParkingStore(machinery.database),
        queues=machinery.topology.parking_queues,
        on_replayed=machinery.background.relay.poke,
    )
    _open_desks(app, machinery)
    _open_door(app, machinery)
    _open_tills(app, machinery)
    app.state.feeds = Feeds(FeedStore(machinery.database))
    app.state.integration_desk = IntegrationDesk(
        IntegrationStore(machinery.database), machinery.jobs, is_private_allowed=settings.is_dev
    )
    app.include_router(router)
    app.include_router(feed_routes.internal)
    app.include_router(integration_routes.router)
    app.include_router(parking_routes.router)
    return app


def _open_desks(app: FastAPI, machinery: SagaMachinery) -> None:
    engine, settings, participants = machinery.engine, machinery.settings, machinery.participants
    transfer_desk = TransferDesk(
        engine,
        transfers=participants.transfer_book,
        inventory=participants.inventory,
        events=participants.register,
        people=participants.people,
        codes=participants.codes,
        ttl_seconds=settings.transfer_ttl_seconds,
    )
    app.state.transfer_desk = transfer_desk
    app.state.code_desk = CodeDesk(
        engine,
        participants.codes,
        desk=transfer_desk,
        transfers=participants.transfer_book,
        listings=participants.listing_book,
    )
    app.state.dispute_desk = DisputeDesk(engine, participants.transfer_book, participants.inventory)
    app.state.marketplace = Marketplace(
        engine,
        listings=participants.listing_book,
        transfers=participants.transfer_book,
        inventory=participants.inventory,
        events=participants.register,
        codes=participants.codes,
        approval_ttl_seconds=settings.sale_approval_ttl_seconds,
    )
    app.state.refund_desk = RefundDesk(engine, participants.register)
    app.state.cancellation_desk = CancellationDesk(engine, participants.register)


def _open_door(app: FastAPI, machinery: SagaMachinery) -> None:
    participants = machinery.participants
    witnesses = Witnesses(
        inventory=participants.inventory,
        orders=SeatOrders(participants.orders),
        events=participants.register,
        people=participants.people,
    )
    ttl = machinery.settings.qr_ttl_seconds
    app.state.door = Door(participants.entrance, witnesses, machinery.qr, qr_ttl_seconds=ttl)
    app.state.event_desk = EventDesk(
        entrance=participants.entrance,
        inventory=participants.inventory,
        events=participants.register,
        people=participants.people,
        takings=Takings(participants.users),
    )


def _open_tills(app: FastAPI, machinery: SagaMachinery) -> None:
    tills = machinery.tills
    app.state.cash_desk = CashDesk(
        tills.payments, stripe=tills.stripe, crypto=tills.crypto, orders=machinery.participants.order_book
    )
    app.state.webhook_inbox = tills.inbox(machinery.database, machinery.jobs)
