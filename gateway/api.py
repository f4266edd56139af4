"""Handles requests under /api: route, authenticate, rate-limit, forward.

An ASGI layer in front of FastAPI's router, because it is on every hot path.
"""

from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from common.auth.principal import Role
from common.errors import NotFound, ServiceError, Unauthenticated, Unavailable
from common.http.error_mapping import error_response
from common.http.middleware import note_user
from common.telemetry.correlation import correlation_id
from common.telemetry.logs import get_logger
from gateway.auth import Authenticator
from gateway.client_address import ClientAddress
from gateway.devices import has_device_token
from gateway.headers import Headers, distinct, request_headers
from gateway.limits import RateLimiter, anonymous, buying, known, refreshing, scanning
from gateway.proxy import Proxy, received
from gateway.refusals import RefusalLimiter
from gateway.routing import Access, MethodNotAllowed, Route, RoutingTable, is_clean

__all__ = ["ApiMiddleware"]

PREFIX: Final = b"/api/"
METRICS: Final = b"/metrics"
REJECTIONS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
# Not those that the users service limits itself (409, 410, 429), nor those that are its own fault.
FAILURES: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)

logger = get_logger(__name__)


class ApiMiddleware:
    """Wraps the app that serves the gateway's own routes.

    Args:
        limiter: None if rate limits are off.
        scan_limit: scans per minute of a staff member or admin, which are counted apart.
        purchase_limit: purchases per minute of a user from performers, likewise.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        table: RoutingTable,
        authenticator: Authenticator,
        clients: ClientAddress,
        limiter: RateLimiter | None,
        scan_limit: int,
        purchase_limit: int,
        proxy: Proxy,
    ) -> None:
        self._app = app
        self._table = table
        self._authenticator = authenticator
        self._clients = clients
        self._limiter = limiter
        self._scan_limit = scan_limit
        self._purchase_limit = purchase_limit
        self._rejected_webhooks = RefusalLimiter(limiter, scope="rejected-webhooks", statuses=REJECTIONS)
        self._failed_logins = RefusalLimiter(limiter, scope="failed-logins", statuses=FAILURES)
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra: Headers = []
        try:
            if not is_clean(scope["raw_path"]) or not self._may_access(scope):
                raise NotFound
            if scope["raw_path"].startswith(PREFIX):
                await self._serve(scope, receive, send, extra)
                return
        except ServiceError as error:
            await _refusal(error, extra)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may_access(self, scope: Scope) -> bool:
        """Return whether the client may access the path: metrics are for operators."""
        return scope["raw_path"] != METRICS or self._clients.is_operator(scope, dict(scope["headers"]))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, extra: Headers) -> None:
        route = self._table.match(scope["method"], scope["raw_path"])
        scope["route"] = route  # the metrics' label
        headers = distinct(scope["headers"])
        client = self._clients.of(scope, headers)
        upstream_headers = request_headers(
            headers, client=client, scheme=scope["scheme"], correlation_id=correlation_id()
        )
        forward = partial(self._proxy.forward, route, scope, headers=upstream_headers, extra=extra)
        authorization = headers.get(b"authorization")
        if route.access is Access.SIGNED or route.is_login:
            refusals = self._failed_logins if route.is_login else self._rejected_webhooks
            is_refresh = route.is_login and route.access is Access.OWN_TOKEN
            sender = refreshing(authorization) if is_refresh and authorization else anonymous(client)
            async with refusals.count_refusal(sender, send) as observed_send:
                if route.knows_devices and refusals.is_blocked(sender):
                    body = await self._proxy.read_body(receive)
                    if not has_device_token(headers, body):
                        refusals.require_allowed(sender)
                    await forward(received(body), observed_send)
                else:
                    refusals.require_allowed(sender)
                    await forward(receive, observed_send)
        else:
            await self._admit(scope, authorization, client, extra)
            await forward(receive, send)

    async def _admit(self, scope: Scope, authorization: bytes | None, client: str, extra: Headers) -> None:
        """Authenticate and count the caller, or raise. A refused token counts against its sender's address."""
        route: Route = scope["route"]
        caller, limit, refusal = anonymous(client), None, None
        if route.access is Access.USER or (authorization is not None and self._limiter is not None):
            try:
                principal = await self._authenticator.authenticate(authorization or b"")
                note_user(scope, principal)
                caller = known(principal.user_id)
                if route.is_scan and (principal.has_role(Role.STAFF) or principal.has_role(Role.ADMIN)):
                    caller, limit = scanning(principal.user_id), self._scan_limit
                if route.is_purchase:
                    caller, limit = buying(principal.user_id), self._purchase_limit
            except (Unauthenticated, Unavailable) as error:
                refusal = error
        if self._limiter is not None:
            quota = await self._limiter.hit(caller, limit=limit)
            extra.extend(quota.headers())
            quota.require()
        if refusal is not None and route.access is Access.USER:
            raise refusal


def _refusal(error: ServiceError, extra: Headers) -> JSONResponse:
    response = error_response(error)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("request.failed", code=error.code, **error.private)
    if isinstance(error, MethodNotAllowed):
        response.status_code = HTTPStatus.METHOD_NOT_ALLOWED
        response.headers["Allow"] = error.allowed
    response.raw_headers.extend(extra)
    return response
