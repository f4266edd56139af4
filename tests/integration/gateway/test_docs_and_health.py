"""The gateway's own pages: root page, docs, health and the merged description."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from aiohttp import web

from gateway.routing import ROUTES, Upstream
from tests.integration.gateway.conftest import Gateways
from tests.integration.gateway.services import Services
from tests.support.http_client import http_client


def operation(name: str) -> dict[str, Any]:
    ok = {"description": "OK", "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
    return {"operationId": name, "responses": {"200": ok}}


def document(paths: dict[str, dict[str, Any]], schemas: dict[str, Any]) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {}, "paths": paths, "components": {"schemas": schemas}}


@pytest.fixture
def described(services: Services) -> Services:
    services.documents[Upstream.ORDERS] = document(
        {
            "/api/orders/{id}": {"get": operation("Order"), "delete": operation("Order")},
            "/internal/orders": {"post": operation("Ledger")},
        },
        {"Order": {"properties": {"status": {"type": "string"}}}, "Ledger": {"type": "object"}},
    )
    services.documents[Upstream.ORCHESTRATOR] = document(
        {"/api/events": {"get": operation("Event")}}, {"Event": {"type": "object"}}
    )
    return services


@pytest.mark.usefixtures("described")
async def test_description_lists_exactly_the_allowed_routes(gateways: Gateways) -> None:
    async with gateways() as url, http_client(url) as http:
        found = (await http.get("/openapi.json")).json()
    assert {path: set(item) for path, item in found["paths"].items()} == {
        "/api/orders/{id}": {"get"},
        "/api/events": {"get"},
    }
    assert set(found["components"]["schemas"]) == {"Order", "Event"}
    assert "internal" not in str(found)
    assert "127.0.0.1" not in str(found)


async def test_unavailable_service_is_described_from_the_cache(gateways: Gateways, described: Services) -> None:
    async with gateways(openapi_cache_seconds=0) as url, http_client(url) as http:
        before = (await http.get("/openapi.json")).json()
        described.broken_documents.add(Upstream.ORDERS)
        assert (await http.get("/openapi.json")).json() == before


async def test_description_is_cached(gateways: Gateways, described: Services) -> None:
    async with gateways(openapi_cache_seconds=60) as url, http_client(url) as http:
        before = (await http.get("/openapi.json")).json()
        described.documents.clear()
        assert (await http.get("/openapi.json")).json() == before


async def test_docs_page_loads_no_external_resources(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(wanted) == 4
    for path in wanted:
        assert path.startswith("/")
        asset = await client.get(path)
        assert asset.status_code == 200, path
    assert "SwaggerUIBundle" in (await client.get("/docs/assets/swagger-ui-bundle.js")).text
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"].split("style-src")[0]
    assert "<script>" not in page.text


async def test_docs_can_be_disabled(gateways: Gateways) -> None:
    async with gateways(docs=False) as url, http_client(url) as http:
        for path in ("/docs", "/openapi.json", "/docs/assets/swagger-ui.css"):
            assert (await http.get(path)).status_code == 404


async def test_root_page_links_the_docs(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.status_code == 200
    for path in re.findall(r'href="([^"]+)"', page.text):
        assert (await client.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [("/verify-email", "PASSWORD_INVALID", "password"), ("/reset-password", "PHONE_ENDING_REQUIRED", "phone_ending")],
)
async def test_page_of_a_link_asks_for_what_some_accounts_need(
    client: httpx.AsyncClient, path: str, code: str, field: str
) -> None:
    page = (await client.get(path)).text
    assert f'data-path="/api/auth{path}" data-asks="{code}"' in page
    assert re.findall(
        r'<div id="asked" hidden>\s*<label for="more">.+</label>\s*<input id="more" name="(\w+)"', page
    ) == [field]


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password"])
async def test_page_of_a_link_runs_and_calls_nothing_of_others(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(rule.split(" ", 1) for rule in page.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("frame-ancestors") == policy.pop("base-uri") == policy.pop("form-action") == "'none'"
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<script>|<style|style=|\son\w+=|https?://", page.text)
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert wanted == ["/web/style.css", "/web/link.js"]
    for asset in wanted:
        assert (await client.get(asset)).status_code == 200, asset
    [called] = re.findall(r'data-path="([^"]+)"', page.text)
    assert ("POST", called) in {(route.method, route.path) for route in ROUTES}


async def article(_: web.Request) -> web.Response:
    content = f"<p>Doors &amp; <em>bar</em> open at <a href='x'>seven</a>.</p><p>{'Come early. ' * 20}</p>"
    return web.json_response({"success": True, "data": {"title": 'Jazz & "Blues" <b>$1</b>', "content": content}})


async def no_article(_: web.Request) -> web.Response:
    return web.json_response({"success": False, "error_code": "NOT_FOUND", "message": "No."}, status=404)


async def test_article_has_its_title_and_description_before_its_script_runs(
    client: httpx.AsyncClient, services: Services
) -> None:
    services.handlers |= {"/api/articles/jazz": article, "/api/articles/unknown": no_article}
    found = await client.get("/articles/jazz")
    title = "Jazz &amp; &quot;Blues&quot; &lt;b&gt;$1&lt;/b&gt;"
    assert found.status_code == 200
    assert f"<title>{title} · TicketRemaster</title>" in found.text
    assert f'<h1 id="title">{title}</h1>' in found.text
    assert 'content="Doors &amp; bar open at seven. Come early.' in found.text
    for path in ("/articles/unknown", "/articles/Jazz"):
        unknown = await client.get(path)
        assert (unknown.status_code, unknown.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert unknown.headers["Content-Security-Policy"] == found.headers["Content-Security-Policy"]
        assert "/web/article.js" in unknown.text


@pytest.mark.parametrize(
    ("path", "scripts"),
    [
        ("/order-status/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", ["order-status.js", "article-content.js"]),
        ("/articles/a-night-to-remember", ["article.js", "article-content.js"]),
    ],
)
async def test_page_of_an_order_or_an_article_runs_own_scripts_only_and_writes_no_html(
    client: httpx.AsyncClient, services: Services, path: str, scripts: list[str]
) -> None:
    services.handlers["/api/articles/a-night-to-remember"] = article
    page = await client.get(path)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(rule.split(" ", 1) for rule in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert not re.search(r"<script>|<style|style=|\son\w+=|https?://", page.text)
    assert re.findall(r'src="/web/([^"]+)"', page.text) == scripts[:1]
    fields = re.findall(r'<(?:input|textarea) id="(\w+)"', page.text)
    assert all(f'<label for="{name}">' in page.text for name in fields)
    for script in scripts:
        source = (await client.get(f"/web/{script}")).text
        assert set(re.findall(r'from "\./([^"]+)"', source)) == set(scripts[1:]) - {script}
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|localStorage|eval\(", source)


async def test_health_lists_the_dependencies(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "checks": {
            "user_keys": "ok",
            "revoked_sessions": "ok",
            "orchestrator": "ok",
            "orders": "ok",
            "events": "ok",
            "inventory": "ok",
            "broker": "degraded",
        },
    }


async def test_concurrent_health_requests_probe_services_once(gateways: Gateways, services: Services) -> None:
    async with gateways(health_cache_seconds=60) as url, http_client(url) as http:
        reports = await asyncio.gather(*(http.get("/health") for _ in range(20)))
        assert services.probes == 4  # orders, events, orchestrator, and of it the inventory
        assert len({report.text for report in reports}) == 1


async def test_health_cache_expires(gateways: Gateways, services: Services) -> None:
    async with gateways(health_cache_seconds=0) as url, http_client(url) as http:
        await http.get("/health")
        await http.get("/health")
        assert services.probes == 8
