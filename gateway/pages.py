"""What the gateway serves itself: a first page, the API's description, live seat maps."""

import uuid
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from common.errors import InvalidRequest, NotFound, ServiceError
from gateway.callers import ClientAddress
from gateway.headers import distinct
from gateway.limits import RateLimiter, anonymous
from gateway.live import LiveSeats, refuse
from gateway.openapi import Description
from gateway.routing import is_clean

__all__ = ["install_docs", "install_live", "install_pages"]

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


def install_live(app: FastAPI, live: LiveSeats, clients: ClientAddress, limiter: RateLimiter | None) -> None:
    @app.websocket("/ws/events/{event_id}")
    async def watch_seats(websocket: WebSocket, event_id: str) -> None:
        try:
            client = clients.of(websocket.scope, distinct(websocket.scope["headers"]))
            if limiter is not None:
                (await limiter.hit(anonymous(client))).require()
            await live.serve(websocket, _asked_for(websocket, event_id), client=client)
        except ServiceError as error:
            await refuse(websocket, error)


def _asked_for(websocket: WebSocket, event_id: str) -> uuid.UUID:
    if not is_clean(websocket.scope["raw_path"]):
        raise NotFound
    try:
        return uuid.UUID(event_id)
    except ValueError:
        raise InvalidRequest("An id is not a UUID.", code="INVALID_UUID") from None


def _page(name: str) -> FileResponse:
    return FileResponse(WEB / name, headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"})
