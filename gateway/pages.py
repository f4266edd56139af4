"""The pages that the gateway serves itself: the start page, the links of emails, articles, and the API's description."""

import html
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from string import Template
from textwrap import shorten
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from common.errors import NotFound, ServiceError
from common.html_text import HtmlText
from common.http.docs import install_docs, page
from common.http.error_mapping import STATUS_OF_KIND
from gateway.openapi import Description

__all__ = ["install_description", "install_pages"]

WEB: Final = Path(__file__).with_name("web")
# The pages that links in emails lead to, and articles. Their own files only, and no request to any other place.
LINK_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
SLUG: Final = re.compile("[a-z0-9-]{1,100}")
DESCRIPTION_CHARACTERS: Final = 160

ARTICLE_PAGE: Final = Template((WEB / "article.html").read_text())

FindArticle = Callable[[str], Awaitable[Mapping[str, Any]]]
CountCaller = Callable[[Request], Awaitable[None]]


def install_pages(app: FastAPI, find_article: FindArticle, count: CountCaller) -> None:
    """Serve the pages.

    Args:
        find_article: returns a published article by its slug; if there is none, it raises NotFound.
        count: counts a caller of a page that asks a service, and raises TooManyRequests above the limit.
    """
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
    async def show_article(slug: str, request: Request) -> HTMLResponse:
        try:
            await count(request)
            if SLUG.fullmatch(slug) is None:
                raise NotFound
            article = await find_article(slug)
        except ServiceError as error:  # the page says so
            return _article_page({"title": "Article", "content": ""}, status=STATUS_OF_KIND[error.kind])
        return _article_page(article)

    app.include_router(router)
    app.mount("/web", StaticFiles(directory=WEB))


def _article_page(article: Mapping[str, str], *, status: int = 200) -> HTMLResponse:
    """Return the page with what search engines and previews show; its script adds the text."""
    text = HtmlText.of(article["content"]).text
    shown = {"title": article["title"], "description": shorten(text, DESCRIPTION_CHARACTERS, placeholder="…")}
    filled = ARTICLE_PAGE.substitute({name: html.escape(value) for name, value in shown.items()})
    return HTMLResponse(filled, status, {"Content-Security-Policy": LINK_PAGE_POLICY, "Cache-Control": "no-cache"})


def install_description(app: FastAPI, description: Description) -> None:
    """Serve /openapi.json, and /docs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json")
    async def describe() -> JSONResponse:
        return JSONResponse(await description.document())

    app.include_router(router)
    install_docs(app)
