"""The ledger of the users service."""

import uuid
from collections.abc import Mapping
from decimal import Decimal

from common.http.client import ServiceClient
from orchestrator.clients.models import Charge
from orchestrator.saga_engine.plan import Call

__all__ = ["EventRevenue", "LedgerClient"]


class LedgerClient:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def charge(
        self, call: Call, *, user_id: uuid.UUID, event_id: uuid.UUID, amount: Decimal, reference: uuid.UUID
    ) -> Charge:
        """Debit the wallet. Too little in it: INSUFFICIENT_CREDITS; a flagged user without a proof: OTP_REQUIRED."""
        answer = await self._users.post(
            "/internal/ledger/deduct",
            {
                "request_id": call.request_id,
                "user_id": user_id,
                "event_id": event_id,
                "amount": f"{amount:.2f}",
                "reference": str(reference),
            },
        )
        return Charge.model_validate(answer)

    async def refund(self, call: Call) -> None:
        """Give back what was charged by the action that the call undoes, if anything was."""
        await self._users.post(
            "/internal/ledger/refund",
            {
                "request_id": call.request_id,
                "undoes_request_id": call.undoes_request_id,
                "reason": call.reason,
            },
        )

    async def pay_back(
        self, call: Call, *, charge_request_id: uuid.UUID, recipients: Mapping[uuid.UUID, Decimal], reason: str
    ) -> None:
        """Reverse a charge in favour of the recipients, who get all of it between them."""
        await self._users.post(
            "/internal/ledger/refund",
            {
                "request_id": call.request_id,
                "undoes_request_id": charge_request_id,
                "reason": reason,
                "recipients": [
                    {"user_id": user_id, "amount": f"{amount:.2f}"} for user_id, amount in sorted(recipients.items())
                ],
            },
        )

    async def hold_escrow(self, call: Call, *, user_id: uuid.UUID, amount: Decimal, reference: uuid.UUID) -> uuid.UUID:
        """Set credits aside and return the escrow's id. Too few: INSUFFICIENT_CREDITS."""
        answer = await self._users.post(
            "/internal/ledger/escrow/hold",
            {
                "request_id": call.request_id,
                "user_id": user_id,
                "amount": f"{amount:.2f}",
                "reference": str(reference),
            },
        )
        return uuid.UUID(answer["escrow_id"])

    async def void_escrow(self, call: Call) -> None:
        """Give back what was set aside by the action that the call undoes, if anything was."""
        await self._users.post(
            "/internal/ledger/escrow/void",
            {"request_id": call.request_id, "undoes_request_id": call.undoes_request_id},
        )

    async def release_escrow(self, call: Call, *, escrow_id: uuid.UUID, to_user_id: uuid.UUID) -> None:
        await self._users.post(
            "/internal/ledger/escrow/release",
            {"request_id": call.request_id, "escrow_id": escrow_id, "to_user_id": to_user_id},
        )

    async def claw_back(
        self,
        call: Call,
        *,
        from_user_id: uuid.UUID,
        to_user_id: uuid.UUID,
        amount: Decimal,
        reference: uuid.UUID,
    ) -> Decimal:
        """Move credits whether they are there or not, and return how many were not: those are owed from now on."""
        answer = await self._users.post(
            "/internal/ledger/clawback",
            {
                "request_id": call.request_id,
                "from_user_id": from_user_id,
                "to_user_id": to_user_id,
                "amount": f"{amount:.2f}",
                "reference": str(reference),
            },
        )
        return Decimal(answer["shortfall"])


class EventRevenue:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def of(self, event_id: uuid.UUID) -> Decimal:
        """Return an event's revenue: what was charged less what was given back."""
        answer = await self._users.get(f"/internal/ledger/revenue/{event_id}")
        return Decimal(answer["revenue"])
