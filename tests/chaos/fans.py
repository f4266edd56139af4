"""Fans who call the gateway and retry until they get a response."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any, Final, Self

import httpx
from argon2 import PasswordHasher

from tests.contracts.databases import Databases
from tests.support.http_client import http_client
from tests.support.waiting import eventually

__all__ = ["CREDITS", "OTP", "PASSWORD", "Fan", "answered", "is_pending"]

CREDITS: Final = Decimal("5000.00")
OTP: Final = "123456"
"""The code that the sandbox always sends."""
PASSWORD: Final = "chaos-password-1"
PASSWORD_HASH: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)
# Far longer than a lease: a response that has not come by then never comes.
TIMEOUT_SECONDS: Final = 30.0
# Not final: still running (202), unavailable (503), timed out (504). A 409 with REQUEST_IN_PROGRESS is not final either.
PENDING: Final = frozenset({202, 503, 504})


class Fan:
    """A logged-in user: a fan with 5,000 credits, or a seeded account.

    A call's key is its idempotency key; calls without a key are the same when repeated.
    """

    def __init__(self, user_id: uuid.UUID, http: httpx.AsyncClient) -> None:
        self.user_id = user_id
        self._http = http

    @classmethod
    async def new(cls, databases: Databases, gateway_url: str) -> Self:
        user_id = await databases.new_fan(f"{CREDITS}", password_hash=PASSWORD_HASH)
        return await cls.log_in(gateway_url, f"{user_id}@example.com", PASSWORD)

    @classmethod
    async def log_in(cls, gateway_url: str, email: str, password: str) -> Self:
        async with AsyncExitStack() as on_failure:
            http = http_client(gateway_url, timeout_seconds=TIMEOUT_SECONDS)
            on_failure.push_async_callback(http.aclose)
            login = await http.post("/api/auth/login", json={"email": email, "password": password})
            login.raise_for_status()
            on_failure.pop_all()
        session = login.json()["data"]
        http.headers["authorization"] = f"Bearer {session['access_token']}"
        return cls(uuid.UUID(session["user"]["user_id"]), http)

    def at(self, gateway_url: str) -> Self:
        """Return the same user with the same session at another gateway."""
        http = http_client(gateway_url, headers=self._http.headers, timeout_seconds=TIMEOUT_SECONDS)
        return type(self)(self.user_id, http)

    @property
    def token(self) -> str:
        return self._http.headers["authorization"].removeprefix("Bearer ")

    async def aclose(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self._http.get(path, params=params)

    async def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self._http.post(path, json=body or {}, headers=headers)

    async def patch(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self._http.patch(path, json=body)

    async def delete(self, path: str) -> httpx.Response:
        return await self._http.delete(path)

    # --- orders ------------------------------------------------------------------------------------------------------

    async def reserve(self, event_id: uuid.UUID, seat_ids: list[uuid.UUID], *, key: str = "reserve") -> httpx.Response:
        body = {"event_id": str(event_id), "seat_ids": [str(seat_id) for seat_id in seat_ids]}
        return await self.post("/api/reserve", body, key=key)

    async def pay(self, order_id: uuid.UUID, *, key: str = "pay", at: str = "") -> httpx.Response:
        """Pay through the gateway, or at a given orchestrator."""
        return await self.post(f"{at}/api/pay", {"order_id": str(order_id)}, key=key)

    async def prove_payment(self, order_id: uuid.UUID, otp_code: str = OTP) -> httpx.Response:
        body = {"context": "purchase", "reference_id": str(order_id), "otp_code": otp_code}
        return await self.post("/api/verify-otp", body)

    async def cancel(self, order_id: uuid.UUID) -> httpx.Response:
        return await self.post(f"/api/orders/{order_id}/cancel", key="cancel")

    async def refund(
        self, order_id: uuid.UUID, *, seat_ids: Sequence[uuid.UUID] = (), key: str = "refund"
    ) -> httpx.Response:
        body = {"seat_ids": [f"{seat_id}" for seat_id in seat_ids]} if seat_ids else {}
        return await self.post(f"/api/orders/{order_id}/refund", body, key=key)

    # --- transfers ---------------------------------------------------------------------------------------------------

    async def offer(
        self, seat_id: uuid.UUID, *, seller_id: uuid.UUID, buyer_id: uuid.UUID, amount: Decimal, key: str = "offer"
    ) -> httpx.Response:
        """Begin a transfer, as either party."""
        body = {
            "seat_id": str(seat_id),
            "seller_user_id": str(seller_id),
            "buyer_user_id": str(buyer_id),
            "credits_amount": f"{amount:.2f}",
        }
        return await self.post("/api/transfer/initiate", body, key=key)

    async def confirm(self, transfer_id: uuid.UUID, otp_code: str = OTP, *, key: str = "") -> httpx.Response:
        return await self.post(
            "/api/transfer/confirm", {"transfer_id": str(transfer_id), "otp_code": otp_code}, key=key
        )

    async def cancel_transfer(self, transfer_id: uuid.UUID) -> httpx.Response:
        return await self.post("/api/transfer/cancel", {"transfer_id": str(transfer_id)})

    async def dispute(self, transfer_id: uuid.UUID, *, key: str = "dispute") -> httpx.Response:
        body = {"transfer_id": str(transfer_id), "reason": "I never agreed"}
        return await self.post("/api/transfer/dispute", body, key=key)

    async def decide(self, transfer_id: uuid.UUID, *, for_seller: bool, key: str = "decide") -> httpx.Response:
        """Reverse a disputed transfer or let it stand, as an admin."""
        decision = "reverse" if for_seller else "dismiss"
        return await self.post(f"/api/transfer/{decision}", {"transfer_id": str(transfer_id)}, key=key)

    # --- the marketplace ---------------------------------------------------------------------------------------------

    async def list_ticket(self, seat_id: uuid.UUID, price: Decimal, *, key: str = "list") -> httpx.Response:
        body = {"seat_id": str(seat_id), "asking_price": f"{price:.2f}"}
        return await self.post("/api/marketplace/list", body, key=key)

    async def withdraw(self, listing_id: uuid.UUID) -> httpx.Response:
        return await self.post("/api/marketplace/cancel", {"listing_id": str(listing_id)})

    async def buy(self, listing_id: uuid.UUID, *, key: str = "buy") -> httpx.Response:
        return await self.post("/api/marketplace/buy", {"listing_id": str(listing_id)}, key=key)

    async def prove_purchase(self, listing_id: uuid.UUID, otp_code: str = OTP) -> httpx.Response:
        body = {"context": "marketplace", "reference_id": str(listing_id), "otp_code": otp_code}
        return await self.post("/api/verify-otp", body)

    async def approve(self, listing_id: uuid.UUID, otp_code: str = OTP) -> httpx.Response:
        body = {"listing_id": str(listing_id), "otp_code": otp_code}
        return await self.post("/api/marketplace/approve", body)

    # --- check-in ----------------------------------------------------------------------------------------------------

    async def scan(self, qr_payload: str, *, hall_id: str, nonce: str) -> httpx.Response:
        """Scan a code, as staff."""
        return await self.post("/api/verify", {"qr_payload": qr_payload, "hall_id": hall_id, "nonce": nonce})

    async def undo_check_in(self, seat_id: uuid.UUID, *, hall_id: str, key: str) -> httpx.Response:
        """Withdraw an admission, as staff."""
        body = {"seat_id": f"{seat_id}", "hall_id": hall_id, "reason": "chaos"}
        return await self.post("/api/verify/undo", body, key=key)


async def answered(request: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Repeat a request until it gets a final response."""

    async def look() -> httpx.Response | None:
        try:
            response = await request()
        except httpx.TransportError:
            return None
        return None if is_pending(response) else response

    response = await eventually(look)
    assert response is not None
    return response


def is_pending(response: httpx.Response) -> bool:
    """Return whether a repetition will get another response."""
    return response.status_code in PENDING or "REQUEST_IN_PROGRESS" in response.text
