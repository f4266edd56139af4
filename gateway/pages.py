"""The pages that the gateway serves itself: the start page and the API's description."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from common.http.docs import install_docs, page
from gateway.openapi import Description

__all__ = ["install_description", "install_pages"]

WEB: Final = Path(__file__).with_name("web")


def install_pages(app: FastAPI) -> None:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show_start_page() -> FileResponse:
        return page(WEB / "index.html")

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
