"""The orchestrator's HTTP process, constructed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.auth.user_tokens import UserTokenVerifier
from common.http.app import base_app
from orchestrator.clients.orders.seat_orders import SeatOrders
from orchestrator.clients.users.revenue import EventRevenue
from orchestrator.container import SERVICE, Container, wire
from orchestrator.features import router
from orchestrator.features.check_in.service.check_in import CheckInService, Lookups
from orchestrator.features.event_admin.service import EventAdminService
from orchestrator.features.event_cancellation.service.cancellation import EventCancellationService
from orchestrator.features.events.service.catalogue import CatalogueService
from orchestrator.features.marketplace.service import MarketplaceService
from orchestrator.features.notifications import routes as feed_routes
from orchestrator.features.notifications.repository import FeedStore
from orchestrator.features.notifications.service import Feeds
from orchestrator.features.otp.service import OtpService
from orchestrator.features.outbound_webhooks import routes as integration_routes
from orchestrator.features.outbound_webhooks.repository import SubscriptionStore
from orchestrator.features.outbound_webhooks.service import SubscriptionService
from orchestrator.features.parked_messages import routes as parking_routes
from orchestrator.features.parked_messages.repository import ParkedMessageStore
from orchestrator.features.parked_messages.service import ParkedMessageService
from orchestrator.features.payments.service.top_up import TopUpService
from orchestrator.features.refunds.service import RefundService
from orchestrator.features.tickets.service import TicketService
from orchestrator.features.transfers.service.disputes import DisputeService
from orchestrator.features.transfers.service.transfers import TransferService
from orchestrator.jobs.admin import JobAdminService
from orchestrator.saga_engine.observer import Observer
from orchestrator.saga_engine.service import SagaAdminService
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
    app.state.catalogue = CatalogueService(machinery.engine, participants.register, participants.inventory)
    app.state.ticket_wallet = TicketService(participants.inventory, participants.register, machinery.qr)
    app.state.saga_desk = SagaAdminService(machinery.engine)
    app.state.job_desk = JobAdminService(machinery.jobs)
    app.state.parking_desk = ParkedMessageService(
        ParkedMessageStore(machinery.database),
        queues=machinery.topology.parking_queues,
        on_replayed=machinery.background.relay.poke,
    )
    _open_desks(app, machinery)
    _open_door(app, machinery)
    _open_tills(app, machinery)
    app.state.feeds = Feeds(FeedStore(machinery.database))
    app.state.integration_desk = SubscriptionService(
        SubscriptionStore(machinery.database), machinery.jobs, is_private_allowed=settings.is_dev
    )
    app.include_router(router)
    app.include_router(feed_routes.internal)
    app.include_router(integration_routes.router)
    app.include_router(parking_routes.router)
    return app


def _open_desks(app: FastAPI, machinery: Container) -> None:
    engine, settings, participants = machinery.engine, machinery.settings, machinery.participants
    transfer_desk = TransferService(
        engine,
        transfers=participants.transfer_book,
        inventory=participants.inventory,
        events=participants.register,
        people=participants.people,
        codes=participants.codes,
        ttl_seconds=settings.transfer_ttl_seconds,
    )
    app.state.transfer_desk = transfer_desk
    app.state.code_desk = OtpService(
        engine,
        participants.codes,
        desk=transfer_desk,
        transfers=participants.transfer_book,
        listings=participants.listing_book,
    )
    app.state.dispute_desk = DisputeService(engine, participants.transfer_book, participants.inventory)
    app.state.marketplace = MarketplaceService(
        engine,
        listings=participants.listing_book,
        transfers=participants.transfer_book,
        inventory=participants.inventory,
        events=participants.register,
        codes=participants.codes,
        approval_ttl_seconds=settings.sale_approval_ttl_seconds,
    )
    app.state.refund_desk = RefundService(engine, participants.register)
    app.state.cancellation_desk = EventCancellationService(engine, participants.register)


def _open_door(app: FastAPI, machinery: Container) -> None:
    participants = machinery.participants
    witnesses = Lookups(
        inventory=participants.inventory,
        orders=SeatOrders(participants.orders),
        events=participants.register,
        people=participants.people,
    )
    ttl = machinery.settings.qr_ttl_seconds
    app.state.door = CheckInService(participants.entrance, witnesses, machinery.qr, qr_ttl_seconds=ttl)
    app.state.event_desk = EventAdminService(
        entrance=participants.entrance,
        inventory=participants.inventory,
        events=participants.register,
        people=participants.people,
        takings=EventRevenue(participants.users),
    )


def _open_tills(app: FastAPI, machinery: Container) -> None:
    tills = machinery.tills
    app.state.cash_desk = TopUpService(
        tills.payments, stripe=tills.stripe, crypto=tills.crypto, orders=machinery.participants.order_book
    )
    app.state.webhook_inbox = tills.inbox(machinery.database, machinery.jobs)
