"""Scan QR codes as staff, and build codes of any age for any seat."""

import base64
import json
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devstack.database import connected
from devstack.home import Home
from devstack.keys import keys_of
from devstack.stack import Stack
from tests.e2e.user_client import ApiResponse, Concert, UserClient


@dataclass(frozen=True)
class Ticket:
    """The ticket that a code claims: a seat, its event and its owner."""

    event_id: str
    seat_id: str
    user_id: str


async def buy(fan: UserClient, concert: Concert, seat_id: str) -> Ticket:
    order_id = (await fan.reserve(concert.event_id, seat_id)).data["order_id"]
    assert (await fan.pay(order_id)).status == 200
    return Ticket(concert.event_id, seat_id, fan.user_id)


async def end_event(platform: Stack, event_id: str) -> None:
    """Move an event into the past, which no request can."""
    statement = """
        UPDATE events SET event_date = now() - interval '3 hours', doors_open_at = NULL,
            ends_at = now() - interval '1 second'
        WHERE event_id = CAST($1 AS uuid)
    """
    async with connected(platform.urls.databases["events"]) as connection:
        await connection.execute(statement, event_id)


class ScannerClient:
    """A scanner in HALL-A, used by staff, and an admin who reads the scan log."""

    def __init__(self, platform: Stack, staff: UserClient, admin: UserClient) -> None:
        self._platform = platform
        self.staff = staff
        self.admin = admin

    async def scan(
        self, payload: str, *, by: UserClient | None = None, hall: str | None = "HALL-A", **more: Any
    ) -> ApiResponse:
        body = {"qr_payload": payload} | ({"hall_id": hall} if hall else {}) | more
        return await (by or self.staff).post("/verify", body)

    async def undo(
        self, seat_id: str, *, by: UserClient | None = None, key: str | None = None, **more: Any
    ) -> ApiResponse:
        body = {"seat_id": seat_id, "reason": "scanned by mistake"} | more
        return await (by or self.staff).post("/verify/undo", body, key=key)

    async def result_of(self, payload: str, **scan: Any) -> str:
        return str((await self.scan(payload, **scan)).data["result"])

    async def scans_of(self, event_id: str) -> list[dict[str, Any]]:
        """Return an event's scans, newest first."""
        log: list[dict[str, Any]] = (await self.admin.get(f"/admin/events/{event_id}/scans", per_page=100)).data
        return log

    async def unmatched_scans(self) -> list[dict[str, Any]]:
        """Return the latest scans that match no event, newest first."""
        unmatched_scans: list[dict[str, Any]] = (await self.admin.get("/admin/scans", per_page=100)).data
        return unmatched_scans

    def code_for(self, ticket: Ticket, *, age: timedelta = timedelta(0)) -> str:
        """Return a payload under the platform's key, built from the contract rather than by the product's code."""
        key_id, _, encoded = keys_of(Home(self._platform.home)).qr_keys.partition(",")[0].partition(":")
        key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        event_data = {
            "seat_id": ticket.seat_id,
            "user_id": ticket.user_id,
            "event_id": ticket.event_id,
            "hall_id": "HALL-A",
            "generated_at": (datetime.now(UTC) - age).isoformat(),
        }
        nonce = os.urandom(12)
        sealed = AESGCM(key).encrypt(nonce, json.dumps(event_data).encode(), key_id.encode())
        return base64.urlsafe_b64encode(key_id.encode() + nonce + sealed).rstrip(b"=").decode()


def new_nonce() -> str:
    return uuid.uuid4().hex
