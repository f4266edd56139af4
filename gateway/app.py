"""Constructs the gateway."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from common.auth.service_tokens import ServiceTokens
from common.auth.user_tokens import UserTokenVerifier
from common.health import Health
from common.http.app import base_app
from common.http.client import ServiceClient
from common.http.jwks import JwksClient
from common.http.middleware import trust_none
from gateway.api import ApiMiddleware
from gateway.auth import Authenticator
from gateway.broadcasts import BroadcastConsumer
from gateway.client_address import ClientAddress
from gateway.connections import LiveConnections
from gateway.feed_routes import FeedRoutes
from gateway.headers import distinct
from gateway.limits import MemoryLimiter, RateLimiter, RedisLimiter, anonymous, require
from gateway.openapi import Description
from gateway.pages import install_description, install_pages
from gateway.proxy import Proxy
from gateway.revocations import REVOKED, Revocations
from gateway.routing import ROUTES, RoutingTable, Upstream
from gateway.seat_map_feed import SEAT_CHANGED, SeatMapFeed
from gateway.security_headers import SecurityHeadersMiddleware
from gateway.settings import Settings
from gateway.user_feed import FEED_CHANGED, UserFeeds

__all__ = ["SERVICE", "create_app"]

SERVICE: Final = "gateway"
TITLE: Final = "TicketRemaster"
# Response headers that a browser's script of another origin may read.
EXPOSED_HEADERS: Final = (
    "X-Correlation-ID",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)
CORS_HEADERS: Final = ("Authorization", "Content-Type", "Idempotency-Key", "X-Correlation-ID")
PREFLIGHT_SECONDS: Final = 600


class _Components:
    """The gateway's components, which live as long as the process."""

    def __init__(self, settings: Settings) -> None:
        tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
        self.services = {
            upstream: ServiceClient(
                callee=upstream, base_url=url, tokens=tokens, deadline_seconds=settings.call_timeout_seconds
            )
            for upstream, url in settings.upstreams.items()
        }
        self.keys = JwksClient(settings.jwks_url)
        self.proxy = Proxy(
            settings.upstreams,
            timeout_seconds=settings.upstream_timeout_seconds,
            connections=settings.upstream_connections,
            long_connections=settings.upstream_long_connections,
            request_body_seconds=settings.request_body_seconds,
        )
        self.limiter = _limiter(settings)
        connections = LiveConnections(
            allowed_origins=settings.cors_origins,
            connections=settings.live_connections,
            connections_per_user=settings.live_connections_per_user,
            connections_per_address=settings.live_connections_per_address,
        )
        self.seat_maps = SeatMapFeed(connections, backlog=settings.live_backlog_messages)
        self.revocations = Revocations(
            lambda: self.services[Upstream.USERS].get("/internal/sessions/revoked"),
            is_fed=self._is_fed,
            poll_seconds=settings.revocation_poll_seconds,
            on_change=self._on_revoked,
        )
        self.user_feeds = UserFeeds(self._read_feed, connections, self.revocations)
        self.broadcasts = BroadcastConsumer(
            settings.rabbitmq_url.get_secret_value(),
            handlers={
                REVOKED: self.revocations.take,
                SEAT_CHANGED: self.seat_maps.take,
                FEED_CHANGED: self.user_feeds.take,
            },
            on_gap=self._catch_up,
        )

    async def _is_fed(self) -> bool:
        return await self.broadcasts.broker.is_healthy()

    def _on_revoked(self) -> None:
        self.user_feeds.close_revoked()

    def _catch_up(self) -> None:
        self.revocations.reload()
        self.seat_maps.resync()
        self.user_feeds.reload()

    async def _read_feed(self, user_id: uuid.UUID, since: int | None) -> dict[str, Any]:
        page: dict[str, Any] = await self.services[Upstream.ORCHESTRATOR].get(
            f"/internal/feed/{user_id}", {} if since is None else {"since": since}
        )
        return page

    async def find_article(self, slug: str) -> dict[str, Any]:
        article: dict[str, Any] = await self.services[Upstream.EVENTS].get(f"/api/articles/{slug}")
        return article

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for service in self.services.values():
                stack.push_async_callback(service.close)
            if self.limiter is not None:
                stack.push_async_callback(self.limiter.close)
            stack.push_async_callback(self.keys.close)
            stack.push_async_callback(self.proxy.close)
            stack.push_async_callback(self.revocations.close)
            stack.push_async_callback(self.broadcasts.broker.close)
            await self.proxy.open()
            self.revocations.start()
            self.broadcasts.broker.start()
            yield

    def health(self) -> Health:
        """Return the checks. Without the users' keys or the orchestrator the gateway is useless; the rest is optional."""
        optional = {u.value: self.services[u].is_healthy for u in (Upstream.ORDERS, Upstream.EVENTS)}
        return Health(
            required={
                "user_keys": self._are_keys_loadable,
                "revoked_sessions": self.revocations.is_healthy,
                "orchestrator": self.services[Upstream.ORCHESTRATOR].is_healthy,
            },
            optional={
                **optional,
                "inventory": self._is_inventory_healthy,
                "broker": self.broadcasts.broker.is_healthy,
            },
        )

    async def _is_inventory_healthy(self) -> bool:
        """Return what the orchestrator last saw: it is the only one that calls the inventory."""
        report = await self.proxy.read_json(Upstream.ORCHESTRATOR, "/health")
        return bool(report["checks"]["inventory"] == "ok")

    async def _are_keys_loadable(self) -> bool:
        return bool((await self.keys.fetch())["keys"])

    async def read_description(self, upstream: Upstream) -> dict[str, Any]:
        return await self.proxy.read_json(upstream, "/openapi.json")


