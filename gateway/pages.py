"""The routes that the gateway serves itself: a start page, the API's description, and the live feeds."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from common.auth.principal import Principal
from common.errors import InvalidRequest, NotFound, ServiceError, Unauthenticated
from gateway.auth import Authenticator
from gateway.client_address import ClientAddress
from gateway.headers import distinct
from gateway.limits import RateLimiter, anonymous, known, require
from gateway.live_feed import refuse
from gateway.openapi import Description
from gateway.routing import is_clean
from gateway.seat_map_feed import SeatMapFeed
from gateway.user_feed import UserFeeds

__all__ = ["FeedRoutes", "install_docs", "install_pages"]

MAX_SEQUENCE_DIGITS: Final = 18  # of a bigint
WEB: Final = Path(__file__).with_name("web")
# Swagger UI styles its elements by attribute and draws its icons as data URLs.
PAGE_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def install_pages(app: FastAPI) -> None:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show_start_page() -> FileResponse:
        return _page("index.html")

    app.include_router(router)
    app.mount("/web", StaticFiles(directory=WEB))


def install_docs(app: FastAPI, description: Description) -> None:
    """Serve /openapi.json and Swagger UI. Its files come from a package, so the page works without the internet."""
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json")
    async def describe() -> JSONResponse:
        return JSONResponse(await description.document())

    @router.get("/docs")
    async def show_docs() -> FileResponse:
        return _page("docs.html")

    app.include_router(router)
    assets = Path(str(resources.files("fastapi_swagger") / "resources"))
    app.mount("/docs/assets", StaticFiles(directory=assets))


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRoutes:
    """The WebSocket routes of the live feeds."""

    seat_maps: SeatMapFeed
    user_feeds: UserFeeds
    clients: ClientAddress
    limiter: RateLimiter | None
    authenticator: Authenticator

    def install(self, app: FastAPI) -> None:
        @app.websocket("/ws/events/{event_id}")
        async def watch_seats(websocket: WebSocket, event_id: str) -> None:
            async def serve(client: str) -> None:
                await require(self.limiter, anonymous(client))
                await self.seat_maps.serve(websocket, _event_id(websocket, event_id), client=client)

            await self._serve(websocket, serve)

        @app.websocket("/ws/me")
        async def watch_own_feed(websocket: WebSocket) -> None:
            async def serve(client: str) -> None:
                principal = await self._authenticate(websocket, client)
                await self.user_feeds.serve(websocket, principal, since=_since(websocket), client=client)

            await self._serve(websocket, serve)

    async def _serve(self, websocket: WebSocket, serve: Callable[[str], Awaitable[None]]) -> None:
        try:
            await serve(self.clients.of(websocket.scope, distinct(websocket.scope["headers"])))
        except ServiceError as error:
            await refuse(websocket, error)

    async def _authenticate(self, websocket: WebSocket, client: str) -> Principal:
        """Return the user. A refused token counts against its sender's address.

        A browser's script cannot set a header of a WebSocket's handshake, so the token may be in the query.
        """
        token = websocket.query_params.get("token")
        authorization = f"Bearer {token}" if token else websocket.headers.get("authorization", "")
        try:
            principal = await self.authenticator.authenticate(authorization.encode("latin-1", errors="replace"))
        except Unauthenticated:
            await require(self.limiter, anonymous(client))
            raise
        await require(self.limiter, known(principal.user_id))
        return principal


def _since(websocket: WebSocket) -> int | None:
    text = websocket.query_params.get("since")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > MAX_SEQUENCE_DIGITS:
        raise InvalidRequest("`since` must be the number of an entry.")
    return int(text)


def _event_id(websocket: WebSocket, text: str) -> uuid.UUID:
    if not is_clean(websocket.scope["raw_path"]):
        raise NotFound
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest("An id is not a UUID.", code="INVALID_UUID") from None


def _page(name: str) -> FileResponse:
    return FileResponse(WEB / name, headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"})
