"""No client reuses a connection that its server is about to close: the request would fail, and a POST is not repeated."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from fastapi import FastAPI

from common.http.client import IDLE_SECONDS
from devstack.home import ROOT

PRODUCT: Final = ("common", "devstack", "events", "gateway", "inventory", "orchestrator", "orders", "users")
# The classes that open connections, and their arguments that bound the idle time.
BOUNDS: Final = {
    "AIOHTTPClient": {"connector"},
    "AiohttpTransport": {"limits"},
    "ClientSession": {"connector"},
    "TCPConnector": {"force_close", "keepalive_timeout"},
    "httpx.AsyncClient": {"limits", "transport"},
    "httpx.Client": {"limits", "transport"},
}
MARGIN_SECONDS: Final = 1.0


def clients_in(source: str) -> Iterator[tuple[str, set[str]]]:
    """Yield every client that is created, with the names of its arguments."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).removeprefix("aiohttp.").removeprefix("stripe.")
            if name in BOUNDS:
                yield name, {keyword.arg or "" for keyword in node.keywords}


def without_bound(files: Iterator[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name, arguments in clients_in(file.read_text())
        if not arguments & BOUNDS[name]
    ]


@pytest.mark.parametrize("package", [*PRODUCT, "sdk", "tests"])
def test_every_client_bounds_the_idle_time_of_its_connections(package: str) -> None:
    assert without_bound((ROOT / package).rglob("*.py")) == []


def test_client_without_a_bound_is_detected() -> None:
    assert list(clients_in("import httpx\nhttpx.AsyncClient(timeout=1)")) == [("httpx.AsyncClient", {"timeout"})]


def test_services_keep_an_idle_connection_longer_than_their_callers() -> None:
    assert uvicorn.Config(FastAPI()).timeout_keep_alive >= IDLE_SECONDS + MARGIN_SECONDS
