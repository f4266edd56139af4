"""A proxy before the gateway, which lets single requests fail: what clients of the API must survive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

__all__ = ["FaultyGateway", "faulty_gateway"]

OWN_HEADERS = {"content-length", "transfer-encoding", "content-encoding", "connection", "host"}


@dataclass
class FaultyGateway:
    """What happens to the requests of a path, in turn; requests without a fault pass.

    Faults: "lose reply" closes the connection after the gateway's answer, "unavailable" replaces it by 503, "limit"
    answers 429 in the gateway's place, "limit for long" does so with an hour's `Retry-After`.
    """

    upstream: str
    url: str = ""
    faults: dict[str, list[str]] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def times(self, path: str) -> int:
        return [each for each, _ in self.seen].count(path)

    def keys(self, path: str) -> set[str]:
        return {key for each, key in self.seen if each == path}

    async def forward(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.path, request.headers.get("Idempotency-Key", "")))
        faults = self.faults.get(request.path, [])
        fault = faults.pop(0) if faults else ""
        if fault.startswith("limit"):
            seconds = "3600" if fault == "limit for long" else "0"
            return _refusal(429, "RATE_LIMITED", {"Retry-After": seconds})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
        async with (
            aiohttp.ClientSession(self.upstream, connector=aiohttp.TCPConnector(force_close=True)) as http,
            http.request(request.method, request.path_qs, headers=headers, data=await request.read()) as answer,
        ):
            body = await answer.read()
            if fault == "lose reply" and request.transport:
                request.transport.abort()
            if fault == "unavailable":
                return _refusal(503, "SERVICE_UNAVAILABLE", {"Retry-After": "0"})
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OWN_HEADERS}
            return web.Response(status=answer.status, headers=kept, body=body)


@asynccontextmanager
async def faulty_gateway(upstream: str) -> AsyncIterator[FaultyGateway]:
    gateway = FaultyGateway(upstream)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.forward)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield gateway
    finally:
        await runner.cleanup()


def _refusal(status: int, code: str, headers: dict[str, str]) -> web.Response:
    body = {"success": False, "error_code": code, "message": "Please try again.", "correlation_id": "faulty-gateway"}
    return web.json_response(body, status=status, headers=headers)
