"""Constructs the inventory: a gRPC server and its HTTP sidecar in one process and one event loop."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import grpc
from fastapi import FastAPI
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from common.db.idempotency import REQUESTS_RETENTION
from common.db.retention import RetentionTask
from common.health import Health
from common.http.app import base_app
from common.messaging.consumer import Consumer
from common.messaging.inbox import INBOX_RETENTION
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.periodic import PeriodicTask
from common.rpc.server import CallContext
from inventory.expiry import HoldExpiry, HoldSweeper, SeatCountAggregator
from inventory.repository.check_in import UNKNOWN_SCANS_RETENTION, CheckInRepository
from inventory.repository.expiry import ExpiryRepository, lapses_retention
from inventory.repository.halls import HallRepository
from inventory.repository.holds import HoldRepository
from inventory.repository.search import SearchRepository
from inventory.repository.seats import SeatRepository
from inventory.routes import InventoryServicer
from inventory.seat_changes import SeatChangePublisher
from inventory.service.check_in import CheckInService
from inventory.service.halls import HallService
from inventory.service.holds import HoldService
from inventory.service.tickets import TicketService
from inventory.settings import Settings
from proto.inventory.v1 import inventory_pb2, inventory_pb2_grpc
from rabbitmq.topology import RELEASE_QUEUE, platform_topology

__all__ = ["SERVICE", "Inventory", "create_app"]

SERVICE: Final = "inventory"
RPC_SERVICE: Final = inventory_pb2.DESCRIPTOR.services_by_name["Inventory"].full_name
HEALTH_SECONDS: Final = 2.0
RETENTIONS: Final = (REQUESTS_RETENTION, INBOX_RETENTION, UNKNOWN_SCANS_RETENTION)
SERVER_OPTIONS: Final = [
    ("grpc.so_reuseport", 0),  # a second process on the same port must fail
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),  # clients ping every 30 s; the default is 300 s
    # When a connection ends, callers resolve the addresses again and find new copies. Calls in progress are finished.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
]


def create_app(settings: Settings) -> FastAPI:
    """Return the sidecar, whose lifespan runs the whole inventory."""
    inventory = Inventory(settings)
    return base_app(
        service=SERVICE,
        title="TicketRemaster inventory",
        settings=settings,
        lifespan=inventory.lifespan,
        health=inventory.health,
    )


class Inventory:
    """The components of an inventory process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings, application_name=SERVICE)
        url = settings.rabbitmq_url.get_secret_value()
        topology = platform_topology(settings.hold_ttl_seconds)
        self.publisher = Publisher(
            url, service=SERVICE, topology=topology, timeout_seconds=settings.publish_timeout_seconds
        )
        self.relay = OutboxRelay(
            self.database,
            self.publisher,
            poll_seconds=settings.outbox_poll_seconds,
            keep_hours=settings.outbox_retention_hours,
        )
        self.changes = SeatChangePublisher(self.publisher, interval_seconds=settings.seat_changes_seconds)
        expiry, halls = ExpiryRepository(self.database), HallRepository(self.database)
        self.consumer = Consumer(
            url,
            service=SERVICE,
            topology=topology,
            queue=RELEASE_QUEUE,
            handler=HoldExpiry(expiry, self.publisher, self.changes).handle,
            publisher=self.publisher,
        )
        self.sweeper = HoldSweeper(expiry, self.relay, self.changes, interval_seconds=settings.sweep_seconds)
        self.counts = SeatCountAggregator(halls, interval_seconds=settings.seat_count_interval_seconds)
        self.retention = RetentionTask(self.database, (*RETENTIONS, lapses_retention(settings.hold_limits)))
        # While the broker is unavailable, seats can be held and sold, and the sweeper ends the holds.
        self.health = Health(
            required={"database": self.database.is_healthy},
            optional={"publisher": self.publisher.broker.is_healthy, "consumer": self.consumer.broker.is_healthy},
        )
        self.rpc_health = health.aio.HealthServicer()
        self._servicer = self._create_servicer(expiry, halls)

    def _create_servicer(self, expiry: ExpiryRepository, halls: HallRepository) -> InventoryServicer:
        holds, limits = HoldRepository(self.database), self.settings.hold_limits
        return InventoryServicer(
            holds=HoldService(holds, SearchRepository(self.database), expiry, self.changes, limits),
            halls=HallService(halls, holds, self.changes),
            tickets=TicketService(SeatRepository(self.database), self.changes),
            check_in=CheckInService(CheckInRepository(self.database), self.changes),
        )

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Serve. At the end, finish the calls in progress and stop the components in reverse order."""
        server = self._create_server()  # first, because the port may be in use
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.database.close)
            for broker in (self.publisher.broker, self.consumer.broker):
                broker.start()
                stack.push_async_callback(broker.close)
            for task in (
                self.relay,
                self.changes,
                self.sweeper.task,
                self.counts.task,
                self.retention,
                self._rpc_health_reporter(),
            ):
                task.start()
                stack.push_async_callback(task.close)
            await server.start()
            stack.push_async_callback(server.stop, self.settings.shutdown_grace_seconds)
            yield

    def _create_server(self) -> grpc.aio.Server:
        tokens = ServiceTokens(service=SERVICE, secret=self.settings.service_token_secret)
        server = grpc.aio.server(interceptors=[CallContext(tokens)], options=SERVER_OPTIONS)
        inventory_pb2_grpc.add_InventoryServicer_to_server(self._servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(self.rpc_health, server)
        if self.settings.is_dev:
            names = (RPC_SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, server)
        server.add_insecure_port(f"{self.settings.host}:{self.settings.port}")
        return server

    def _rpc_health_reporter(self) -> PeriodicTask:
        return PeriodicTask(self.report_rpc_health, name="rpc health", interval_seconds=HEALTH_SECONDS)

    async def report_rpc_health(self) -> None:
        """Set the standard gRPC health service to the status of `/health`."""
        report = await self.health.report()
        status = (
            health_pb2.HealthCheckResponse.SERVING if report.is_healthy else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for name in ("", RPC_SERVICE):
            await self.rpc_health.set(name, status)
