"""Calls that two fans make about one ticket."""

import uuid
from typing import Any, Final

import asyncpg

from devstack.stack import Stack
from tests.e2e.user_client import SANDBOX_OTP, ApiResponse, UserClient
from tests.support.http_client import http_client

WRONG_OTP: Final = "999999"


class DealCalls:
    """Calls of the transfer and marketplace API."""

    @staticmethod
    async def offer(
        caller: UserClient,
        seat_id: str,
        *,
        seller: UserClient,
        buyer: UserClient,
        credits_: str = "110.00",
        key: str | None = None,
    ) -> ApiResponse:
        body = {
            "seat_id": seat_id,
            "seller_user_id": seller.user_id,
            "buyer_user_id": buyer.user_id,
            "credits_amount": credits_,
        }
        return await caller.post("/transfer/initiate", body, key=key)

    @staticmethod
    async def confirm(
        caller: UserClient, transfer_id: str, otp_code: str = SANDBOX_OTP, *, key: str | None = None
    ) -> ApiResponse:
        return await caller.post("/transfer/confirm", {"transfer_id": transfer_id, "otp_code": otp_code}, key=key)

    @classmethod
    async def complete(
        cls, seat_id: str, *, seller: UserClient, buyer: UserClient, credits_: str = "110.00", key: str | None = None
    ) -> str:
        """Complete a transfer and return its id. The key is that of the last confirmation."""
        transfer_id = str(
            (await cls.offer(seller, seat_id, seller=seller, buyer=buyer, credits_=credits_)).data["transfer_id"]
        )
        assert (await cls.confirm(seller, transfer_id)).status == 200
        done = await cls.confirm(buyer, transfer_id, key=key)
        assert done.data["status"] == "COMPLETED", done.body
        return transfer_id

    @staticmethod
    async def list_ticket(
        seller: UserClient, seat_id: str, price: str = "110.00", *, key: str | None = None
    ) -> ApiResponse:
        return await seller.post("/marketplace/list", {"seat_id": seat_id, "asking_price": price}, key=key)

    @staticmethod
    async def buy(buyer: UserClient, listing_id: str, *, key: str | None = None) -> ApiResponse:
        return await buyer.post("/marketplace/buy", {"listing_id": listing_id}, key=key)

    @staticmethod
    async def prove_purchase(buyer: UserClient, listing_id: str, otp_code: str = SANDBOX_OTP) -> ApiResponse:
        body = {"otp_code": otp_code, "context": "marketplace", "reference_id": listing_id}
        return await buyer.post("/verify-otp", body)

    @staticmethod
    async def approve(
        seller: UserClient, listing_id: str, otp_code: str = SANDBOX_OTP, *, key: str | None = None
    ) -> ApiResponse:
        body = {"listing_id": listing_id, "otp_code": otp_code}
        return await seller.post("/marketplace/approve", body, key=key)


async def expire_wait(platform: Stack, saga_id: str) -> None:
    """Make the saga's wait expire now."""
    connection = await asyncpg.connect(platform.urls.databases["orchestrator"].replace("+asyncpg", ""))
    try:
        await connection.execute("UPDATE sagas SET due_at = now() WHERE saga_id = $1", uuid.UUID(saga_id))
    finally:
        await connection.close()


async def sandbox_fault(platform: Stack, path: str | None, **fault: Any) -> None:
    """Make calls of one sandbox path fail; with no path, remove all faults."""
    async with http_client(platform.urls.sandbox) as sandbox:
        if path is None:
            response = await sandbox.delete("/control/faults")
        else:
            response = await sandbox.post("/control/faults", json={"path": path} | fault)
        assert response.is_success, response.text
