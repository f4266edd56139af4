"""Access, health and reflection, and operation without the broker or the database."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from fastapi import FastAPI
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from pydantic import SecretStr
from sqlalchemy import text

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from common.rpc.client import RpcCaller, open_channel
from devstack.ports import free_port
from inventory.app import Inventory, create_app
from inventory.settings import Settings
from proto.inventory.v1 import inventory_pb2 as pb
from proto.inventory.v1.inventory_pb2_grpc import InventoryStub
from tests.integration.inventory.broker_client import open_broker_client
from tests.integration.inventory.inventory_caller import InventoryCaller
from tests.integration.inventory.running import running_inventory
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.user_tokens import UserTokenMint
from tests.support.waiting import eventually

untyped_reflection: Any = reflection_pb2_grpc  # its stubs support blocking channels only
UNUSED_ADDRESS = "amqp://guest:guest@127.0.0.1:1/"
SECRET = "a-secret-of-this-test-of-more-than-32-bytes"


class TestTokens:
    async def test_service_token_is_required(self, channel: grpc.aio.Channel) -> None:
        assert await answer_to(channel, "") is grpc.StatusCode.UNAUTHENTICATED
        assert await answer_to(channel, "nonsense") is grpc.StatusCode.UNAUTHENTICATED

    async def test_user_tokens_are_refused(self, channel: grpc.aio.Channel) -> None:
        assert await answer_to(channel, UserTokenMint().token(uuid.uuid4())) is grpc.StatusCode.UNAUTHENTICATED

    async def test_tokens_for_other_services_are_refused(
        self, channel: grpc.aio.Channel, tokens: ServiceTokens
    ) -> None:
        assert await answer_to(channel, tokens.issue("orders")) is grpc.StatusCode.PERMISSION_DENIED

    async def test_tokens_with_another_secret_are_refused(self, channel: grpc.aio.Channel) -> None:
        forged = ServiceTokens(service="orchestrator", secret=SecretStr(SECRET)).issue("inventory")
        assert await answer_to(channel, forged) is grpc.StatusCode.UNAUTHENTICATED

    async def test_tokens_for_the_inventory_are_accepted(
        self, channel: grpc.aio.Channel, tokens: ServiceTokens
    ) -> None:
        assert await answer_to(channel, tokens.issue("inventory")) is grpc.StatusCode.OK


async def answer_to(channel: grpc.aio.Channel, token: str) -> grpc.StatusCode:
    """Use this token in a call that any service may make."""
    request = pb.GetAvailabilityRequest(event_ids=[str(uuid.uuid4())])
    call = InventoryStub(channel).GetAvailability(request, metadata=(("authorization", f"Bearer {token}"),))
    return await call.code()


class TestHealth:
    @pytest.mark.parametrize("service", ["", "inventory.v1.Inventory"])
    async def test_health_is_served_over_grpc(
        self, channel: grpc.aio.Channel, inventory: Inventory, service: str
    ) -> None:
        await inventory.report_rpc_health()
        assert await grpc_health(channel, service) == health_pb2.HealthCheckResponse.SERVING

    async def test_unhealthy_without_the_database(self, settings: Settings) -> None:
        lost = SecretStr("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
        without = settings.model_copy(update={"port": free_port(), "database_url": lost})
        async with (
            running_inventory(without) as inventory,
            open_channel(f"{without.host}:{without.port}") as channel,
        ):
            await inventory.report_rpc_health()
            assert await grpc_health(channel, "") == health_pb2.HealthCheckResponse.NOT_SERVING
            report = await inventory.health.report()
        assert (report.is_healthy, report.checks["database"]) == (False, "failed")

    async def test_health_and_metrics_are_served_over_http(self, settings: Settings) -> None:
        app = create_app(settings.model_copy(update={"port": free_port()}))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://x") as http,
        ):
            answer = await eventually(lambda: healthy(http))
            metrics = (await http.get("/metrics")).text
            assert (await http.get("/livez")).status_code == 200

        assert answer == {"status": "healthy", "checks": {"database": "ok", "publisher": "ok", "consumer": "ok"}}
        for name in (
            "holds_open",
            "holds_expired_total",
            "seat_reservations_total",
            "scans_total",
            "oversell_prevented_total",
            "outbox_lag_seconds",
        ):
            assert name in metrics


async def grpc_health(channel: grpc.aio.Channel, service: str) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def healthy(http: httpx.AsyncClient) -> dict[str, object] | None:
    answer: dict[str, object] = (await http.get("/health")).json()
    return None if "degraded" in str(answer) else answer


class TestReflection:
    async def test_reflection_lists_the_services_in_dev(self, channel: grpc.aio.Channel) -> None:
        assert "inventory.v1.Inventory" in await services_of(channel)

    async def test_reflection_is_disabled_in_production(self, settings: Settings) -> None:
        production = settings.model_copy(
            update={"env": "prod", "port": free_port(), "service_token_secret": SecretStr(SECRET)}
        )
        async with (
            running_inventory(production),
            open_channel(f"127.0.0.1:{production.port}") as channel,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await services_of(channel)
        assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def services_of(channel: grpc.aio.Channel) -> list[str]:
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    stub: Any = untyped_reflection.ServerReflectionStub(channel)
    answers = stub.ServerReflectionInfo(requests)
    return [service.name async for answer in answers for service in answer.list_services_response.service]


class TestWithoutBroker:
    @pytest.fixture
    async def cut_off(self, settings: Settings, tokens: ServiceTokens) -> AsyncIterator[InventoryCaller]:
        """Another instance of the inventory that cannot reach RabbitMQ."""
        alone = settings.model_copy(
            update={"port": free_port(), "rabbitmq_url": SecretStr(UNUSED_ADDRESS), "sweep_seconds": 0.05}
        )
        async with (
            Inventory(alone).lifespan(FastAPI()),
            open_channel(f"{alone.host}:{alone.port}") as channel,
        ):
            yield InventoryCaller(
                InventoryStub(channel), RpcCaller(callee="inventory", tokens=tokens, deadline_seconds=ANSWER_SECONDS)
            )

    async def test_seats_are_held_sold_and_expired_without_the_broker(
        self, cut_off: InventoryCaller, settings: Settings, rabbitmq_url: str, database: Database
    ) -> None:
        async with open_broker_client(rabbitmq_url) as broker:
            hall = await cut_off.provision()
            assert (await cut_off.sell(hall.event_id, hall.seat_ids[0])).seat_ids
            hold = await cut_off.reserve(hall.event_id, hall.seat_ids[1], ttl_milliseconds=50)

            await eventually(lambda: ended(database, hold.hold_id))

            assert await cut_off.status(hall.seat_ids[1]) == "AVAILABLE"
            # Unpublished messages wait in the outbox until an instance with a broker publishes them.
            async with running_inventory(settings.model_copy(update={"port": free_port()})):
                assert await eventually(lambda: broker.received_data("hold.expired", hold.hold_id))


async def ended(database: Database, hold_id: str) -> bool:
    """Return whether the hold has no seats any more, in the table itself."""
    statement = text("SELECT count(*) AS seats FROM seats WHERE hold_id = CAST(:hold_id AS uuid)")
    (row,) = await database.fetch_all(statement, {"hold_id": hold_id})
    return bool(row["seats"] == 0)


async def test_a_second_process_does_not_share_the_port(inventory: Inventory, settings: Settings) -> None:
    assert inventory.settings.port == settings.port
    with pytest.raises(RuntimeError, match="bind"):
        async with Inventory(settings).lifespan(FastAPI()):
            pass
