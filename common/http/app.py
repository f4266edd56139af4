"""The base of every service's FastAPI app, and how it is served."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from common.auth.service_tokens import ServiceTokens
from common.auth.user_tokens import UserTokenVerifier
from common.health import CachedHealth, Health
from common.http.connections import IdleTimeoutProtocol
from common.http.docs import install_docs
from common.http.envelope import ErrorBody
from common.http.error_mapping import install_error_handlers
from common.http.jwks import JwksClient
from common.http.middleware import RequestContext, TrustsTraceparent, trust_all
from common.settings import ServiceSettings
from common.telemetry.logs import configure_logs
from common.telemetry.tracing import is_tracing, start_tracing, stop_tracing

__all__ = ["base_app", "serve", "server_options"]

# Python's default for the first, 700, is reached several times per request.
GARBAGE_THRESHOLDS: Final = (10_000, 20, 20)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def base_app(
    *,
    service: str,
    title: str,
    settings: ServiceSettings,
    lifespan: Lifespan,
    health: Health,
    user_tokens: UserTokenVerifier | None = None,
    describes_itself: bool = True,
    trusts_traceparent: TrustsTraceparent = trust_all,
) -> FastAPI:
    """Return an app with error handlers, correlation ids, limits, metrics, health and token checks.

    Args:
        user_tokens: verifies users' tokens; by the keys at `JWKS_URL` when omitted.
        describes_itself: serve FastAPI's own /openapi.json, and in development /docs.
        trusts_traceparent: whether a request's `traceparent` is continued; inside the platform always.
    """
    keys = JwksClient(settings.jwks_url)

    @asynccontextmanager
    async def lifespan_with_keys(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app):
            yield
        await keys.close()
        if is_tracing():
            await asyncio.to_thread(stop_tracing)

    app = FastAPI(
        title=title,
        lifespan=lifespan_with_keys,
        openapi_url="/openapi.json" if describes_itself else None,
        docs_url=None,  # loads Swagger UI from a CDN
        redoc_url=None,
        responses={"4XX": {"model": ErrorBody}, "5XX": {"model": ErrorBody}},
        telemetry={"tracing": False, "metrics": False, "logs": False},  # RequestContext does it; FastAPI's costs 2 %
    )
    app.state.user_tokens = user_tokens or UserTokenVerifier(keys.fetch)
    app.state.service_tokens = ServiceTokens(service=service, secret=settings.service_token_secret)
    install_error_handlers(app)
    app.add_middleware(RequestContext, max_body_bytes=settings.max_body_bytes, trusts_traceparent=trusts_traceparent)
    _add_operator_routes(app, CachedHealth(health, cache_seconds=settings.health_cache_seconds), settings.instance_id)
    if describes_itself and settings.docs and settings.is_dev:
        install_docs(app)
    return app


def _add_operator_routes(app: FastAPI, health: CachedHealth, instance: str) -> None:
    shown = {"instance": instance} if instance else {}

    @app.get("/health", include_in_schema=False)
    async def report_health() -> JSONResponse:
        report = await health.report()
        return JSONResponse(report.as_json() | shown, status_code=200 if report.is_healthy else 503)

    @app.get("/livez", include_in_schema=False)
    async def report_life() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @app.get("/metrics", include_in_schema=False)
    async def report_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def serve(app: FastAPI, *, service: str, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or Ctrl-C. Requests in progress are finished first."""
    configure_logs(service=service, level=settings.log_level, log_format=settings.log_format)
    if settings.otel_exporter_otlp_endpoint:
        start_tracing(service=service)
    _tune_garbage_collector()
    uvicorn.run(app, **server_options(settings))


def _tune_garbage_collector() -> None:
    """Exclude the imported modules' objects, some hundred thousand, from collection and collect less often.

    Saves a tenth of the orchestrator's CPU time (docs/performance.md). Requests create few reference cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def server_options(settings: ServiceSettings) -> dict[str, Any]:
    """Return uvicorn's options, in production and in tests."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": partial(IdleTimeoutProtocol, timeout_seconds=settings.client_timeout_seconds),
        "limit_concurrency": settings.max_connections,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # uvicorn would trust any process on this machine for the client's address
        "ws_max_size": settings.max_body_bytes,
        "ws_per_message_deflate": False,  # compressing costs more than small messages save
        "timeout_graceful_shutdown": int(settings.shutdown_grace_seconds),
    }
