"""Orchestrator services in the test process, connected to the running platform; single addresses can be overridden."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.errors import OutcomeUnknown
from common.rpc.client import RpcCaller
from devstack.home import Home
from devstack.keys import keys_of
from devstack.stack import Stack
from orchestrator.clients import SERVICE, Clients
from orchestrator.clients.inventory.check_in import CheckInClient
from orchestrator.container import build_container
from orchestrator.features.check_in.service.check_in import CheckInService
from orchestrator.features.event_admin.service import EventAdminService
from orchestrator.features.purchases.service import PurchaseService
from orchestrator.features.tickets.adapters.qr_code import QrCodec
from orchestrator.reconcile import reconcile
from tests.support.orchestrator_settings import orchestrator_settings

__all__ = ["InProcessServices"]

Service = TypeVar("Service")


@dataclass(frozen=True, kw_only=True)
class LossyCaller(RpcCaller):
    """Makes each call, and loses one response for each item of `losses`."""

    losses: Iterator[int]

    async def call(self, method: Any, request: Any, *, deadline_seconds: float = 0) -> Any:
        answer = await super().call(method, request, deadline_seconds=deadline_seconds)
        if next(self.losses, None) is not None:
            raise OutcomeUnknown
        return answer


class InProcessServices:
    """Creates services and closes what they opened when `opened` closes."""

    def __init__(self, platform: Stack, opened: AsyncExitStack) -> None:
        keys, urls = keys_of(Home(platform.home)), platform.urls
        self._opened = opened
        self._tokens = ServiceTokens(service=SERVICE, secret=SecretStr(keys.service_token_secret))
        self._settings = orchestrator_settings(
            platform,
            database_url=urls.databases["orchestrator"],
            rabbitmq_url=urls.rabbitmq,
            stripe_api_url=urls.sandbox,
            nowpayments_api_url=urls.sandbox,
            supplier_api_url=urls.sandbox,
        )

    def check_in_service(
        self, overrides: Mapping[str, str] | None = None, *, check_in: CheckInClient | None = None
    ) -> CheckInService:
        """Return a check-in service with overridden addresses: ``check_in_service({"orders_url": …})``."""
        clients = self._clients(overrides or {})
        clients = replace(clients, check_in=check_in or clients.check_in)
        return CheckInService(clients, QrCodec.of(self._settings))

    def purchase_service(self) -> PurchaseService:
        return self.service(PurchaseService)

    def service(self, kind: type[Service]) -> Service:
        """Return a feature's service that runs its sagas in this process."""
        container = build_container(self._settings)
        self._opened.push_async_callback(container.close)
        return container.resources.service(kind)

    async def reconcile(self) -> None:
        """Compare payments with the sandbox's records, as a worker does at intervals."""
        await reconcile(self._settings)

    def event_admin_service(self) -> EventAdminService:
        return EventAdminService(self._clients({}))

    def check_in_client(self, *, address: str = "", losses: int = 0) -> CheckInClient:
        client = CheckInClient(
            address or self._settings.inventory_address,
            LossyCaller(callee="inventory", tokens=self._tokens, losses=iter(range(losses))),
        )
        self._opened.push_async_callback(client.close)
        return client

    async def unresponsive_address(self) -> str:
        """Return the address of a server that accepts connections and never responds."""
        end = asyncio.Event()

        async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await end.wait()
            writer.close()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        self._opened.callback(server.close)
        self._opened.callback(end.set)
        host, port = server.sockets[0].getsockname()
        return f"{host}:{port}"

    def _clients(self, overrides: Mapping[str, str]) -> Clients:
        clients = Clients.connect(self._settings.model_copy(update=overrides))
        self._opened.push_async_callback(clients.close)
        return clients
