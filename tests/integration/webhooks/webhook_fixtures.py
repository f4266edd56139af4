"""Fans who buy credits, providers that send webhooks, and admins who read the log."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

from common.db.engine import Database
from orchestrator.settings import WorkerSettings
from tests.integration.users.user_client import LoggedInUser
from tests.support.signing import (
    as_bytes,
    nowpayments_signature,
    stripe_event,
    stripe_signature,
    supplier_signature,
)
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Fan:
    """A user who buys credits, or an admin who reads the log."""

    user: LoggedInUser
    http: httpx.AsyncClient
    users: httpx.AsyncClient

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = self.user.headers | ({"idempotency-key": key} if key else {})
        return await self.http.post(f"/api{path}", json=body or {}, headers=headers)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(f"/api{path}", params=params, headers=self.user.headers)

    async def top_up(self, amount: str = "50.00", *, key: str | None = None) -> dict[str, Any]:
        answer = await self.post("/credits/topup", {"amount": amount}, key=key)
        assert answer.status_code == httpx.codes.OK, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data | {"intent_id": data["client_secret"].partition("_secret_")[0]}

    async def pay_by_crypto(self, amount: str = "45.00", *, key: str | None = None) -> dict[str, Any]:
        wanted = {"purpose": "topup", "amount": amount, "pay_currency": "btc"}
        answer = await self.post("/payments/crypto", wanted, key=key)
        assert answer.status_code == httpx.codes.OK, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def balance(self) -> str:
        answer = await self.users.get("/api/credits/balance", headers=self.user.headers)
        return str(answer.json()["data"]["credit_balance"])

    async def payment(self, payment_id: str) -> dict[str, Any]:
        answer = await self.users.get(f"/api/payments/{payment_id}", headers=self.user.headers)
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def has(self, balance: str) -> None:
        async def look() -> bool:
            assert await self.balance() == balance
            return True

        await eventually(look)


@dataclass(frozen=True)
class WebhookHarness:
    """The orchestrator, its worker, its database, and the providers' side of it."""

    http: httpx.AsyncClient
    sandbox: httpx.AsyncClient
    database: Database
    users_database: Database
    settings: WorkerSettings

    # --- providers ---------------------------------------------------------------------------------------------------

    async def send(self, provider: str, body: bytes, signature: str | None, *, header: str = "") -> httpx.Response:
        usual = {"stripe": "stripe-signature", "nowpayments": "x-nowpayments-sig", "kinguin": "x-kinguin-signature"}
        headers = {} if signature is None else {header or usual[provider]: signature}
        return await self.http.post(f"/api/webhooks/{provider}", content=body, headers=headers)

    async def notify_by_stripe(self, event: Mapping[str, Any], *, seconds_ago: float = 0) -> httpx.Response:
        body = as_bytes(event)
        signature = stripe_signature(body, seconds_ago=seconds_ago, secret=self.settings.stripe_webhook_secret)
        return await self.send("stripe", body, signature)

    async def notify_by_nowpayments(self, notice: Mapping[str, Any]) -> httpx.Response:
        signature = nowpayments_signature(dict(notice), self.settings.nowpayments_ipn_secret)
        return await self.send("nowpayments", as_bytes(notice), signature)

    async def notify_by_supplier(self, notice: Mapping[str, Any]) -> httpx.Response:
        body = as_bytes(notice)
        return await self.send("kinguin", body, supplier_signature(body, self.settings.supplier_webhook_secret))

    async def control(self, path: str, /, **body: Any) -> Any:
        answer = await self.sandbox.post(f"/control{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def cancel_jobs(self) -> None:
        """Cancel all queued jobs before the next test; running ones finish."""
        await self.database.execute(
            text("UPDATE jobs SET status = 'cancelled', finished_at = now() WHERE status IN ('queued', 'retrying')")
        )

    # --- the log -----------------------------------------------------------------------------------------------------

    async def logged(self, external_id: str) -> dict[str, Any] | None:
        statement = text("SELECT * FROM webhook_log WHERE external_id = :external_id")
        row = await self.database.fetch_one(statement, {"external_id": external_id})
        return dict(row) if row else None

    async def ends(self, external_id: str, status: str) -> dict[str, Any]:
        """Wait until a webhook has this status."""

        async def look() -> dict[str, Any]:
            row = await self.logged(external_id)
            assert row is not None
            assert row["status"] == status, f"{row['status']} {row['outcome']} {row['error']}"
            return row

        return await eventually(look)

    async def announced(self) -> list[dict[str, Any]]:
        """Return what admins are told of webhooks."""
        statement = "SELECT convert_from(body, 'UTF8')::jsonb -> 'data' AS data FROM outbox WHERE routing_key = :kind"
        return [row["data"] for row in await self.database.fetch_all(text(statement), {"kind": "webhook.received"})]

    async def counts(self) -> Mapping[str, int]:
        """Return the number of webhooks and of their jobs."""
        found = {}
        for name, statement in {
            "webhooks": "SELECT count(*) AS n FROM webhook_log",
            "jobs": "SELECT count(*) AS n FROM jobs WHERE kind = 'webhook'",
        }.items():
            row = await self.database.fetch_one(text(statement))
            found[name] = row["n"] if row else 0
        return found

    async def movements(self, payment_id: str) -> int:
        """Return the number of ledger transactions of a payment."""
        row = await self.users_database.fetch_one(
            text("SELECT count(*) AS n FROM ledger_transactions WHERE reference = :reference"),
            {"reference": payment_id},
        )
        return int(row["n"]) if row else 0

    async def clear_attachment(self, payment_id: str) -> None:
        """Remove the stored provider id of a payment."""
        await self.users_database.execute(
            text("UPDATE payments SET provider_payment_id = NULL WHERE payment_id = :payment_id"),
            {"payment_id": uuid.UUID(payment_id)},
        )

    async def rename(self, payment_id: str, provider_payment_id: str) -> None:
        """Change the stored provider id of a payment."""
        await self.users_database.execute(
            text("UPDATE payments SET provider_payment_id = :name WHERE payment_id = :payment_id"),
            {"name": provider_payment_id, "payment_id": uuid.UUID(payment_id)},
        )

    async def payments_with(self, payment_id: str) -> Sequence[Mapping[str, Any]]:
        return await self.users_database.fetch_all(
            text("SELECT * FROM payments WHERE payment_id = :payment_id"), {"payment_id": uuid.UUID(payment_id)}
        )

    async def payments_of(self, user_id: uuid.UUID) -> Sequence[Mapping[str, Any]]:
        return await self.users_database.fetch_all(
            text("SELECT * FROM payments WHERE user_id = :user_id ORDER BY created_at"), {"user_id": user_id}
        )


def intent(top_up: Mapping[str, Any], fan: Fan, **changes: Any) -> dict[str, Any]:
    """Return the PaymentIntent of a top-up as Stripe reports it."""
    cents = int(float(top_up["amount"]) * 100)
    reported = {
        "id": top_up["intent_id"],
        "object": "payment_intent",
        "amount": cents,
        "amount_received": cents,
        "client_secret": top_up["client_secret"],
        "created": 1_795_000_000,
        "currency": "sgd",
        "metadata": {"payment_id": top_up["payment_id"], "user_id": str(fan.user.user_id)},
        "status": "succeeded",
    }
    return reported | changes


def success(top_up: Mapping[str, Any], fan: Fan, *, event_id: str, **changes: Any) -> dict[str, Any]:
    return stripe_event("payment_intent.succeeded", intent(top_up, fan, **changes), id=event_id)


def event_id() -> str:
    return f"evt_{uuid.uuid4().hex}"


async def statuses(*calls: Any) -> Counter[int]:
    """Send the calls concurrently and count their status codes."""
    return Counter(answer.status_code for answer in await asyncio.gather(*calls))
