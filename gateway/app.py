"""Builds the gateway: the one place where its parts are constructed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from common.auth.service_tokens import ServiceTokens
from common.auth.user_tokens import UserTokenVerifier
from common.health import Health
from common.http.app import base_app
from common.http.client import ServiceClient
from common.http.jwks import JwksClient
from gateway.api import Api
from gateway.auth import Authenticator
from gateway.callers import ClientAddress
from gateway.edge import Edge
from gateway.feed import Feed
from gateway.limits import MemoryLimiter, RateLimiter, RedisLimiter
from gateway.live import SEAT_CHANGED, LiveSeats
from gateway.openapi import Description
from gateway.pages import install_docs, install_live, install_pages
from gateway.proxy import Proxy
from gateway.revocations import REVOKED, Revocations
from gateway.routing import ROUTES, RoutingTable, Upstream
from gateway.settings import Settings

__all__ = ["SERVICE", "create_app"]

SERVICE: Final = "gateway"
TITLE: Final = "TicketRemaster"


def create_app(settings: Settings) -> FastAPI:
    tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
    services = {
        upstream: ServiceClient(callee=upstream, base_url=url, tokens=tokens)
        for upstream, url in settings.upstreams.items()
    }
    keys = JwksClient(settings.jwks_url)
    verifier = UserTokenVerifier(keys.fetch)

    async def is_fed() -> bool:
        return await feed.broker.is_healthy()

    revocations = Revocations(
        lambda: services[Upstream.USERS].get("/internal/sessions/revoked"),
        is_fed=is_fed,
        poll_seconds=settings.revocation_poll_seconds,
    )
    live = LiveSeats(
        allowed_origins=settings.cors_origins,
        backlog=settings.live_backlog_messages,
        connections=settings.live_connections,
        connections_per_address=settings.live_connections_per_address,
    )

    def catch_up() -> None:
        revocations.reload()
        live.resync()

    feed = Feed(
        settings.rabbitmq_url.get_secret_value(),
        handlers={REVOKED: revocations.take, SEAT_CHANGED: live.take},
        on_gap=catch_up,
    )
    limiter = _limiter(settings)
    proxy = Proxy(
        settings.upstreams,
        connections_per_upstream=settings.upstream_connections,
        request_body_seconds=settings.request_body_seconds,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await proxy.open()
        revocations.start()
        feed.broker.start()
        yield
        await feed.broker.close()
        await revocations.close()
        await proxy.close()
        await keys.close()
        for client in services.values():
            await client.close()
        if limiter is not None:
            await limiter.close()

    app = base_app(
        service=SERVICE,
        title=TITLE,
        settings=settings,
        lifespan=lifespan,
        health=_health(services, keys=keys, revocations=revocations, feed=feed),
        user_tokens=verifier,
        describes_itself=False,
    )
    clients = ClientAddress(trusted_proxies=settings.trusted_proxies, operators=settings.operator_networks)
    install_pages(app)
    install_live(app, live, clients)
    if settings.docs:
        install_docs(app, _description(settings, proxy))
    app.user_middleware.append(  # the innermost layer: inside the one that sets the correlation id
        Middleware(
            Api,
            table=RoutingTable(ROUTES),
            authenticator=Authenticator(verifier, revocations),
            clients=clients,
            limiter=limiter,
            proxy=proxy,
        )
    )
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, **_cors(settings))
    app.add_middleware(Edge)
    return app


def _description(settings: Settings, proxy: Proxy) -> Description:
    async def read(upstream: Upstream) -> dict[str, Any]:
        return await proxy.read_json(upstream, "/openapi.json")

    return Description(read, routes=ROUTES, title=TITLE, cache_seconds=settings.openapi_cache_seconds)


def _limiter(settings: Settings) -> RateLimiter | None:
    if settings.rate_limit_per_minute == 0:
        return None
    if settings.redis_url is not None:
        return RedisLimiter(settings.rate_limit_per_minute, settings.redis_url.get_secret_value())
    return MemoryLimiter(settings.rate_limit_per_minute)


def _cors(settings: Settings) -> dict[str, Any]:
    return {
        "allow_origins": settings.cors_origins,
        "allow_credentials": True,
        "allow_methods": sorted({route.method for route in ROUTES}),
        "allow_headers": ["Authorization", "Content-Type", "Idempotency-Key", "X-Correlation-ID"],
        "expose_headers": [
            "X-Correlation-ID",
            "Retry-After",
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
        ],
        "max_age": 600,
    }


def _health(
    services: dict[Upstream, ServiceClient], *, keys: JwksClient, revocations: Revocations, feed: Feed
) -> Health:
    async def are_keys_loadable() -> bool:
        return bool((await keys.fetch())["keys"])

    optional = {upstream.value: services[upstream].is_healthy for upstream in (Upstream.ORDERS, Upstream.EVENTS)}
    return Health(
        required={
            "user_keys": are_keys_loadable,
            "revoked_sessions": revocations.is_healthy,
            "orchestrator": services[Upstream.ORCHESTRATOR].is_healthy,
        },
        optional={**optional, "broker": feed.broker.is_healthy},
    )
