"""A stub of the users service for text messages: over HTTP, on a real socket."""

from typing import Any, Self

from aiohttp import web
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.http.client import ServiceClient
from common.settings import DEV_SERVICE_TOKEN_SECRET


def users_at(url: str) -> ServiceClient:
    tokens = ServiceTokens(service="orchestrator", secret=SecretStr(DEV_SERVICE_TOKEN_SECRET))
    return ServiceClient(callee="users", base_url=url, tokens=tokens)


class UsersStub:
    """Accepts text messages, or refuses them; `client` exists while it is open."""

    client: ServiceClient

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_post("/internal/sms", self._receive)
        self._runner = web.AppRunner(app)
        self.refuse(200, "")

    def refuse(self, status: int, code: str) -> None:
        self._status, self._code = status, code

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.client = users_at(f"http://127.0.0.1:{self._runner.addresses[0][1]}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        self.calls.append(await request.json())
        body = {"success": True, "data": {}} if not self._code else {"error_code": self._code, "message": "no"}
        return web.json_response(body, status=self._status)
