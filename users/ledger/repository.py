"""Runs the ledger's statements and reads its accounts."""

import enum
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, TextClause, Uuid, cast, func, select, text, true

from common.db.engine import Database, Row
from common.db.idempotency import IdempotencyStore, ParticipantRequest
from common.db.pages import find_newest
from common.errors import ServiceError
from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.outbox import OutgoingMessage, message_arrays
from common.pages import Total
from common.rows import readable
from users.audit import audit_message
from users.ledger import corrections, reversals, statements
from users.ledger.cursors import AccountStatementCursor
from users.ledger.errors import EscrowAlreadyResolved, EscrowNotFound
from users.ledger.fragments import barred
from users.ledger.models import LEDGER_ENTRIES, LEDGER_TRANSACTIONS
from users.ledger.schemas import AccountStatementEntry, Correction, Receivable

Refuse = Callable[[Row], Awaitable[ServiceError]]
"""Takes the row of a statement that moved nothing, and returns the error to answer with."""

_WALLET: Final = text(
    "SELECT amount, owed FROM balances WHERE account_kind = 'wallet' AND account_owner = :user_id AND currency = 'SGD'"
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
_BARRED: Final = text(f"WITH prior AS (SELECT WHERE false), {barred('user_id')} SELECT is_suspended FROM barred")  # noqa: S608 - constants only
_DEBTS: Final = text(
    """
    SELECT user_id, email, owed, last_at FROM balances
    JOIN users ON user_id = CAST(account_owner AS uuid)
    CROSS JOIN LATERAL (
        SELECT created_at AS last_at FROM ledger_entries e JOIN ledger_transactions USING (transaction_id)
        WHERE e.account_kind = 'receivable' AND e.account_owner = balances.account_owner AND e.currency = 'SGD'
        ORDER BY entry_number DESC LIMIT 1) AS latest
    WHERE owed > 0
    ORDER BY last_at DESC, user_id LIMIT :limit OFFSET :offset
    """
)
_COUNT_DEBTS: Final = text("SELECT count(*) AS debts FROM balances WHERE owed > 0")
# The entries of wallets and receivables name the user; together they are what the admin changed.
_CHANGED: Final = (
    select(
        cast(LEDGER_ENTRIES.c.account_owner, Uuid).label("user_id"),
        func.sum(LEDGER_ENTRIES.c.amount).label("amount"),
    )
    .where(
        LEDGER_ENTRIES.c.transaction_id == LEDGER_TRANSACTIONS.c.transaction_id,
        LEDGER_ENTRIES.c.account_kind.in_(("wallet", "receivable")),
    )
    .group_by(LEDGER_ENTRIES.c.account_owner)
    .lateral("changed")
)
_CORRECTIONS: Final[Select[Any]] = (
    select(
        LEDGER_TRANSACTIONS.c.transaction_id,
        LEDGER_TRANSACTIONS.c.created_at,
        LEDGER_TRANSACTIONS.c.kind,
        LEDGER_TRANSACTIONS.c.reference.label("reason"),
        LEDGER_TRANSACTIONS.c.made_by_user_id,
        *_CHANGED.c,
    )
    .join_from(LEDGER_TRANSACTIONS, _CHANGED, true())
    .where(LEDGER_TRANSACTIONS.c.made_by_user_id.is_not(None))
)
# An account's entries, newest first, `limit` at most. The balance and what is owed are read with them, in one snapshot. If
# `after` is an entry of another account, no entry is returned.
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
        ORDER BY entry_number DESC LIMIT :limit),
    debts AS MATERIALIZED (  -- few accounts have any; a lookup for each entry of the page would cost as much as the page
        SELECT transaction_id, amount FROM ledger_entries
        WHERE account_kind = 'receivable' AND account_owner = :owner AND currency = :currency),
    account AS MATERIALIZED (
        SELECT amount, owed FROM balances
        WHERE account_kind = :account_kind AND account_owner = :owner AND currency = :currency)
    SELECT transaction_id, created_at, kind, reference, page.amount, coalesce(debts.amount, 0.00) AS collected,
           account.amount AS balance, account.owed
    FROM page JOIN ledger_transactions USING (transaction_id) LEFT JOIN debts USING (transaction_id)
    CROSS JOIN account
    ORDER BY page.entry_number DESC
    """
)
_KIND: Final = text("SELECT kind FROM ledger_transactions WHERE request_id = :request_id")


@dataclass(frozen=True, slots=True)
class Movement:
    """What a movement did.

    Attributes:
        transaction_id: None if an undo found nothing to reverse.
        balances: the touched wallets' balances right after it, by user id.
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
class Wallet:
    """What a user has, and what they owe."""

    balance: Decimal
    owed: Decimal


