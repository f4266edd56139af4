"""Moving credits. Each method is repeatable by its request id; refusals are remembered, except where said."""

import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from common.db.idempotency import ParticipantRequest
from common.errors import ServiceError
from users.accounts.errors import UserNotFound
from users.ledger.cursors import StatementCursor
from users.ledger.errors import (
    EscrowAlreadyResolved,
    EscrowNotFound,
    InsufficientCredits,
    OtpRequired,
    SelfTransfer,
    UndoMismatch,
    UnknownCursor,
)
from users.ledger.repository import Clawback, Debt, Entry, LedgerRepository, Movement

__all__ = ["Currency", "Ledger"]


class Currency(enum.StrEnum):
    """SGD are credits; points cannot be spent like them."""

    SGD = "SGD"
    POINTS = "POINTS"


# Which account of a user a statement is of: its kind and currency.
ACCOUNTS: Final[Mapping[Currency, tuple[str, str]]] = {
    Currency.SGD: ("wallet", "SGD"),
    Currency.POINTS: ("loyalty", "POINTS"),
}


class Ledger:
    def __init__(self, repository: LedgerRepository) -> None:
        self._repository = repository

    async def balance_of(self, user_id: UUID) -> Decimal:
        """Return the wallet's balance; a wallet never used has 0.00."""
        return await self._repository.balance_of(user_id) or Decimal("0.00")

    async def deduct(
        self, *, request_id: UUID, user_id: UUID, event_id: UUID, amount: Decimal, reference: str
    ) -> Movement:
        """Charge a wallet in favour of an event's revenue. An amount of 0.00 makes a movement too.

        Raises:
            OtpRequired: a flagged user has no verified challenge for the purchase `reference` (T6).
            InsufficientCredits, UserNotFound.
        """

        async def refuse(is_unproven: bool) -> ServiceError:  # noqa: FBT001 - what the statement saw
            return OtpRequired() if is_unproven else await self._why_not_charged(user_id)

        request = ParticipantRequest.of(
            request_id, "deduct", user_id=user_id, event_id=event_id, amount=amount, reference=reference
        )
        return await self._repository.deduct(
            request,
            user_id=user_id,
            event_id=event_id,
            amount=amount,
            reference=reference,
            refuse=refuse,
        )

    async def refund(
        self,
        *,
        request_id: UUID,
        undoes_request_id: UUID,
        reason: str,
        recipients: Mapping[UUID, Decimal] | None = None,
    ) -> Movement:
        """Reverse the deduct made under `undoes_request_id`, once; leave a tombstone when it never came.

        Args:
            recipients: who gets how much, when it is not the payer: together what was charged.

        Raises:
            UndoMismatch: that id moved credits in another way, or the recipients' sum is not the charge. Not remembered.
            UserNotFound: a recipient is unknown. Not remembered.
        """
        if recipients is not None:
            return await self._refund_to(
                recipients, request_id=request_id, undoes_request_id=undoes_request_id, reason=reason
            )
        request = ParticipantRequest.of(request_id, "refund", undoes_request_id=undoes_request_id)
        movement = await self._repository.reverse(
            request, undoes_request_id=undoes_request_id, undone_kind="deduct", kind="refund", reference=reason
        )
        if movement is None:
            raise UndoMismatch(undoes_request_id=undoes_request_id)
        return movement

    async def transfer(
        self, *, request_id: UUID, from_user_id: UUID, to_user_id: UUID, amount: Decimal, reference: str
    ) -> Movement:
        """Move credits from one wallet to another. 0.00 is allowed (T8).

        Raises:
            SelfTransfer, InsufficientCredits, UserNotFound.
        """
        if from_user_id == to_user_id:
            raise SelfTransfer
        request = ParticipantRequest.of(
            request_id,
            "transfer",
            from_user_id=from_user_id,
            to_user_id=to_user_id,
            amount=amount,
            reference=reference,
        )
        return await self._repository.transfer(
            request,
            from_user_id=from_user_id,
            to_user_id=to_user_id,
            amount=amount,
            reference=reference,
            refuse=lambda: self._why_not_charged(from_user_id, to_user_id),
        )

    async def undo_transfer(self, *, request_id: UUID, undoes_request_id: UUID, reference: str) -> Movement:
        """Reverse the transfer made under `undoes_request_id`, once; leave a tombstone when it never came.

        Raises:
            InsufficientCredits: the recipient has spent it. Not remembered: the same undo may succeed later.
            UndoMismatch: that id moved credits in another way.
        """
        request = ParticipantRequest.of(request_id, "undo_transfer", undoes_request_id=undoes_request_id)
        movement = await self._repository.reverse(
            request,
            undoes_request_id=undoes_request_id,
            undone_kind="transfer",
            kind="transfer_reversal",
            reference=reference,
        )
        if movement is not None:
            return movement
        if await self._repository.kind_of(undoes_request_id) == "transfer":
            raise InsufficientCredits
        raise UndoMismatch(undoes_request_id=undoes_request_id)

    async def claw_back(
        self, *, request_id: UUID, from_user_id: UUID, to_user_id: UUID, amount: Decimal, reference: str
    ) -> Clawback:
        """Give `to_user_id` the whole amount (0.00 is allowed), take what `from_user_id` has, note the rest as owed (T9).

        Raises:
            SelfTransfer, UserNotFound. Never for lack of credits.
        """
        if from_user_id == to_user_id:
            raise SelfTransfer

        async def refuse() -> ServiceError:
            return UserNotFound()

        request = ParticipantRequest.of(
            request_id,
            "clawback",
            from_user_id=from_user_id,
            to_user_id=to_user_id,
            amount=amount,
            reference=reference,
        )
        return await self._repository.claw_back(
            request,
            from_user_id=from_user_id,
            to_user_id=to_user_id,
            amount=amount,
            reference=reference,
            refuse=refuse,
        )

    async def revenue_of(self, event_id: UUID) -> Decimal:
        """Return what an event has taken in, refunds subtracted; 0.00 for one nobody paid for."""
        return await self._repository.revenue_of(event_id)

    async def list_debts(self, *, limit: int, offset: int) -> tuple[list[Debt], int]:
        """Return a page of those who owe, the latest first, and how many there are in all."""
        return await self._repository.debts(limit=limit, offset=offset)

    async def hold_escrow(self, *, request_id: UUID, user_id: UUID, amount: Decimal, reference: str) -> Movement:
        """Set credits of a wallet aside.

        Raises:
            InsufficientCredits, UserNotFound.
        """
        request = ParticipantRequest.of(request_id, "escrow_hold", user_id=user_id, amount=amount, reference=reference)
        return await self._repository.hold_escrow(
            request,
            user_id=user_id,
            amount=amount,
            reference=reference,
            refuse=lambda: self._why_not_charged(user_id),
        )

    async def release_escrow(self, *, request_id: UUID, escrow_id: UUID, to_user_id: UUID) -> Movement:
        """Give what is in escrow to somebody's wallet.

        Raises:
            EscrowAlreadyResolved, EscrowNotFound, UserNotFound.
        """
        request = ParticipantRequest.of(request_id, "escrow_release", escrow_id=escrow_id, to_user_id=to_user_id)
        return await self._repository.release_escrow(
            request,
            escrow_id=escrow_id,
            to_user_id=to_user_id,
            refuse=lambda: self._why_not_resolved(escrow_id),
        )

    async def void_escrow(self, *, request_id: UUID, escrow_id: UUID) -> Movement:
        """Give what is in escrow back to its owner.

        Raises:
            EscrowAlreadyResolved, EscrowNotFound.
        """
        request = ParticipantRequest.of(request_id, "escrow_void", escrow_id=escrow_id)
        return await self._repository.void_escrow(
            request, escrow_id=escrow_id, refuse=lambda: self._why_not_resolved(escrow_id)
        )

    async def undo_escrow_hold(self, *, request_id: UUID, undoes_request_id: UUID) -> Movement:
        """Void the escrow held under `undoes_request_id`, unless it is voided; leave a tombstone when it never came.

        Raises:
            EscrowAlreadyResolved: it was released.
            UndoMismatch: that id moved credits in another way.
        """
        request = ParticipantRequest.of(request_id, "undo_escrow_hold", undoes_request_id=undoes_request_id)
        movement = await self._repository.undo_escrow_hold(request, undoes_request_id=undoes_request_id)
        if movement is not None:
            return movement
        if await self._repository.kind_of(undoes_request_id) == "escrow_hold":
            raise EscrowAlreadyResolved
        raise UndoMismatch(undoes_request_id=undoes_request_id)

    async def top_up(
        self, *, request_id: UUID, user_id: UUID, provider: str, amount: Decimal, reference: str
    ) -> Movement:
        """Credit a wallet with what a payment provider took in.

        Raises:
            UserNotFound.
        """

        async def refuse() -> ServiceError:
            return UserNotFound()

        request = ParticipantRequest.of(
            request_id, "top_up", user_id=user_id, provider=provider, amount=amount, reference=reference
        )
        return await self._repository.top_up(
            request, user_id=user_id, provider=provider, amount=amount, reference=reference, refuse=refuse
        )

    async def award_points(self, *, request_id: UUID, user_id: UUID, points: int, reference: str) -> Movement:
        """Give loyalty points, a currency of their own (W7); the movement's balance is in points.

        Raises:
            UserNotFound.
        """

        async def refuse() -> ServiceError:
            return UserNotFound()

        request = ParticipantRequest.of(request_id, "points", user_id=user_id, points=points, reference=reference)
        return await self._repository.award_points(
            request, user_id=user_id, points=points, reference=reference, refuse=refuse
        )

    async def statement_of(
        self, user_id: UUID, *, currency: Currency, after: StatementCursor | None, limit: int
    ) -> tuple[list[Entry], StatementCursor | None]:
        """Return a page of what happened in a user's wallet or to their points, newest first, and where it ended.

        Entries come in the order in which they happened. Each is on exactly one page, however many are added while
        somebody turns the pages; those are before the first page.

        Raises:
            UnknownCursor: it is not of that statement.
        """
        account = ACCOUNTS[currency]
        entries = await self._repository.entries_of(user_id, account=account, after=after, limit=limit + 1)
        if after is not None and not entries:  # we give a cursor only when something comes after it
            raise UnknownCursor
        if len(entries) <= limit:
            return entries, None
        last = entries[limit - 1]
        return entries[:limit], StatementCursor(last.transaction_id, last.balance_before)

    async def _refund_to(
        self, recipients: Mapping[UUID, Decimal], *, request_id: UUID, undoes_request_id: UUID, reason: str
    ) -> Movement:
        shares = {str(user_id): str(amount) for user_id, amount in recipients.items()}
        request = ParticipantRequest.of(request_id, "refund", undoes_request_id=undoes_request_id, recipients=shares)
        movement = await self._repository.refund_to(
            request, undoes_request_id=undoes_request_id, recipients=recipients, reference=reason
        )
        if movement is not None:
            return movement
        if not await self._repository.have_wallets(recipients):
            raise UserNotFound
        raise UndoMismatch(undoes_request_id=undoes_request_id)

    async def _why_not_charged(self, payer: UUID, *others: UUID) -> ServiceError:
        for user_id in (payer, *others):
            if await self._repository.balance_of(user_id) is None:
                return UserNotFound()
        return InsufficientCredits()

    async def _why_not_resolved(self, escrow_id: UUID) -> ServiceError:
        match await self._repository.escrow_status(escrow_id):
            case None:
                return EscrowNotFound()
            case "HELD":
                return UserNotFound()  # nothing but an unknown recipient leaves it held
            case _:
                return EscrowAlreadyResolved()
