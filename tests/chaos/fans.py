"""Fans, who buy through the gateway and ask again when they get no answer."""

import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final, Self

import httpx
from argon2 import PasswordHasher

from tests.contracts.world import World
from tests.support.waiting import eventually

__all__ = ["CREDITS", "Fan", "answered"]

CREDITS: Final = Decimal("5000.00")
PASSWORD: Final = "chaos-password-1"
PASSWORD_HASH: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)
# Far beyond a lease: whoever has no answer by then never gets one.
ANSWER_SECONDS: Final = 40.0
TIMEOUT_SECONDS: Final = 30.0
# No answer yet: it goes on (202), somebody works on it (409), nobody could be reached (503), no answer came (504).
PENDING: Final = frozenset({202, 503, 504})


class Fan:
    """A fan with 5,000 credits who is logged in."""

    def __init__(self, user_id: uuid.UUID, http: httpx.AsyncClient) -> None:
        self.user_id = user_id
        self._http = http

    @classmethod
    async def new(cls, world: World, gateway_url: str) -> Self:
        user_id = await world.new_fan(f"{CREDITS}", password_hash=PASSWORD_HASH)
        http = httpx.AsyncClient(base_url=gateway_url, timeout=TIMEOUT_SECONDS, trust_env=False)
        body = {"email": f"{user_id}@example.com", "password": PASSWORD}
        login = await http.post("/api/auth/login", json=body)
        login.raise_for_status()
        http.headers["authorization"] = f"Bearer {login.json()['data']['access_token']}"
        return cls(user_id, http)

    async def close(self) -> None:
        await self._http.aclose()

    async def reserve(self, event_id: uuid.UUID, seat_ids: list[uuid.UUID], *, key: str = "reserve") -> httpx.Response:
        body = {"event_id": str(event_id), "seat_ids": [str(seat_id) for seat_id in seat_ids]}
        return await self._post("/api/reserve", body, key=key)

    async def pay(self, order_id: uuid.UUID, *, key: str = "pay", at: str = "") -> httpx.Response:
        """Pay, through the gateway or at an orchestrator of one's choice."""
        return await self._post(f"{at}/api/pay", {"order_id": str(order_id)}, key=key)

    async def cancel(self, order_id: uuid.UUID) -> httpx.Response:
        return await self._post(f"/api/orders/{order_id}/cancel", {}, key="cancel")

    async def _post(self, path: str, body: dict[str, Any], *, key: str) -> httpx.Response:
        return await self._http.post(path, json=body, headers={"Idempotency-Key": key})


async def answered(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask the same again until there is an answer that stays."""

    async def look() -> httpx.Response | None:
        try:
            response = await ask()
        except httpx.TransportError:
            return None
        is_pending = response.status_code in PENDING or "REQUEST_IN_PROGRESS" in response.text
        return None if is_pending else response

    response = await eventually(look, within_seconds=ANSWER_SECONDS)
    assert response is not None
    return response
