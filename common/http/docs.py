"""/docs: Swagger UI for the process's /openapi.json. Its files come from a package, so the page works without the internet."""

from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

__all__ = ["install_docs", "page"]

WEB: Final = Path(__file__).with_name("web")
# Swagger UI styles its elements by attribute and draws its icons as data URLs.
PAGE_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def install_docs(app: FastAPI) -> None:
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def show_docs() -> FileResponse:
        return page(WEB / "docs.html")

    @router.get("/docs/page.js")
    async def show_script() -> FileResponse:
        return page(WEB / "docs.js")

    app.include_router(router)
    assets = Path(str(resources.files("fastapi_swagger") / "resources"))
    app.mount("/docs/assets", StaticFiles(directory=assets))


def page(file: Path, *, policy: str = PAGE_POLICY) -> FileResponse:
    """Return a page that loads nothing of other origins, or a file of one."""
    return FileResponse(file, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})
