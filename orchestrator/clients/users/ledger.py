"""The ledger of the users service."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money
from orchestrator.clients.calls import post
from orchestrator.clients.models import Charge
from orchestrator.saga_engine.plan import Call


class Payout(BaseModel):
    """What a payout paid; the amount is zero if nothing was pending."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    payout_id: uuid.UUID
    amount: Money
    items: int


class DuePayout(BaseModel):
    """`payouts` is the number of the performer's payouts so far: the id of the next one's saga derives from it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    performer_user_id: uuid.UUID
    payouts: int


class LedgerClient:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def charge(
        self, call: Call, *, user_id: uuid.UUID, event_id: uuid.UUID, amount: Decimal, reference: uuid.UUID
    ) -> Charge:
        """Debit the wallet. Too little credit: INSUFFICIENT_CREDITS; a flagged user without proof: OTP_REQUIRED."""
        facts = {"user_id": user_id, "event_id": event_id, "amount": f"{amount:.2f}", "reference": str(reference)}
        return Charge.model_validate(await self._post("deduct", call, **facts))

    async def refund(self, call: Call) -> None:
        """Refund what the undone action charged, if anything."""
        await self._post("refund", call, reason=call.reason)

    async def refund_to(
        self, call: Call, *, charge_request_id: uuid.UUID, recipients: Mapping[uuid.UUID, Decimal], reason: str
    ) -> None:
        """Refund a charge to the recipients; their amounts add up to the charge."""
        shares = _shares(recipients)
        await self._post("refund", call, undoes_request_id=charge_request_id, reason=reason, recipients=shares)

    async def refund_part(
        self, call: Call, *, charge_request_id: uuid.UUID, shares: Mapping[uuid.UUID, Decimal], reason: str
    ) -> None:
        """Refund a part of a charge. All parts are at most the charge; not after a whole refund: UNDO_MISMATCH."""
        facts = {"charge_request_id": charge_request_id, "reason": reason, "shares": _shares(shares)}
        await self._post("refund-part", call, **facts)

    async def check_may_spend(self, user_id: uuid.UUID, *, reference: uuid.UUID) -> None:
        """Refuse what a charge would refuse of a flagged user without proof (OTP_REQUIRED), or of a suspended one."""
        await self._users.get(f"/internal/ledger/spending/{user_id}", {"reference": str(reference)})

    async def hold_escrow(
        self,
        call: Call,
        *,
        user_id: uuid.UUID,
        amount: Decimal,
        reference: uuid.UUID,
        proof_reference: uuid.UUID | None = None,
        purpose: str | None = None,
    ) -> uuid.UUID:
        """Set credits aside and return the escrow's id. Too few: INSUFFICIENT_CREDITS.

        A flagged user needs a verified code for `proof_reference`, or else for `reference`: OTP_REQUIRED.

        Args:
            purpose: what the credits are for, such as `tip_grid_item`; none for a sale between fans.
        """
        facts = {"user_id": user_id, "amount": f"{amount:.2f}", "reference": str(reference)}
        if proof_reference is not None:
            facts["proof_reference"] = str(proof_reference)
        if purpose is not None:
            facts["purpose"] = purpose
        return uuid.UUID((await self._post("escrow/hold", call, **facts))["escrow_id"])

    async def void_escrow(self, call: Call) -> None:
        """Return what the undone action set aside, if anything."""
        await self._post("escrow/void", call)

    async def release_escrow(self, call: Call, *, escrow_id: uuid.UUID, to_user_id: uuid.UUID) -> None:
        await self._post("escrow/release", call, escrow_id=escrow_id, to_user_id=to_user_id)

    async def pay_performer(
        self,
        call: Call,
        *,
        escrow_id: uuid.UUID,
        performer_user_id: uuid.UUID,
        item_id: uuid.UUID,
        is_batched: bool,
        bonus_points: int,
    ) -> None:
        """Pay an escrow to a performer's wallet, or to their pending earnings, and award the buyer's points with it.

        A performer who is unknown, deleted or suspended, or who has lost the role: PERFORMER_NOT_FOUND.
        """
        facts = {"escrow_id": escrow_id, "performer_user_id": performer_user_id, "item_id": item_id}
        await self._post("escrow/pay", call, **facts, is_batched=is_batched, bonus_points=bonus_points)

    async def collect_escrow(
        self, call: Call, *, escrow_id: uuid.UUID, account: str, amount: Decimal | None = None
    ) -> None:
        """Pay an escrow to the platform's own revenue, to the account of that name, such as `commissions`.

        Args:
            amount: a part of the escrow; the rest returns to its owner in the same transaction. All of it if omitted.
        """
        part = {} if amount is None else {"amount": f"{amount:.2f}"}
        await self._post("escrow/collect", call, escrow_id=escrow_id, account=account, **part)

    async def pay_out(self, call: Call, *, performer_user_id: uuid.UUID) -> Payout:
        """Move all pending earnings of a performer to their wallet, in one transaction."""
        return Payout.model_validate(await self._post("payouts", call, performer_user_id=performer_user_id))

    async def payout_items(self, payout_id: uuid.UUID, *, after: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
        """Return the ids of items that a payout paid, in ascending order, those after `after`."""
        query = {"limit": limit} | ({"after": str(after)} if after else {})
        rows = await self._users.get(f"/internal/ledger/payouts/{payout_id}/items", query)
        return [uuid.UUID(item_id) for item_id in rows]

    async def due_payouts(self, *, older_than_seconds: float, at_least: Decimal, limit: int) -> list[DuePayout]:
        """Return performers whose pending earnings are old enough, or large enough, to be paid out."""
        query = {"older_than_seconds": older_than_seconds, "at_least": f"{at_least:.2f}", "limit": limit}
        rows = await self._users.get("/internal/ledger/payouts/due", query)
        return [DuePayout.model_validate(row) for row in rows]

    async def claw_back(
        self,
        call: Call,
        *,
        from_user_id: uuid.UUID,
        to_user_id: uuid.UUID,
        amount: Decimal,
        reference: uuid.UUID,
    ) -> Decimal:
        """Move credits even if the wallet lacks them, and return the shortfall, which the user owes from then on."""
        facts = {"amount": f"{amount:.2f}", "reference": str(reference)}
        answer = await self._post("clawback", call, from_user_id=from_user_id, to_user_id=to_user_id, **facts)
        return Decimal(answer["shortfall"])

    async def revenue_of(self, event_id: uuid.UUID) -> Decimal:
        """Return an event's revenue: charges less refunds."""
        return Decimal((await self._users.get(f"/internal/ledger/revenue/{event_id}"))["revenue"])

    async def _post(self, route: str, call: Call, **facts: object) -> Any:
        return await post(self._users, f"/internal/ledger/{route}", call, **facts)


def _shares(amounts: Mapping[uuid.UUID, Decimal]) -> list[dict[str, object]]:
    return [{"user_id": user_id, "amount": f"{amount:.2f}"} for user_id, amount in sorted(amounts.items())]
