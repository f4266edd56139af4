"""Payments to performers. Each movement is repeatable by its request id; refusals are stored."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from common.db.idempotency import ParticipantRequest
from common.errors import ServiceError
from common.pages import Total
from users.accounts.errors import UserNotFound
from users.earnings.errors import PerformerNotFound
from users.earnings.repository import EarningsRepository
from users.earnings.schemas import DuePayout, PaidOut, Payout
from users.ledger.repository import LedgerRepository


@dataclass(frozen=True, slots=True)
class EarningsService:
    repository: EarningsRepository
    ledger: LedgerRepository

    async def pay(
        self,
        *,
        request_id: UUID,
        escrow_id: UUID,
        performer_user_id: UUID,
        item_id: UUID,
        is_batched: bool,
        bonus_points: int,
    ) -> UUID:
        """Pay an escrow to a performer's wallet, or to their pending earnings, and award its owner points.

        Returns the transaction's id.

        Raises:
            EscrowAlreadyResolved, EscrowNotFound.
            PerformerNotFound: the performer is unknown, deleted or suspended, or no longer has the role.
        """
        facts = {
            "escrow_id": escrow_id,
            "performer_user_id": performer_user_id,
            "item_id": item_id,
            "bonus_points": bonus_points,
        }

        async def refuse() -> ServiceError:
            return await self.ledger.why_not_resolved(escrow_id, if_held=PerformerNotFound())

        request = ParticipantRequest.of(request_id, "escrow_pay", is_batched=is_batched, **facts)
        return await self.repository.pay(request, facts, is_batched=is_batched, refuse=refuse)

    async def pay_out(self, *, request_id: UUID, performer_user_id: UUID) -> PaidOut:
        """Move all pending earnings of a performer to their wallet, in one movement. What they owe is paid first.

        Without pending earnings there is no movement, but a payout of 0.00: the next one has another number.

        Raises:
            UserNotFound.
        """

        async def refuse() -> ServiceError:
            return UserNotFound()

        request = ParticipantRequest.of(request_id, "pay_out", performer_user_id=performer_user_id)
        payout_id = uuid.uuid5(request_id, "payout")
        return PaidOut.model_validate(
            await self.repository.pay_out(
                request, payout_id=payout_id, performer_user_id=performer_user_id, refuse=refuse
            )
        )

    async def due(self, *, older_than_seconds: float, at_least: Decimal, limit: int) -> list[DuePayout]:
        """Return performers whose pending earnings are old enough, or large enough, to be paid out."""
        return await self.repository.due(older_than_seconds=older_than_seconds, at_least=at_least, limit=limit)

    async def items_of(self, payout_id: UUID, *, after: UUID | None, limit: int) -> list[UUID]:
        """Return the ids of items that a payout paid, in ascending order, those after `after`."""
        return await self.repository.items_of(payout_id, after=after, limit=limit)

    async def payouts_of(self, performer_user_id: UUID, *, limit: int, offset: int) -> tuple[list[Payout], Total]:
        """Return a page of a performer's payouts, newest first, and the number on all pages."""
        return await self.repository.payouts_of(performer_user_id, limit=limit, offset=offset)