class Operation(enum.Enum):
    """A kind of movement: the label in its requests' fingerprints, its statement, and the statement's constants.

    A charge is stored as `deduct`.
    """

    CHARGE = ("deduct", statements.CHARGE)
    TOP_UP = ("top_up", statements.TOP_UP)
    POINTS = ("points", statements.POINTS, {"provider": "loyalty"})
    TRANSFER = ("transfer", statements.TRANSFER, {"kind": "transfer"})
    ESCROW_HOLD = ("escrow_hold", statements.ESCROW_HOLD, {"kind": "escrow_hold"})
    ESCROW_RELEASE = ("escrow_release", statements.ESCROW_RELEASE, {"kind": "escrow_release"})
    ESCROW_COLLECT = ("escrow_collect", statements.ESCROW_COLLECT, {"kind": "platform_revenue"})
    ESCROW_VOID = ("escrow_void", statements.ESCROW_VOID, {"kind": "escrow_void"})
    CLAWBACK = ("clawback", reversals.CLAWBACK, {"kind": "transfer_reversal"})
    REFUND = ("refund", reversals.REVERSE, {"undone_kind": "deduct", "kind": "refund"})
    REFUND_TO = ("refund", reversals.REFUND_TO, {"undone_kind": "deduct", "kind": "refund"})
    REFUND_PART = ("refund_part", reversals.REFUND_PART)
    UNDO_TRANSFER = ("undo_transfer", reversals.REVERSE, {"undone_kind": "transfer", "kind": "transfer_reversal"})
    ADJUST = ("adjustment", corrections.ADJUST, {"kind": "adjustment"})
    SETTLE_DEBT = (
        "settlement",
        corrections.REDUCE_DEBT,
        {"kind": "settlement", "paid_by_kind": "external", "paid_by_owner": "settled"},
    )
    WRITE_OFF_DEBT = (
        "write_off",
        corrections.REDUCE_DEBT,
        {"kind": "write_off", "paid_by_kind": "platform", "paid_by_owner": "write_off"},
    )
    UNDO_ESCROW_HOLD = ("undo_escrow_hold", reversals.ESCROW_UNDO, {"kind": "escrow_void"})

    def __init__(self, label: str, statement: TextClause, constants: Mapping[str, str] | None = None) -> None:
        self.label = label
        self.statement = statement
        self.constants = constants or {}


# No saga repeats them: an admin does, with the same key, once the cause of a refusal is removed.
BY_HAND: Final = frozenset({Operation.ADJUST, Operation.SETTLE_DEBT, Operation.WRITE_OFF_DEBT})


class LedgerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = IdempotencyStore(database)

    async def move(
        self, operation: Operation, request: ParticipantRequest, facts: Mapping[str, Any], *, refuse: Refuse
    ) -> dict[str, Any]:
        """Return the answer of a movement, made now or the first time."""
        # The accounts' owners are text, users' ids and events' ids alike.
        texts = {name: str(value) if isinstance(value, UUID) else value for name, value in facts.items()}
        if operation in BY_HAND:
            texts |= _audited(operation, request, facts)
        attempt = await self._store.attempt(request, operation.statement, {**operation.constants, **texts})
        if attempt.done is not None:
            return attempt.done
        refusal = await refuse(attempt.row)
        if operation in BY_HAND:
            raise refusal
        return await self._store.store_refusal(request, refusal)

    async def undo(
        self,
        operation: Operation,
        request: ParticipantRequest,
        undoes_request_id: UUID,
        parameters: Mapping[str, object],
    ) -> Movement | None:
        """Reverse a movement; None if that cannot be done: it is of another kind, was resolved or spent meanwhile."""
        done = await self._store.attempt_undo(
            request,
            operation.statement,
            {**operation.constants, **parameters, "undoes_request_id": undoes_request_id},
            undoes_request_id=undoes_request_id,
        )
        return None if done is None else Movement.from_answer(done)

    async def have_wallets(self, user_ids: Collection[UUID]) -> bool:
        """Return whether all users are known; each is named once."""
        row = await self._database.fetch_one(_KNOWN_WALLETS, {"owners": [str(user_id) for user_id in user_ids]})
        return row is not None and row["wallets"] == len(user_ids)

    async def barred(self, user_id: UUID, *, reference: str) -> Row | None:
        """Return a row if the user may not spend for a reference: whether the account is suspended."""
        return await self._database.fetch_one(_BARRED, {"user_id": user_id, "reference": reference})

    async def revenue_of(self, event_id: UUID) -> Decimal:
        row = await self._database.fetch_one(_REVENUE, {"event_id": str(event_id)})
        return Decimal(row["revenue"]) if row else Decimal("0.00")

    async def debts(self, *, limit: int, offset: int) -> tuple[list[Receivable], Total]:
        """Return a page of the users who owe, the latest first, and the number on all pages."""
        rows = await self._database.fetch_all(_DEBTS, {"limit": limit, "offset": offset})
        count = await self._database.fetch_one(_COUNT_DEBTS)
        return readable(rows, _receivable, of="receivables"), Total(count["debts"] if count else 0)

    async def corrections(self, user_id: UUID | None, *, limit: int, offset: int) -> tuple[list[Correction], Total]:
        """Return a page of what admins changed by hand, the latest first, and the number on all pages."""
        rows, total = await find_newest(
            self._database,
            _CORRECTIONS if user_id is None else _CORRECTIONS.where(_CHANGED.c.user_id == user_id),
            at=LEDGER_TRANSACTIONS.c.created_at,
            key=LEDGER_TRANSACTIONS.c.transaction_id,
            limit=limit,
            offset=offset,
        )
        return readable(rows, Correction.model_validate, of="corrections"), total

    async def entries_of(
        self, user_id: UUID, *, account: tuple[str, str], after: AccountStatementCursor | None, limit: int
    ) -> tuple[list[AccountStatementEntry], Decimal]:
        """Return an account's entries, newest first, after the last entry of the page before, and what is owed.

        Args:
            account: its kind and currency.
        """
        account_kind, currency = account
        parameters = {"account_kind": account_kind, "owner": str(user_id), "currency": currency, "limit": limit}
        rows = await self._database.fetch_all(_ENTRIES, {**parameters, "after": after and after.transaction_id})
        balance = after.balance_before if after else next((row["balance"] for row in rows), Decimal(0))
        entries = []
        for row in rows:
            entry = AccountStatementEntry(
                transaction_id=row["transaction_id"],
                at=row["created_at"],
                kind=row["kind"],
                reference=row["reference"],
                amount=row["amount"],
                collected=row["collected"],
                balance_after=balance,
            )
            entries.append(entry)
            balance = entry.balance_before
        return entries, next((row["owed"] for row in rows), Decimal("0.00"))

    async def wallet_of(self, user_id: UUID) -> Wallet | None:
        row = await self._database.fetch_one(_WALLET, {"user_id": str(user_id)})
        return None if row is None else Wallet(balance=row["amount"], owed=row["owed"])

    async def why_not_resolved(self, escrow_id: UUID, *, if_held: ServiceError) -> ServiceError:
        """Return why an escrow was not resolved; `if_held`: the reason if it is held."""
        row = await self._database.fetch_one(_ESCROW_STATUS, {"escrow_id": escrow_id})
        if row is None:
            return EscrowNotFound()
        return if_held if row["status"] == "HELD" else EscrowAlreadyResolved()

    async def kind_of(self, request_id: UUID) -> str | None:
        """Return the kind of the movement made under that id, if any."""
        row = await self._database.fetch_one(_KIND, {"request_id": request_id})
        return None if row is None else str(row["kind"])


def _audited(operation: Operation, request: ParticipantRequest, facts: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the parameters that report a movement by hand to the audit trail; its reason stays in the ledger."""
    amount = facts["amount"]
    message = audit_message(
        action=f"wallet.{operation.label}",
        actor_user_id=facts["made_by_user_id"],
        object_type="user",
        object_id=facts["user_id"],
        address=facts["address"],
        before=None,
        after={"amount": None if amount is None else f"{amount:.2f}", "request_id": str(request.request_id)},
    )
    return message_arrays([OutgoingMessage(message, MESSAGES_EXCHANGE, message.type)])


def _id_or_none(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


def _receivable(row: Row) -> Receivable:
    return Receivable(user_id=row["user_id"], email=row["email"], amount=row["owed"], last_at=row["last_at"])
