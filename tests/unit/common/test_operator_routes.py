"""What every service serves besides its API: health, its API's page, and a log line for each request."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from pydantic import SecretStr
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from common.auth.principal import Role
from common.health import Health
from common.http.app import base_app
from common.http.auth import CurrentUser
from common.settings import DEV_SERVICE_TOKEN_SECRET, ServiceSettings
from tests.support.http_client import http_client
from tests.support.serving import serving
from tests.support.user_tokens import UserTokenMint

MINT = UserTokenMint()


@asynccontextmanager
async def no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def running(health: Health | None = None, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Serve an app with one route, `/items/{item_id}`, and one WebSocket, `/feeds/{feed_id}`."""
    own: dict[str, Any] = {"env": "test", "health_cache_seconds": 0}
    settings = ServiceSettings(**own | changes)
    app = base_app(
        service="sample",
        title="Sample",
        settings=settings,
        lifespan=no_lifespan,
        health=health or Health(),
        user_tokens=MINT.verifier(),
    )

    @app.get("/items/{item_id}")
    async def show_item(item_id: str, user: CurrentUser) -> str:
        return f"{item_id} {user.user_id}"

    included = APIRouter(prefix="/inner")

    @included.get("/{item_id}")
    async def show_included(item_id: str) -> str:
        return item_id

    app.include_router(included, prefix="/outer")

    @app.get("/broken/{item_id}")
    async def break_item(item_id: str) -> str:
        raise RuntimeError(item_id)

    @app.websocket("/feeds/{feed_id}")
    async def feed(websocket: WebSocket, feed_id: str) -> None:
        await websocket.accept()
        await websocket.close(reason=feed_id)

    async with serving(app, settings) as url, http_client(url) as http:
        yield http


class TestHealth:
    async def test_concurrent_requests_check_once(self) -> None:
        checks = 0

        async def check() -> bool:
            nonlocal checks
            checks += 1
            await asyncio.sleep(0)
            return True

        async with running(Health(required={"database": check}), health_cache_seconds=60) as http:
            reports = await asyncio.gather(*(http.get("/health") for _ in range(20)))
        assert checks == 1
        assert {report.text for report in reports} == {'{"status":"healthy","checks":{"database":"ok"}}'}

    async def test_check_without_an_end_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("common.health.CHECK_TIMEOUT_SECONDS", 0.01)
        never: Callable[[], Any] = asyncio.Event().wait
        async with running(Health(optional={"orders": never})) as http:
            report = await http.get("/health")
        assert (report.status_code, report.json()["checks"]) == (200, {"orders": "degraded"})

    async def test_instance_is_shown_if_there_is_one(self) -> None:
        async with running(instance_id="4711") as http:
            assert (await http.get("/health")).json()["instance"] == "4711"
        async with running() as http:
            assert "instance" not in (await http.get("/health")).json()


class TestDocs:
    async def test_page_loads_nothing_from_elsewhere(self) -> None:
        async with running() as http:
            page = await http.get("/docs")
            wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
            assert len(wanted) == 4
            for path in (*wanted, "/openapi.json"):
                assert path.startswith("/")
                assert (await http.get(path)).status_code == 200, path
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]

    @pytest.mark.parametrize(
        "settings",
        [{"docs": False}, {"env": "prod", "service_token_secret": SecretStr(DEV_SERVICE_TOKEN_SECRET[::-1])}],
    )
    async def test_page_is_of_development_and_the_description_of_every_service(self, settings: dict[str, Any]) -> None:
        async with running(**settings) as http:
            for path in ("/docs", "/docs/page.js", "/docs/assets/swagger-ui.css"):
                assert (await http.get(path)).status_code == 404
            assert (await http.get("/openapi.json")).status_code == 200


class TestRequestLine:
    async def test_names_template_and_user_without_personal_data(self) -> None:
        user_id = uuid.uuid4()
        bearer = {"Authorization": f"Bearer {MINT.token(user_id, Role.CUSTOMER)}"}
        with capture_logs() as logs:
            async with running() as http:
                await http.get("/items/mei%40example.com?phone=6581110001", headers=bearer)
                await http.get("/items/2")
                await http.get("/outer/inner/2")
                await http.get("/nothing/mei%40example.com")
        lines = [line for line in logs if line["event"] == "request"]
        found = [(line["log_level"], line["path"], line["status"], line.get("user_id")) for line in lines]
        assert found == [
            ("info", "/items/{item_id}", 200, str(user_id)),
            ("info", "/items/{item_id}", 401, None),
            ("info", "/outer/inner/{item_id}", 200, None),
            ("info", "(unmatched)", 404, None),
        ]
        assert lines[0].keys() == {"component", "event", "log_level", "method", "path", "status", "ms", "user_id"}

    async def test_crash_names_the_template(self) -> None:
        with capture_logs() as logs:
            async with running() as http:
                assert (await http.get("/broken/mei%40example.com")).status_code == 500
        [crash] = [line for line in logs if line["event"] == "request.crashed"]
        assert crash["path"] == "/broken/{item_id}"

    async def test_polls_are_for_debugging(self) -> None:
        with capture_logs() as logs:
            async with running() as http:
                for path in ("/health", "/livez", "/metrics"):
                    await http.get(path)
        assert {line["log_level"] for line in logs if line["event"] == "request"} == {"debug"}

    async def test_websocket_leaves_a_line_at_its_end(self) -> None:
        with capture_logs() as logs:
            async with running() as http:
                url = str(http.base_url).replace("http", "ws")
                async with connect(f"{url}/feeds/1?token=secret") as connection:
                    await connection.wait_closed()
        [line] = [line for line in logs if line["event"] == "websocket"]
        assert line["path"] == "/feeds/{feed_id}"
        assert "secret" not in str(line)
