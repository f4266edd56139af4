"""The pages that the gateway serves itself: the start page, the links of emails, and the API's description."""

from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from gateway.openapi import Description

__all__ = ["install_docs", "install_pages"]

WEB: Final = Path(__file__).with_name("web")
# Swagger UI styles its elements by attribute and draws its icons as data URLs.
PAGE_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# The pages that links in emails lead to. Their own files only, and no request to any other place.
LINK_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def install_pages(app: FastAPI) -> None:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show_start_page() -> FileResponse:
        return _page("index.html")

    @router.get("/verify-email")
    async def show_email_verification() -> FileResponse:
        return _page("verify-email.html", policy=LINK_PAGE_POLICY)

    @router.get("/reset-password")
    async def show_password_reset() -> FileResponse:
        return _page("reset-password.html", policy=LINK_PAGE_POLICY)

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


def _page(name: str, *, policy: str = PAGE_POLICY) -> FileResponse:
    return FileResponse(WEB / name, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})
