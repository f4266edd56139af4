"""The pages that the gateway serves itself: the start page, the links of emails, articles, and the API's description."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from common.http.docs import install_docs, page
from gateway.openapi import Description

__all__ = ["install_description", "install_pages"]

WEB: Final = Path(__file__).with_name("web")
# The pages that links in emails lead to, and articles. Their own files only, and no request to any other place.
LINK_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def install_pages(app: FastAPI) -> None:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show_start_page() -> FileResponse:
        return page(WEB / "index.html")

    @router.get("/verify-email")
    async def show_email_verification() -> FileResponse:
        return page(WEB / "verify-email.html", policy=LINK_PAGE_POLICY)

    @router.get("/reset-password")
    async def show_password_reset() -> FileResponse:
        return page(WEB / "reset-password.html", policy=LINK_PAGE_POLICY)

    @router.get("/order-status/{order_id}")
    async def show_order_status(order_id: str) -> FileResponse:  # noqa: ARG001 - the page reads it
        return page(WEB / "order-status.html", policy=LINK_PAGE_POLICY)

    @router.get("/articles/{slug}")
    async def show_article(slug: str) -> FileResponse:  # noqa: ARG001 - the page reads it
        return page(WEB / "article.html", policy=LINK_PAGE_POLICY)

    app.include_router(router)
    app.mount("/web", StaticFiles(directory=WEB))


def install_description(app: FastAPI, description: Description) -> None:
    """Serve /openapi.json, and /docs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json")
    async def describe() -> JSONResponse:
        return JSONResponse(await description.document())

    app.include_router(router)
    install_docs(app)
