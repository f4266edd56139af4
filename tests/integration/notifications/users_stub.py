"""A stub of the users service for text messages and emails about accounts: over HTTP, on a real socket."""

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
    """Accepts text messages, or refuses them; describes emails about accounts. `client` exists while it is open."""

    client: ServiceClient

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.account_emails: dict[str, dict[str, Any]] = {}
        app = web.Application()
        app.router.add_post("/internal/sms", self._receive)
        app.router.add_get("/internal/email-links/{link_id}", self._describe)
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

    async def _describe(self, request: web.Request) -> web.Response:
        email = self.account_emails.get(request.match_info["link_id"])
        if email is None:
            return web.json_response({"error_code": "NOT_FOUND", "message": "no"}, status=404)
        return web.json_response({"success": True, "data": email})
