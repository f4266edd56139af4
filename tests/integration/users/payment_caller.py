"""Calls the payment routes as the orchestrator does."""

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import text

from common.messaging.message import Message
from tests.integration.users.user_client import LedgerCaller

Json = dict[str, Any]

MOVEMENTS_OF = text(
    """
    SELECT t.kind, e.account_kind, e.amount FROM ledger_transactions t JOIN ledger_entries e USING (transaction_id)
    WHERE t.reference = :payment_id ORDER BY e.entry_number
    """
)


@dataclass(frozen=True)
class PaymentCaller:
    """One payment of one user, and its provider's reports."""

    ledger: LedgerCaller
    user_id: uuid.UUID
    payment_id: uuid.UUID = field(default_factory=uuid.uuid4)
    provider: str = "stripe"
    amount: str = "50.00"
    currency: str = "sgd"

    @property
    def provider_payment_id(self) -> str:
        return f"pi_{self.payment_id.hex}"

    @property
    def http(self) -> httpx.AsyncClient:
        return self.ledger.http

    async def open(self, **more: object) -> httpx.Response:
        body = {
            "payment_id": self.payment_id,
            "user_id": self.user_id,
            "provider": self.provider,
            "purpose": "topup",
            "reference": "",
            "amount": self.amount,
            "currency": self.currency,
            **more,
        }
        return await self.ledger.post("/internal/payments", **body)

    async def attach(self, **more: object) -> httpx.Response:
        body = {"provider_payment_id": self.provider_payment_id, **more}
        return await self.ledger.post(f"/internal/payments/{self.payment_id}/attach", **body)

    async def report(self, status: str, **more: object) -> httpx.Response:
        """Report a status; all fields match the payment unless overridden."""
        body = {
            "provider": self.provider,
            "provider_payment_id": self.provider_payment_id,
            "status": status,
            "amount": self.amount,
            "currency": self.currency,
            "user_id": self.user_id,
            **more,
        }
        return await self.ledger.post("/internal/payments/events", **body)

    async def outcome(self, status: str, **more: object) -> str:
        """Report a status and return its outcome."""
        answer = await self.report(status, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["outcome"])

    async def reverse(self, reversal_id: str, status: str, amount: str, *, sequence: int, **more: object) -> str:
        """Report a refund or dispute and return the outcome."""
        reversal = {"reversal_id": reversal_id, "status": status, "amount": amount, "sequence": sequence}
        return await self.outcome("REFUNDED", amount=amount, user_id=None, reversal=reversal, **more)

    async def now(self) -> Json:
        answer = await self.http.get(f"/internal/payments/{self.payment_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def wallet(self) -> Decimal:
        return await self.ledger.wallet_of(self.user_id)

    async def movements(self) -> list[tuple[str, str, Decimal]]:
        """Return every entry of this payment: the movement's kind, the account's kind, and the amount."""
        rows = await self.ledger.database.fetch_all(MOVEMENTS_OF, {"payment_id": str(self.payment_id)})
        return sorted((row["kind"], row["account_kind"], row["amount"]) for row in rows)

    async def entries_of(self, kind: str) -> list[tuple[str, Decimal]]:
        """Return the entries of this payment's movements of one kind: the account's kind and the amount."""
        return [(account, amount) for found, account, amount in await self.movements() if found == kind]

    async def messages(self) -> list[Message]:
        """Return the messages about this payment, oldest first."""
        rows = await self.ledger.database.fetch_all(text("SELECT body FROM outbox ORDER BY created_at"))
        messages = [Message.from_bytes(bytes(row["body"])) for row in rows]
        return [message for message in messages if message.subject == str(self.payment_id)]


async def new_payment_caller(ledger: LedgerCaller, *, balance: str = "0.00", provider: str = "stripe") -> PaymentCaller:
    """Return a payment that is open and attached to its provider."""
    payment_caller = PaymentCaller(ledger, await ledger.open_wallet(balance), provider=provider)
    (await payment_caller.open()).raise_for_status()
    (await payment_caller.attach()).raise_for_status()
    return payment_caller


CREDIT = [("top_up", "external", Decimal("-50.00")), ("top_up", "wallet", Decimal("50.00"))]
