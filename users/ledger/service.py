"""Movements of credits. Each method is repeatable by its request id; refusals are stored, except where noted."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from common.db.engine import Row
from common.db.idempotency import ParticipantRequest
from common.errors import ServiceError
from common.pages import Total
from users.accounts.errors import AccountSuspended, UserNotFound
from users.ledger.cursors import AccountStatementCursor
from users.ledger.errors import (
    EscrowAlreadyResolved,
    EscrowTooSmall,
    InsufficientCredits,
    OtpRequired,
    OwesLess,
    SelfTransfer,
    UndoMismatch,
    UnknownCursor,
)
from users.ledger.repository import LedgerRepository, Movement, Operation, Refuse, Wallet
from users.ledger.schemas import AccountStatement, ClawedBack, Correction, Currency, DebtReduced, Receivable

__all__ = ["Ledger"]

# The account of a user that a statement shows: its kind and currency.
ACCOUNTS: Final[Mapping[Currency, tuple[str, str]]] = {
    Currency.SGD: ("wallet", "SGD"),
    Currency.POINTS: ("loyalty", "POINTS"),
}

AmountOrAll = Decimal | None
"""A part of a debt; None is all of it."""


class Ledger:
    def __init__(self, repository: LedgerRepository) -> None:
        self._repository = repository

    async def wallet_of(self, user_id: UUID) -> Wallet:
        """Return the wallet's balance and what its owner owes; a wallet never used has 0.00."""
        return await self._repository.wallet_of(user_id) or Wallet(balance=Decimal("0.00"), owed=Decimal("0.00"))

    async def charge(
        self, *, request_id: UUID, user_id: UUID, event_id: UUID, amount: Decimal, reference: str
    ) -> Movement:
        """Charge a wallet in favour of an event's revenue. An amount of 0.00 makes a movement too.

        Raises:
            AccountSuspended.
            OtpRequired: a flagged user has no verified code for `reference` (T6).
            InsufficientCredits, UserNotFound.
        """
        facts = {"user_id": user_id, "event_id": event_id, "amount": amount, "reference": reference}
        return await self._move(Operation.CHARGE, request_id, facts, lambda row: self._why_not_spent(row, user_id))

    async def refund(
        self,
        *,
        request_id: UUID,
        undoes_request_id: UUID,
        reason: str,
        recipients: Mapping[UUID, Decimal] | None = None,
    ) -> Movement:
        """Reverse the charge made under `undoes_request_id`, once; leave a tombstone if it never arrived.

        Args:
            recipients: each recipient's share, if the payer is not the only one; together they are the charge.

        Raises:
            UndoMismatch: that id made another movement, or the shares' sum is not the charge. Not stored.
            UserNotFound: a recipient is unknown. Not stored.
        """
        parameters = {"reference": reason}
        if recipients is None:
            movement = await self._undo(Operation.REFUND, request_id, undoes_request_id, parameters)
        else:
            shares = {str(user_id): str(amount) for user_id, amount in recipients.items()}
            parties = {"owners": [*shares], "amounts": [*recipients.values()]}
            movement = await self._undo(
                Operation.REFUND_TO, request_id, undoes_request_id, parameters | parties, recipients=shares
            )
        if movement is not None:
            return movement
        if recipients is not None and not await self._repository.have_wallets(recipients):
            raise UserNotFound
        raise UndoMismatch(undoes_request_id=undoes_request_id)

    async def refund_part(
        self, *, request_id: UUID, charge_request_id: UUID, reason: str, shares: Mapping[UUID, Decimal]
    ) -> Movement:
        """Refund a part of the charge made under `charge_request_id`.

        Args:
            shares: each recipient's part, 0.00 allowed; all parts of a charge together are at most the charge.

        Raises:
            UndoMismatch: that id made no charge, the parts exceed it, or it was refunded as a whole.
            UserNotFound: a recipient is unknown.
        """

        async def refuse(_: Row) -> ServiceError:
            are_known = await self._repository.have_wallets(shares)
            return UndoMismatch(charge_request_id=charge_request_id) if are_known else UserNotFound()

        texts = {str(user_id): str(amount) for user_id, amount in shares.items()}
        request = ParticipantRequest.of(
            request_id, Operation.REFUND_PART.label, charge_request_id=charge_request_id, shares=texts
        )
        parameters = {
            "charge_request_id": charge_request_id,
            "reference": reason,
            "owners": [*texts],
            "amounts": [*shares.values()],
            "total": sum(shares.values(), start=Decimal("0.00")),
        }
        done = await self._repository.move(Operation.REFUND_PART, request, parameters, refuse=refuse)
        return Movement.from_answer(done)

    async def transfer(
        self, *, request_id: UUID, from_user_id: UUID, to_user_id: UUID, amount: Decimal, reference: str
    ) -> Movement:
        """Move credits from one wallet to another. 0.00 is allowed (T8).

        Raises:
            AccountSuspended, OtpRequired: as `charge`, of `from_user_id`.
            SelfTransfer, InsufficientCredits, UserNotFound.
        """
        facts = _between(from_user_id, to_user_id, amount=amount, reference=reference)
        parties = from_user_id, to_user_id
        return await self._move(Operation.TRANSFER, request_id, facts, lambda row: self._why_not_spent(row, *parties))

    async def undo_transfer(self, *, request_id: UUID, undoes_request_id: UUID, reference: str) -> Movement:
        """Reverse the transfer made under `undoes_request_id`, once; leave a tombstone if it never arrived.

        Raises:
            InsufficientCredits: the recipient has spent it. Not stored: the same undo may succeed later.
            UndoMismatch: that id made another movement.
        """
        movement = await self._undo(Operation.UNDO_TRANSFER, request_id, undoes_request_id, {"reference": reference})
        return movement or await self._refuse_undo(undoes_request_id, of_kind="transfer", refusal=InsufficientCredits())

    async def claw_back(
        self, *, request_id: UUID, from_user_id: UUID, to_user_id: UUID, amount: Decimal, reference: str
    ) -> ClawedBack:
        """Credit `to_user_id` with the whole amount (0.00 is allowed) and take it from `from_user_id`.

        What the wallet of `from_user_id` lacks is noted as owed (T9).

        Raises:
            SelfTransfer, UserNotFound. Never InsufficientCredits.
        """
        facts = _between(from_user_id, to_user_id, amount=amount, reference=reference)
        request = ParticipantRequest.of(request_id, Operation.CLAWBACK.label, **facts)
        done = await self._repository.move(Operation.CLAWBACK, request, facts, refuse=_refuse_unknown_user)
        return ClawedBack(**done, to_balance=done["balances"][str(to_user_id)])

    async def revenue_of(self, event_id: UUID) -> Decimal:
        """Return an event's income less refunds; 0.00 for an event without sales."""
        return await self._repository.revenue_of(event_id)

    async def list_debts(self, *, limit: int, offset: int) -> tuple[list[Receivable], Total]:
        """Return a page of the users who owe, the latest first, and the number on all pages."""
        return await self._repository.debts(limit=limit, offset=offset)

    async def hold_escrow(
        self,
        *,
        request_id: UUID,
        user_id: UUID,
        amount: Decimal,
        reference: str,
        proof_reference: str | None = None,
        purpose: str | None = None,
    ) -> Movement:
        """Set credits of a wallet aside.

        Args:
            proof_reference: what a flagged user has verified a code for; `reference` if None.
            purpose: what they are for, such as `tip_grid_item`; None for a sale between fans.

        Raises:
            AccountSuspended, OtpRequired: as `charge`.
            InsufficientCredits, UserNotFound.
        """
        facts = {"user_id": user_id, "amount": amount, "reference": reference}
        more = {"proof_reference": reference if proof_reference is None else proof_reference, "purpose": purpose}
        return await self._move(
            Operation.ESCROW_HOLD, request_id, facts, lambda row: self._why_not_spent(row, user_id), **more
        )

    async def release_escrow(self, *, request_id: UUID, escrow_id: UUID, to_user_id: UUID) -> Movement:
        """Move an escrow's credits to a user's wallet.

        Raises:
            EscrowAlreadyResolved, EscrowNotFound, UserNotFound.
        """
        facts = {"escrow_id": escrow_id, "to_user_id": to_user_id}
        return await self._resolve_escrow(Operation.ESCROW_RELEASE, request_id, facts)

    async def collect_escrow(
        self, *, request_id: UUID, escrow_id: UUID, account: str, amount: Decimal | None = None
    ) -> Movement:
        """Move an escrow's credits to the platform's own revenue, to the account of that name.

        Args:
            amount: a part of them; the rest returns to the owner by the same movement. None: all of them.

        Raises:
            EscrowTooSmall: it has less than the amount.
            EscrowAlreadyResolved, EscrowNotFound.
        """
        # Without it if omitted: the release before it has stored the fingerprints of such calls.
        part = {} if amount is None else {"amount": amount}
        facts = {"escrow_id": escrow_id, "account": account, **part}
        return await self._resolve_escrow(Operation.ESCROW_COLLECT, request_id, facts, amount=amount)

    async def void_escrow(self, *, request_id: UUID, escrow_id: UUID) -> Movement:
        """Return an escrow's credits to its owner.

        Raises:
            EscrowAlreadyResolved, EscrowNotFound.
        """
        return await self._resolve_escrow(Operation.ESCROW_VOID, request_id, {"escrow_id": escrow_id})

    async def undo_escrow_hold(self, *, request_id: UUID, undoes_request_id: UUID) -> Movement:
        """Void the escrow held under `undoes_request_id`, unless it is voided; leave a tombstone if it never arrived.

        Raises:
            EscrowAlreadyResolved: it was released.
            UndoMismatch: that id made another movement.
        """
        parameters = {"reference": str(undoes_request_id)}
        movement = await self._undo(Operation.UNDO_ESCROW_HOLD, request_id, undoes_request_id, parameters)
        return movement or await self._refuse_undo(
            undoes_request_id, of_kind="escrow_hold", refusal=EscrowAlreadyResolved()
        )

    async def top_up(
        self, *, request_id: UUID, user_id: UUID, provider: str, amount: Decimal, reference: str
    ) -> Movement:
        """Credit a wallet with what a payment provider received.

        Raises:
            UserNotFound.
        """
        facts = {"user_id": user_id, "provider": provider, "amount": amount, "reference": reference}
        return await self._move(Operation.TOP_UP, request_id, facts, _refuse_unknown_user)

    async def award_points(self, *, request_id: UUID, user_id: UUID, points: int, reference: str) -> Movement:
        """Credit loyalty points, a currency of their own (W7); the movement's balance is in points.

        Raises:
            UserNotFound.
        """
        facts = {"user_id": user_id, "points": points, "reference": reference}
        return await self._move(Operation.POINTS, request_id, facts, _refuse_unknown_user, amount=points)

    async def account_statement(
        self, user_id: UUID, *, currency: Currency, after: AccountStatementCursor | None, limit: int
    ) -> AccountStatement:
        """Return a page of the entries of a user's wallet or points, newest first.

        Entries come in the order in which they happened. Each is on exactly one page, even if entries are added
        between the pages; those belong before the first page.

        Raises:
            UnknownCursor: the cursor is not of that statement.
        """
        account = ACCOUNTS[currency]
        entries, owed = await self._repository.entries_of(user_id, account=account, after=after, limit=limit + 1)
        if after is not None and not entries:  # a cursor is returned only if an entry follows
            raise UnknownCursor
        following = None
        if len(entries) > limit:
            last = entries[limit - 1]
            following = str(AccountStatementCursor(last.transaction_id, last.balance_before))
        return AccountStatement(currency=currency, owed=owed, entries=entries[:limit], next_cursor=following)

    async def adjust(
        self, *, request_id: UUID, user_id: UUID, amount: Decimal, reason: str, made_by_user_id: UUID, address: str
    ) -> Movement:
        """Credit a user's wallet, or debit it by a negative amount, for an admin's reason. Refusals are not stored.

        Raises:
            InsufficientCredits: the wallet has less than the debit.
            UserNotFound.
        """

        async def refuse(_: Row) -> ServiceError:
            return await self._why_not_covered(user_id)

        facts = {"user_id": user_id, "amount": amount, "reference": reason, "made_by_user_id": made_by_user_id}
        return await self._move(Operation.ADJUST, request_id, facts, refuse, address=address)

    async def settle_debt(
        self, *, request_id: UUID, user_id: UUID, amount: AmountOrAll, reason: str, made_by_user_id: UUID, address: str
    ) -> DebtReduced:
        """Reduce what a user owes, because it was paid outside the platform; by all of it without an amount.

        Raises:
            OwesLess, UserNotFound. Not stored.
        """
        facts = {"user_id": user_id, "amount": amount, "reference": reason, "made_by_user_id": made_by_user_id}
        return await self._reduce_debt(Operation.SETTLE_DEBT, request_id, facts, address)

    async def write_off_debt(
        self, *, request_id: UUID, user_id: UUID, amount: AmountOrAll, reason: str, made_by_user_id: UUID, address: str
    ) -> DebtReduced:
        """Reduce what a user owes, because the platform bears it; by all of it without an amount.

        Raises:
            OwesLess, UserNotFound. Not stored.
        """
        facts = {"user_id": user_id, "amount": amount, "reference": reason, "made_by_user_id": made_by_user_id}
        return await self._reduce_debt(Operation.WRITE_OFF_DEBT, request_id, facts, address)

    async def list_corrections(
        self, user_id: UUID | None, *, limit: int, offset: int
    ) -> tuple[list[Correction], Total]:
        """Return a page of what admins changed by hand, of one user or all, and the number on all pages."""
        return await self._repository.corrections(user_id, limit=limit, offset=offset)

    async def _reduce_debt(
        self, operation: Operation, request_id: UUID, facts: Mapping[str, Any], address: str
    ) -> DebtReduced:
        async def refuse(_: Row) -> ServiceError:
            wallet = await self._repository.wallet_of(facts["user_id"])
            return UserNotFound() if wallet is None else OwesLess(details={"owed": f"{wallet.owed:.2f}"})

        request = ParticipantRequest.of(request_id, operation.label, **facts)
        done = await self._repository.move(operation, request, {**facts, "address": address}, refuse=refuse)
        return DebtReduced(**done, user_id=facts["user_id"])

    async def _move(
        self, operation: Operation, request_id: UUID, facts: Mapping[str, Any], refuse: Refuse, **more: object
    ) -> Movement:
        """Make a movement; `more` are parameters that are not part of the request's fingerprint."""
        request = ParticipantRequest.of(request_id, operation.label, **facts)
        return Movement.from_answer(await self._repository.move(operation, request, {**facts, **more}, refuse=refuse))

    async def _resolve_escrow(
        self, operation: Operation, request_id: UUID, facts: Mapping[str, Any], **more: object
    ) -> Movement:
        escrow_id = facts["escrow_id"]

        async def refuse(_: Row) -> ServiceError:
            is_collected = operation is Operation.ESCROW_COLLECT  # else only an unknown recipient leaves it held
            if_held = EscrowTooSmall() if is_collected else UserNotFound()
            return await self._repository.why_not_resolved(escrow_id, if_held=if_held)

        return await self._move(operation, request_id, facts, refuse, reference=str(escrow_id), **more)

    async def _undo(
        self,
        operation: Operation,
        request_id: UUID,
        undoes_request_id: UUID,
        parameters: Mapping[str, object],
        **facts: object,
    ) -> Movement | None:
        """Undo a movement; `facts` are part of the request's fingerprint."""
        request = ParticipantRequest.of(request_id, operation.label, undoes_request_id=undoes_request_id, **facts)
        return await self._repository.undo(operation, request, undoes_request_id, parameters)

    async def _refuse_undo(self, undoes_request_id: UUID, *, of_kind: str, refusal: ServiceError) -> Movement:
        """Raise `refusal` if the movement is of the kind that can be undone."""
        if await self._repository.kind_of(undoes_request_id) == of_kind:
            raise refusal
        raise UndoMismatch(undoes_request_id=undoes_request_id)

    async def _why_not_spent(self, row: Row, payer: UUID, *others: UUID) -> ServiceError:
        if row["is_suspended"] is None:
            return await self._why_not_covered(payer, *others)
        return AccountSuspended() if row["is_suspended"] else OtpRequired()

    async def _why_not_covered(self, payer: UUID, *others: UUID) -> ServiceError:
        for user_id in (payer, *others):
            if await self._repository.wallet_of(user_id) is None:
                return UserNotFound()
        return InsufficientCredits()


async def _refuse_unknown_user(_: Row) -> ServiceError:
    return UserNotFound()


def _between(from_user_id: UUID, to_user_id: UUID, *, amount: Decimal, reference: str) -> dict[str, object]:
    """Return the facts of a movement between two users.

    Raises:
        SelfTransfer: they are the same user.
    """
    if from_user_id == to_user_id:
        raise SelfTransfer
    return {"from_user_id": from_user_id, "to_user_id": to_user_id, "amount": amount, "reference": reference}
