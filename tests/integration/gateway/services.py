"""The services behind the gateway: real servers on free ports that record the requests they receive."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.errors import ServiceError
from gateway.routing import Upstream
from tests.support.user_tokens import UserTokenMint

__all__ = ["Handler", "Received", "Services", "never", "running_services"]

HOST: Final = "127.0.0.1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as a service received it."""

    service: Upstream
    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes


@dataclass(kw_only=True)
class Services:
    """All four services. Any path returns 200 unless it has a handler."""

    mint: UserTokenMint
    service_tokens: ServiceTokens
    urls: dict[Upstream, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)
    documents: dict[Upstream, dict[str, Any]] = field(default_factory=dict)
    broken_documents: set[Upstream] = field(default_factory=set)
    probes: int = 0
    """The number of probes of all services, by `/livez` and `/health`."""
    inventory: str = "ok"
    """What the orchestrator reports of the inventory."""
    revoked: dict[uuid.UUID, str] = field(default_factory=dict)
    """The revoked sessions that users returns: id and the expiry of the session's tokens."""

    def reset(self) -> None:
        self.received.clear()
        self.handlers.clear()
        self.documents.clear()
        self.broken_documents.clear()
        self.revoked.clear()
        self.probes = 0
        self.inventory = "ok"

    @property
    def last(self) -> Received:
        return self.received[-1]

    def app_of(self, service: Upstream) -> web.Application:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._answer(service, request)

        app = web.Application(client_max_size=10_000_000)
        app.router.add_route("*", "/{path:.*}", answer)
        return app

    async def _answer(self, service: Upstream, request: web.Request) -> web.StreamResponse:
        if own := await self._answer_operators(service, request):
            return own
        seen = Received(
            service=service,
            method=request.method,
            target=request.raw_path,
            headers=CIMultiDict(request.headers),
            body=await request.read(),
        )
        self.received.append(seen)
        handler = self.handlers.get(request.path)
        if handler is not None:
            return await handler(request)
        return web.json_response({"success": True, "data": {"served_by": service.value}})

    async def _answer_operators(self, service: Upstream, request: web.Request) -> web.Response | None:
        match request.path:
            case "/.well-known/jwks.json":
                return web.json_response(await self.mint.key_set())
            case "/livez":
                self.probes += 1
                return web.json_response({"status": "alive"})
            case "/health":
                self.probes += 1
                return web.json_response({"status": "healthy", "checks": {"inventory": self.inventory}})
            case "/openapi.json":
                status = 500 if service in self.broken_documents else 200
                return web.json_response(self.documents.get(service, {"paths": {}}), status=status)
            case "/internal/sessions/revoked":
                return self._answer_revoked(request)
            case _:
                return None

    def _answer_revoked(self, request: web.Request) -> web.Response:
        try:
            self.service_tokens.verify(request.headers["Authorization"].removeprefix("Bearer "))
        except ServiceError:
            return web.json_response({"error_code": "UNAUTHORIZED", "message": "No."}, status=401)
        sessions = [{"session_id": str(session), "expires_at": end} for session, end in self.revoked.items()]
        return web.json_response({"success": True, "data": sessions})


@asynccontextmanager
async def running_services(secret: SecretStr) -> AsyncIterator[Services]:
    services = Services(mint=UserTokenMint(), service_tokens=ServiceTokens(service="users", secret=secret))
    async with AsyncExitStack() as stack:
        for service in Upstream:
            runner = web.AppRunner(services.app_of(service), shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, HOST, 0)
            await site.start()
            services.urls[service] = f"http://{HOST}:{runner.addresses[0][1]}"
        yield services


async def never(_: web.Request) -> web.StreamResponse:
    """Handle a request by never responding."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
