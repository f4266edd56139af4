"""Runs the ledger's statements and reads what they wrote."""

# ruff: noqa: S608 - the statements are put together from constants of this module; values are bound

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest, Refuse
from common.errors import ServiceError
from users.ledger import reversals, statements
from users.ledger.cursors import StatementCursor

__all__ = ["Clawback", "Debt", "Entry", "LedgerRepository", "Movement"]

# What another call changes while an undo runs is not in the undo's snapshot; the second look sees it.
LOOKS: Final = 2

_BALANCE: Final = text(
    "SELECT amount FROM balances WHERE account_kind = 'wallet' AND account_owner = :user_id AND currency = 'SGD'"
)
_ESCROW_STATUS: Final = text("SELECT status FROM escrows WHERE escrow_id = :escrow_id")
_KNOWN_WALLETS: Final = text(
    "SELECT count(*) AS wallets FROM balances "
    "WHERE account_kind = 'wallet' AND currency = 'SGD' AND account_owner = ANY(CAST(:owners AS text[]))"
)
_REVENUE: Final = text(
    """
    SELECT coalesce(sum(amount), 0.00) AS revenue FROM ledger_entries
    WHERE account_kind = 'revenue' AND account_owner = :event_id AND currency = 'SGD'
    """
)
_OWED: Final = """
    SELECT CAST(account_owner AS uuid) AS user_id, -sum(amount) AS owed, max(created_at) AS last_at
    FROM ledger_entries JOIN ledger_transactions USING (transaction_id)
    WHERE account_kind = 'receivable' AND currency = 'SGD'
    GROUP BY account_owner HAVING sum(amount) < 0
"""
_DEBTS: Final = text(
    f"""
    SELECT user_id, email, owed, last_at FROM ({_OWED}) AS owing JOIN users USING (user_id)
    ORDER BY last_at DESC, user_id LIMIT :limit OFFSET :offset
    """
)
_COUNT_DEBTS: Final = text(f"SELECT count(*) AS debts FROM ({_OWED}) AS owing")
# An account's entries, newest first: as many as are asked for, however many there are. The balance is read with them, in
# one snapshot. An entry that is not the account's has no number, and nothing comes after it.
_ENTRIES: Final = text(
    """
    WITH bound AS (
        SELECT CASE WHEN CAST(:after AS uuid) IS NULL THEN 9223372036854775807 ELSE (
            SELECT entry_number FROM ledger_entries
            WHERE transaction_id = CAST(:after AS uuid) AND account_kind = :account_kind
              AND account_owner = :owner AND currency = :currency) END AS entry_number),
    page AS MATERIALIZED (
        SELECT transaction_id, amount, entry_number FROM ledger_entries
        WHERE account_kind = :account_kind AND account_owner = :owner AND currency = :currency
          AND entry_number < (SELECT entry_number FROM bound)
        ORDER BY entry_number DESC LIMIT :limit)
    SELECT transaction_id, created_at, kind, reference, page.amount,
           (SELECT amount FROM balances
            WHERE account_kind = :account_kind AND account_owner = :owner AND currency = :currency) AS balance
    FROM page JOIN ledger_transactions USING (transaction_id)
    ORDER BY entry_number DESC
    """
)
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


@dataclass(frozen=True, slots=True)
class Clawback:
    """`taken` came out of the wallet; `shortfall` is owed from now on."""

    transaction_id: UUID
    taken: Decimal
    shortfall: Decimal
    to_balance: Decimal


@dataclass(frozen=True, slots=True)
class Debt:
    """What a user owes, and since when it is that much."""

    user_id: UUID
    email: str
    owed: Decimal
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's statement; a negative amount went out."""

    transaction_id: UUID
    at: datetime
    kind: str
    reference: str
    amount: Decimal
    balance_after: Decimal

    @property
    def balance_before(self) -> Decimal:
        return self.balance_after - self.amount


class LedgerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)

    async def deduct(
        self,
        request: ParticipantRequest,
        *,
        user_id: UUID,
        event_id: UUID,
        amount: Decimal,
        reference: str,
        refuse: Callable[[bool], Awaitable[ServiceError]],
    ) -> Movement:
        """Charge a wallet. `refuse` is told whether a flagged user's missing proof was the reason."""
        parameters = {"user_id": str(user_id), "event_id": str(event_id), "amount": amount, "reference": reference}
        attempt = await self._memory.attempt(request, statements.DEDUCT, parameters)
        done = attempt.done
        if done is None:
            done = await self._memory.store_refusal(request, await refuse(attempt.row["is_unproven"]))
        return Movement.from_answer(done)

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

    async def award_points(
        self, request: ParticipantRequest, *, user_id: UUID, points: int, reference: str, refuse: Refuse
    ) -> Movement:
        """Give loyalty points; the movement's balances are in points."""
        parameters = {"user_id": str(user_id), "provider": "loyalty", "amount": points, "reference": reference}
        return await self._move(request, statements.POINTS, parameters, refuse=refuse)

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
        return await self._undo(request, reversals.ESCROW_UNDO, undoes_request_id, parameters)

    async def reverse(
        self, request: ParticipantRequest, *, undoes_request_id: UUID, undone_kind: str, kind: str, reference: str
    ) -> Movement | None:
        """Write the mirror image of a movement; None when it cannot be done (spent meanwhile, or of another kind)."""
        parameters = {"undone_kind": undone_kind, "kind": kind, "reference": reference}
        return await self._undo(request, reversals.REVERSE, undoes_request_id, parameters)

    async def refund_to(
        self,
        request: ParticipantRequest,
        *,
        undoes_request_id: UUID,
        recipients: Mapping[UUID, Decimal],
        reference: str,
    ) -> Movement | None:
        """Reverse a deduct in favour of others; None when they are not to get just that, or one is unknown."""
        parameters = {
            "undone_kind": "deduct",
            "kind": "refund",
            "reference": reference,
            "owners": [str(user_id) for user_id in recipients],
            "amounts": list(recipients.values()),
        }
        return await self._undo(request, reversals.REFUND_TO, undoes_request_id, parameters)

    async def claw_back(
        self,
        request: ParticipantRequest,
        *,
        from_user_id: UUID,
        to_user_id: UUID,
        amount: Decimal,
        reference: str,
        refuse: Refuse,
    ) -> Clawback:
        parameters = {
            "from_user_id": str(from_user_id),
            "to_user_id": str(to_user_id),
            "amount": amount,
            "reference": reference,
            "kind": "transfer_reversal",
        }
        answer = await self._memory.answer(request, reversals.CLAWBACK, parameters, refuse=refuse)
        return Clawback(
            transaction_id=UUID(answer["transaction_id"]),
            taken=Decimal(answer["taken"]),
            shortfall=Decimal(answer["shortfall"]),
            to_balance=Decimal(answer["balances"][str(to_user_id)]),
        )

    async def have_wallets(self, user_ids: Collection[UUID]) -> bool:
        """Whether all of them are known; each is named once."""
        row = await self._database.fetch_one(_KNOWN_WALLETS, {"owners": [str(user_id) for user_id in user_ids]})
        return row is not None and row["wallets"] == len(user_ids)

    async def revenue_of(self, event_id: UUID) -> Decimal:
        row = await self._database.fetch_one(_REVENUE, {"event_id": str(event_id)})
        return Decimal(row["revenue"]) if row else Decimal("0.00")

    async def debts(self, *, limit: int, offset: int) -> tuple[list[Debt], int]:
        """Return a page of those who owe, the latest first, and how many there are in all."""
        rows = await self._database.fetch_all(_DEBTS, {"limit": limit, "offset": offset})
        count = await self._database.fetch_one(_COUNT_DEBTS)
        debts = [Debt(row["user_id"], row["email"], row["owed"], row["last_at"]) for row in rows]
        return debts, count["debts"] if count else 0

    async def entries_of(
        self, user_id: UUID, *, account: tuple[str, str], after: StatementCursor | None, limit: int
    ) -> list[Entry]:
        """Return an account's entries, newest first, after the one where a page before ended.

        Args:
            account: its kind and currency.
        """
        account_kind, currency = account
        parameters = {"account_kind": account_kind, "owner": str(user_id), "currency": currency, "limit": limit}
        rows = await self._database.fetch_all(_ENTRIES, {**parameters, "after": after and after.transaction_id})
        balance = after.balance_before if after else next((row["balance"] for row in rows), Decimal(0))
        entries = []
        for row in rows:
            entry = Entry(
                row["transaction_id"], row["created_at"], row["kind"], row["reference"], row["amount"], balance
            )
            entries.append(entry)
            balance = entry.balance_before
        return entries

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
