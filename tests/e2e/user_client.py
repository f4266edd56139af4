"""Users who call the platform through the gateway, as a browser does."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from devstack.seed import PASSWORD
from devstack.stack import Stack
from tests.support.http_client import http_client
from tests.support.waiting import eventually

__all__ = ["USER_PASSWORD", "ApiResponse", "Concert", "UserClient"]

SANDBOX_OTP = "123456"
VERIFY_LINK = re.compile(r"/verify-email#token=([\w-]+)")
USER_PASSWORD = "a long password"


@dataclass(frozen=True)
class ApiResponse:
    """A response of the API: its status, body and headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        assert self.body["success"], self.body
        return self.body["data"]

    @property
    def code(self) -> str:
        return str(self.body.get("error_code"))

    def refused(self) -> tuple[int, str]:
        """Return status and code of an error response, and check its form."""
        assert self.body["success"] is False, self.body
        assert self.body["correlation_id"] == self.headers["x-correlation-id"]
        assert self.body["message"]
        return self.status, self.code


class UserClient:
    """A user with an access token, or an anonymous one."""

    def __init__(self, stack: Stack, token: str = "", user_id: str = "", email: str = "") -> None:
        self._stack = stack
        self.token = token
        self.user_id = user_id
        self.email = email
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = http_client(stack.urls.gateway, headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> ApiResponse:
        return _response(await self._http.get(f"/api{path}", params=params))

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> ApiResponse:
        own = {"idempotency-key": key} if key else {}
        return _response(await self._http.post(f"/api{path}", json=body or {}, headers=own | headers))

    async def patch(self, path: str, body: Any) -> ApiResponse:
        return _response(await self._http.patch(f"/api{path}", json=body))

    async def delete(self, path: str) -> int:
        """Send DELETE, and return the status; a success has no body."""
        return (await self._http.delete(f"/api{path}")).status_code

    async def delete_account(self, password: str = USER_PASSWORD, **more: bool) -> ApiResponse:
        return await self.call("DELETE", "/users/me", {"current_password": password, **more})

    async def call(self, method: str, path: str, body: Any) -> ApiResponse:
        return _response(await self._http.request(method, f"/api{path}", json=body))

    async def send(self, path: str, content: bytes, **headers: str) -> ApiResponse:
        """Post bytes that need not be JSON."""
        own = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return _response(await self._http.post(f"/api{path}", content=content, headers=own))

    async def log_in(self, email: str, password: str = PASSWORD) -> "UserClient":
        session = (await self.post("/auth/login", {"email": email, "password": password})).data
        return UserClient(self._stack, session["access_token"], session["user"]["user_id"], email)

    async def register(self, *, balance: str = "0") -> "UserClient":
        """Register a new fan with a verified phone and this balance."""
        email = f"fan-{uuid.uuid4().hex[:12]}@example.com"
        account = {"email": email, "phone": f"+658{uuid.uuid4().int % 10**11:011}", "password": USER_PASSWORD}
        user_id = (await self.post("/auth/register", account)).data["user_id"]
        proof = {"user_id": user_id, "otp_code": SANDBOX_OTP}
        token = (await self.post("/auth/verify-registration", proof)).data["access_token"]
        fan = UserClient(self._stack, token, user_id, email)
        if balance != "0":
            await fan.top_up(balance)
        return fan

    async def prove_email(self) -> None:
        """Use the link in the email that a new user gets."""
        async with http_client(self._stack.urls.sandbox) as sandbox:

            async def token() -> str:
                emails = (await sandbox.get("/control/mail", params={"to": self.email})).json()
                return next((link[1] for email in emails if (link := VERIFY_LINK.search(email["text"]))), "")

            body = {"token": await eventually(token)}
        assert (await self.post("/auth/verify-email", body)).status == 200

    async def top_up(self, amount: str) -> None:
        """Get credits from the sandbox's ledger."""
        async with http_client(self._stack.urls.sandbox) as sandbox:
            topped_up = await sandbox.post("/topups", json={"user_id": self.user_id, "amount": amount})
            assert topped_up.is_success, topped_up.text

    async def balance(self) -> str:
        return str((await self.get("/credits/balance")).data["credit_balance"])

    async def reserve(self, event_id: str, *seat_ids: str, key: str | None = None) -> ApiResponse:
        return await self.post("/reserve", {"event_id": event_id, "seat_ids": list(seat_ids)}, key=key)

    async def pay(self, order_id: str, key: str | None = None) -> ApiResponse:
        return await self.post("/pay", {"order_id": order_id}, key=key)


@dataclass(frozen=True)
class Concert:
    """An event of one test, with one row of seats per category."""

    event_id: str
    seats: Mapping[str, tuple[str, ...]]
    """Seat ids by category, in row order."""


def _response(response: httpx.Response) -> ApiResponse:
    return ApiResponse(response.status_code, response.json(), response.headers)
