"""What the gateway serves itself: a first page, the API's description, live seat maps, people's own feeds."""

import uuid
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
from gateway.limits import RateLimiter, anonymous, known
from gateway.openapi import Description
from gateway.routing import is_clean
from gateway.seat_map_feed import SeatMapFeed, refuse
from gateway.user_feed import UserFeeds

__all__ = ["install_docs", "install_live", "install_me", "install_pages"]

LONGEST_SEQUENCE: Final = 18  # digits: what a bigint holds
WEB: Final = Path(__file__).with_name("web")
# Swagger UI styles its elements by attribute and draws its icons as data URLs.
PAGE_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def install_pages(app: FastAPI) -> None:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show_first_page() -> FileResponse:
        return _page("index.html")

    app.include_router(router)
    app.mount("/web", StaticFiles(directory=WEB))


def install_docs(app: FastAPI, description: Description) -> None:
    """Serve /openapi.json and Swagger UI, whose files come from a package: the page works without the internet."""
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


def install_live(app: FastAPI, live: SeatMapFeed, clients: ClientAddress, limiter: RateLimiter | None) -> None:
    @app.websocket("/ws/events/{event_id}")
    async def watch_seats(websocket: WebSocket, event_id: str) -> None:
        try:
            client = clients.of(websocket.scope, distinct(websocket.scope["headers"]))
            if limiter is not None:
                (await limiter.hit(anonymous(client))).require()
            await live.serve(websocket, _asked_for(websocket, event_id), client=client)
        except ServiceError as error:
            await refuse(websocket, error)


def install_me(
    app: FastAPI,
    feeds: UserFeeds,
    clients: ClientAddress,
    *,
    limiter: RateLimiter | None,
    authenticator: Authenticator,
) -> None:
    @app.websocket("/ws/me")
    async def watch_oneself(websocket: WebSocket) -> None:
        try:
            client = clients.of(websocket.scope, distinct(websocket.scope["headers"]))
            principal = await _admitted(websocket, client, limiter=limiter, authenticator=authenticator)
            await feeds.serve(websocket, principal, since=_since(websocket), client=client)
        except ServiceError as error:
            await refuse(websocket, error)


async def _admitted(
    websocket: WebSocket, client: str, *, limiter: RateLimiter | None, authenticator: Authenticator
) -> Principal:
    """Return who it is, or raise why they may not. Refused tokens count too, against their sender's address."""
    try:
        principal = await _who(websocket, authenticator)
    except Unauthenticated:
        if limiter is not None:
            (await limiter.hit(anonymous(client))).require()
        raise
    if limiter is not None:
        (await limiter.hit(known(principal.user_id))).require()
    return principal


async def _who(websocket: WebSocket, authenticator: Authenticator) -> Principal:
    """A browser's script can set no header of a WebSocket's handshake, so the token may be in the query."""
    token = websocket.query_params.get("token")
    given = f"Bearer {token}" if token else websocket.headers.get("authorization", "")
    return await authenticator.authenticate(given.encode("latin-1", errors="replace"))


def _since(websocket: WebSocket) -> int | None:
    text = websocket.query_params.get("since")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_SEQUENCE:
        raise InvalidRequest("`since` is the number of an entry.")
    return int(text)


def _asked_for(websocket: WebSocket, event_id: str) -> uuid.UUID:
    if not is_clean(websocket.scope["raw_path"]):
        raise NotFound
    try:
        return uuid.UUID(event_id)
    except ValueError:
        raise InvalidRequest("An id is not a UUID.", code="INVALID_UUID") from None


def _page(name: str) -> FileResponse:
    return FileResponse(WEB / name, headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"})
