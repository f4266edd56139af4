"""Runs the ledger's statements and reads what they wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from common.db.engine import Database
from common.db.requests import ParticipantRequest, Refuse, RequestMemory
from users.ledger import statements

__all__ = ["LedgerRepository", "Movement"]

# What another call changes while an undo runs is not in the undo's snapshot; the second look sees it.
LOOKS: Final = 2

_BALANCE: Final = text(
    "SELECT amount FROM balances WHERE account_kind = 'wallet' AND account_owner = :user_id AND currency = 'SGD'"
)
_ESCROW_STATUS: Final = text("SELECT status FROM escrows WHERE escrow_id = :escrow_id")
_KIND: Final = text("SELECT kind FROM ledger_transactions WHERE request_id = :request_id")


@dataclass(frozen=True, slots=True)
class Movement:
    """What a movement did. `transaction_id` is None when an undo found nothing to reverse.

    `balances` holds the touched wallets' balances right after it, by user id.
    """

    transaction_id: UUID | None
    escrow_id: UUID | None
    balances: dict[UUID, Decimal]

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> "Movement":
        return cls(
            transaction_id=_id_or_none(answer["transaction_id"]),
            escrow_id=_id_or_none(answer.get("escrow_id")),
            balances={UUID(owner): Decimal(amount) for owner, amount in answer["balances"].items()},
        )


class LedgerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = RequestMemory(database)

    async def deduct(
        self,
        request: ParticipantRequest,
        *,
        user_id: UUID,
        event_id: UUID,
        amount: Decimal,
        reference: str,
        refuse: Refuse,
    ) -> Movement:
        parameters = {"user_id": str(user_id), "event_id": str(event_id), "amount": amount, "reference": reference}
        return await self._move(request, statements.DEDUCT, parameters, refuse=refuse)

    async def top_up(
        self,
        request: ParticipantRequest,
        *,
        user_id: UUID,
        provider: str,
        amount: Decimal,
        reference: str,
        refuse: Refuse,
    ) -> Movement:
        parameters = {"user_id": str(user_id), "provider": provider, "amount": amount, "reference": reference}
        return await self._move(request, statements.TOP_UP, parameters, refuse=refuse)

    async def transfer(
        self,
        request: ParticipantRequest,
        *,
        from_user_id: UUID,
        to_user_id: UUID,
        amount: Decimal,
        reference: str,
        refuse: Refuse,
    ) -> Movement:
        parameters = {
            "from_user_id": str(from_user_id),
            "to_user_id": str(to_user_id),
            "amount": amount,
            "reference": reference,
            "kind": "transfer",
        }
        return await self._move(request, statements.TRANSFER, parameters, refuse=refuse)

    async def hold_escrow(
        self, request: ParticipantRequest, *, user_id: UUID, amount: Decimal, reference: str, refuse: Refuse
    ) -> Movement:
        parameters = {"user_id": str(user_id), "amount": amount, "reference": reference, "kind": "escrow_hold"}
        return await self._move(request, statements.ESCROW_HOLD, parameters, refuse=refuse)

    async def release_escrow(
        self, request: ParticipantRequest, *, escrow_id: UUID, to_user_id: UUID, refuse: Refuse
    ) -> Movement:
        parameters = {
            "escrow_id": escrow_id,
            "to_user_id": str(to_user_id),
            "reference": str(escrow_id),
            "kind": "escrow_release",
        }
        return await self._move(request, statements.ESCROW_RELEASE, parameters, refuse=refuse)

    async def void_escrow(self, request: ParticipantRequest, *, escrow_id: UUID, refuse: Refuse) -> Movement:
        parameters = {"escrow_id": escrow_id, "reference": str(escrow_id), "kind": "escrow_void"}
        return await self._move(request, statements.ESCROW_VOID, parameters, refuse=refuse)

    async def undo_escrow_hold(self, request: ParticipantRequest, *, undoes_request_id: UUID) -> Movement | None:
        """Void the escrow held under that id; None when it cannot be done (it was released, or is none)."""
        parameters = {"reference": str(undoes_request_id), "kind": "escrow_void"}
        return await self._undo(request, statements.ESCROW_UNDO, undoes_request_id, parameters)

    async def reverse(
        self, request: ParticipantRequest, *, undoes_request_id: UUID, undone_kind: str, kind: str, reference: str
    ) -> Movement | None:
        """Write the mirror image of a movement; None when it cannot be done (spent meanwhile, or of another kind)."""
        parameters = {"undone_kind": undone_kind, "kind": kind, "reference": reference}
        return await self._undo(request, statements.REVERSE, undoes_request_id, parameters)

    async def balance_of(self, user_id: UUID) -> Decimal | None:
        row = await self._database.fetch_one(_BALANCE, {"user_id": str(user_id)})
        return None if row is None else Decimal(row["amount"])

    async def escrow_status(self, escrow_id: UUID) -> str | None:
        row = await self._database.fetch_one(_ESCROW_STATUS, {"escrow_id": escrow_id})
        return None if row is None else str(row["status"])

    async def kind_of(self, request_id: UUID) -> str | None:
        """Return the kind of the movement made under that id, if any."""
        row = await self._database.fetch_one(_KIND, {"request_id": request_id})
        return None if row is None else str(row["kind"])

    async def _move(
        self, request: ParticipantRequest, statement: TextClause, parameters: Mapping[str, object], *, refuse: Refuse
    ) -> Movement:
        return Movement.from_answer(await self._memory.answer(request, statement, parameters, refuse=refuse))

    async def _undo(
        self,
        request: ParticipantRequest,
        statement: TextClause,
        undoes_request_id: UUID,
        parameters: Mapping[str, object],
    ) -> Movement | None:
        parameters = {**parameters, "undoes_request_id": undoes_request_id}
        for _ in range(LOOKS):
            attempt = await self._memory.attempt(request, statement, parameters, undoes_request_id=undoes_request_id)
            if attempt.done is not None:
                return Movement.from_answer(attempt.done)
        return None


def _id_or_none(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
