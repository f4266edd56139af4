"""A fan with a phone and a browser: everything goes through the gateway, but for the OTP the phone receives."""

from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import httpx

from devstack.demo.telling import DemoFailedError
from devstack.services import Urls

__all__ = ["Fan", "Refusal"]

PASSWORD: Final = "demo-password-1"  # noqa: S105 - an account that lives as long as the demo
TIMEOUT_SECONDS: Final = 20.0


class Refusal(DemoFailedError):
    """The platform said no: a refusal that nobody expected fails the demo."""

    def __init__(self, request: httpx.Request, response: httpx.Response) -> None:
        body = response.json() if "json" in response.headers.get("content-type", "") else {}
        self.status = response.status_code
        self.code = body.get("error_code")
        said = self.code or response.text[:200]
        super().__init__(f"{request.method} {request.url.path} was answered with {self.status} {said}")


class Fan:
    def __init__(self, name: str, urls: Urls) -> None:
        self.name = name
        self.user_id = ""
        self._mobile = f"+65{uuid4().int % 10**8:08d}"
        self._email = f"{name.lower()}.{uuid4().hex[:8]}@example.com"
        # No proxy from the environment: all of it is on this machine.
        self._gateway = httpx.Client(base_url=f"{urls.gateway}/api", timeout=TIMEOUT_SECONDS, trust_env=False)
        self._sandbox = httpx.Client(base_url=urls.sandbox, timeout=TIMEOUT_SECONDS, trust_env=False)

    def close(self) -> None:
        self._gateway.close()
        self._sandbox.close()

    def register(self) -> str:
        """Open an account and verify the phone; return the code the phone received."""
        body = {"email": self._email, "phone": self._mobile, "password": PASSWORD}
        self.user_id = self._post("/auth/register", body)["user_id"]
        code = self._received_code()
        verified = self._post("/auth/verify-registration", {"user_id": self.user_id, "otp_code": code})
        self._gateway.headers["Authorization"] = f"Bearer {verified['access_token']}"
        return code

    def top_up(self, amount: str) -> None:
        _data(self._sandbox.post("/topups", json={"user_id": self.user_id, "amount": amount}))

    def balance(self) -> Decimal:
        return Decimal(self._get("/credits/balance")["credit_balance"])

    def events(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self._get("/events")
        return listed

    def event(self, event_id: str) -> dict[str, Any]:
        return self._object(f"/events/{event_id}", include_seats="true")

    def reserve(self, event_id: str, seat_ids: list[str]) -> dict[str, Any]:
        return self._post("/reserve", {"event_id": event_id, "seat_ids": seat_ids})

    def pay(self, order_id: str) -> dict[str, Any]:
        return self._post("/pay", {"order_id": order_id})

    def order(self, order_id: str) -> dict[str, Any]:
        return self._object(f"/orders/{order_id}")

    def tickets(self) -> list[dict[str, Any]]:
        owned: list[dict[str, Any]] = self._get("/tickets")
        return owned

    def qr(self, seat_id: str) -> dict[str, Any]:
        return self._object(f"/tickets/{seat_id}/qr")

    def _received_code(self) -> str:
        received = self._sandbox.get("/control/sent", params={"mobile": self._mobile}).json()
        if not received:
            raise DemoFailedError(f"expected an OTP on {self._mobile}, but none came")
        return str(received[-1]["text"])

    def _object(self, path: str, **params: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(path, **params)
        return found

    def _get(self, path: str, **params: str) -> Any:
        return _data(self._gateway.get(path, params=params))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = _data(self._gateway.post(path, json=body, headers={"Idempotency-Key": str(uuid4())}))
        return answer


def _data(response: httpx.Response) -> Any:
    if response.is_error:
        raise Refusal(response.request, response)
    return response.json()["data"]
