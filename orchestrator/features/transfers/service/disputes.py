"""Disputed transfers: a party disputes one, an admin reverses it or dismisses the dispute."""

import uuid
from dataclasses import dataclass

from orchestrator.clients import Clients
from orchestrator.clients.orders.transfers import TransferFacts
from orchestrator.errors import TransferInvalidState
from orchestrator.features.transfers.saga.reversal import REVERSAL, Reversal
from orchestrator.features.transfers.saga.transfer import Transfer
from orchestrator.features.transfers.schemas import TransferDismissed, TransferDisputed, TransferReversed
from orchestrator.features.transfers.service.transfers import own_transfer
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.idempotency import request_id_of, start_once
from orchestrator.saga_engine.outcomes import data_of, succeeded


@dataclass(frozen=True, slots=True)
class DisputeService:
    engine: SagaEngine
    clients: Clients

    async def dispute(
        self, transfer_id: uuid.UUID, *, caller_id: uuid.UUID, reason: str, key: str | None
    ) -> TransferDisputed:
        """Dispute a completed transfer, by either party, once. Until an admin decides, the ticket cannot change owner.

        A ticket that the buyer has transferred or sold since cannot be disputed: its new owner is not affected.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Forbidden: the caller is not a party.
            Conflict: TRANSFER_INVALID_STATE.
        """
        transfer = await own_transfer(self.clients, transfer_id, caller_id)
        if transfer.status == "COMPLETED":
            await self._check_disputable(transfer)
        request_id = request_id_of("dispute", user_id=caller_id, key=key)
        await self.clients.transfers.dispute(transfer_id, request_id=request_id, user_id=caller_id, reason=reason)
        return TransferDisputed(transfer_id=transfer_id)

    async def _check_disputable(self, transfer: TransferFacts) -> None:
        if transfer.disputed_at is not None:
            raise TransferInvalidState("An admin has decided that dispute.")
        seat = await self.clients.inventory.seat(transfer.seat_id)
        if (seat.owner_user_id, seat.order_id) != (transfer.buyer_user_id, transfer.order_id):
            raise TransferInvalidState("The ticket has a new owner, or was refunded.")

    async def reverse(self, transfer_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> TransferReversed:
        """Return the ticket to the seller and all credits to the buyer, even if the seller has spent some.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Conflict: TRANSFER_INVALID_STATE, it is not disputed; SEAT_UNAVAILABLE, the ticket was used or is on sale.
            Forbidden: NOT_SEAT_OWNER, the buyer no longer owns the ticket.
            StillRunning: it exceeds the request's budget.
        """
        saga = await start_once(
            self.engine,
            REVERSAL,
            lambda saga_id: self._reversal(saga_id, transfer_id),
            operation="reverse",
            requested_by=admin_id,
            key=key,
            request={"transfer_id": transfer_id},
        )
        reversal = data_of(succeeded(saga), Reversal, otherwise=TransferInvalidState)
        return TransferReversed(
            transfer_id=reversal.transfer_id,
            restored_owner_user_id=reversal.seller_user_id,
            credits_returned=reversal.credits_amount,
            shortfall=reversal.shortfall,
        )

    async def _reversal(self, saga_id: uuid.UUID, transfer_id: uuid.UUID) -> Reversal:
        transfer = await self.clients.transfers.find(transfer_id)
        if transfer.status != "DISPUTED":
            raise TransferInvalidState(details={"status": transfer.status})
        completed = data_of(await self.engine.log.find(transfer_id), Transfer, otherwise=TransferInvalidState)
        return Reversal(
            saga_id=saga_id,
            transfer_id=transfer_id,
            seat_id=transfer.seat_id,
            order_id=transfer.order_id,
            event_id=transfer.event_id,
            seller_user_id=transfer.seller_user_id,
            buyer_user_id=transfer.buyer_user_id,
            credits_amount=transfer.credits_amount,
            price_paid_before=completed.price_paid_before,
        )

    async def dismiss(self, transfer_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> TransferDismissed:
        """Dismiss the dispute of a transfer, which is then completed again.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Conflict: TRANSFER_INVALID_STATE, it is not disputed.
        """
        request_id = request_id_of("dismiss", user_id=admin_id, key=key)
        await self.clients.transfers.dismiss(transfer_id, request_id=request_id)
        return TransferDismissed(transfer_id=transfer_id)