def create_app(settings: Settings) -> FastAPI:
    components = _Components(settings)
    verifier = UserTokenVerifier(components.keys.fetch)
    clients = ClientAddress(trusted_proxies=settings.trusted_proxies, operators=settings.operator_networks)
    app = base_app(
        service=SERVICE,
        title=TITLE,
        settings=settings,
        lifespan=components.lifespan,
        health=components.health(),
        user_tokens=verifier,
        describes_itself=False,
        trusts_traceparent=clients.is_behind_trusted_proxy if settings.continue_traces else trust_none,
    )

    async def count(request: Request) -> None:
        caller = anonymous(clients.of(request.scope, distinct(request.scope["headers"])))
        await require(components.limiter, caller)

    install_pages(app, components.find_article, count)
    authenticator = Authenticator(verifier, components.revocations)
    feed_routes = FeedRoutes(
        seat_maps=components.seat_maps,
        user_feeds=components.user_feeds,
        clients=clients,
        limiter=components.limiter,
        authenticator=authenticator,
    )
    feed_routes.install(app)
    if settings.docs:
        seconds = settings.openapi_cache_seconds
        description = Description(components.read_description, routes=ROUTES, title=TITLE, cache_seconds=seconds)
        install_description(app, description)
    api = Middleware(
        ApiMiddleware,
        table=RoutingTable(ROUTES),
        authenticator=authenticator,
        clients=clients,
        limiter=components.limiter,
        scan_limit=settings.scan_rate_limit_per_minute,
        purchase_limit=settings.purchase_rate_limit_per_minute,
        proxy=components.proxy,
    )
    _add_layers(app, api, settings)
    return app


def _add_layers(app: FastAPI, api: Middleware, settings: Settings) -> None:
    """Add the layers around those of every service: security headers, CORS, and innermost the API."""
    app.user_middleware.append(api)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_credentials=True,
            allow_methods=sorted({"HEAD"} | {route.method for route in ROUTES}),
            allow_headers=CORS_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
    app.add_middleware(SecurityHeadersMiddleware)


def _limiter(settings: Settings) -> RateLimiter | None:
    if settings.rate_limit_per_minute == 0:
        return None
    if settings.redis_url is not None:
        return RedisLimiter(settings.rate_limit_per_minute, settings.redis_url.get_secret_value())
    return MemoryLimiter(settings.rate_limit_per_minute)
