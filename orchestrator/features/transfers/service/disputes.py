"""Disputed transfers: parties contest them, admins reverse them or let them stand."""

import uuid

from common.db.idempotency import fingerprint_of
from orchestrator.clients.inventory.seats import InventoryClient
from orchestrator.clients.orders.transfers import TransferFacts, TransfersClient
from orchestrator.errors import NotYours, TransferInvalidState
from orchestrator.features.transfers.saga.reversal import REVERSAL, Reversal
from orchestrator.features.transfers.saga.transfer import Transfer
from orchestrator.features.transfers.schemas import TransferDismissed, TransferDisputed, TransferReversed
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.outcomes import earlier, saga_id_of, succeeded
from orchestrator.saga_engine.record import SagaRecord

__all__ = ["DisputeService"]


class DisputeService:
    def __init__(self, engine: SagaEngine, transfers: TransfersClient, inventory: InventoryClient) -> None:
        self._engine = engine
        self._transfers = transfers
        self._inventory = inventory

    async def dispute(
        self, transfer_id: uuid.UUID, *, caller_id: uuid.UUID, reason: str, key: str | None
    ) -> TransferDisputed:
        """Contest a completed transfer, by either party, once. Until an admin decides, the ticket cannot be passed on.

        A ticket that was passed on before is not the buyer's to give back: nobody else's is frozen by a dispute.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Forbidden: somebody else's transfer.
            Conflict: TRANSFER_INVALID_STATE.
        """
        transfer = await self._transfers.find(transfer_id)
        if not transfer.is_party(caller_id):
            raise NotYours
        if transfer.status == "COMPLETED":
            await self._check_contestable(transfer)
        request_id = saga_id_of("dispute", user_id=caller_id, key=key)
        await self._transfers.dispute(transfer_id, request_id=request_id, user_id=caller_id, reason=reason)
        return TransferDisputed(transfer_id=transfer_id)

    async def _check_contestable(self, transfer: TransferFacts) -> None:
        if transfer.disputed_at is not None:
            raise TransferInvalidState("An admin has decided that dispute.")
        seat = await self._inventory.seat(transfer.seat_id)
        if (seat.owner_user_id, seat.order_id) != (transfer.buyer_user_id, transfer.order_id):
            raise TransferInvalidState("The ticket has been passed on, or given back.")

    async def reverse(self, transfer_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> TransferReversed:
        """Give the ticket back to the seller and the credits to the buyer, also those that the seller has spent.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Conflict: TRANSFER_INVALID_STATE, it is not disputed; SEAT_UNAVAILABLE, the ticket was used or is on sale.
            Forbidden: NOT_SEAT_OWNER, the buyer has it no more.
            StillRunning: it takes longer than the request may.
        """
        fingerprint = fingerprint_of({"transfer_id": transfer_id})
        saga_id, saga = await earlier(
            self._engine, saga_id_of("reverse", user_id=admin_id, key=key), key=key, fingerprint=fingerprint
        )
        if saga is not None:
            return _reversed(succeeded(saga))
        transfer = await self._transfers.find(transfer_id)
        if transfer.status != "DISPUTED":
            raise TransferInvalidState(details={"status": transfer.status})
        made = await self._engine.find(transfer_id)
        if made is None or not isinstance(made.data, Transfer):
            raise TransferInvalidState
        reversal = Reversal(
            saga_id=saga_id,
            transfer_id=transfer_id,
            seat_id=transfer.seat_id,
            order_id=transfer.order_id,
            event_id=transfer.event_id,
            seller_user_id=transfer.seller_user_id,
            buyer_user_id=transfer.buyer_user_id,
            credits_amount=transfer.credits_amount,
            price_paid_before=made.data.price_paid_before,
        )
        saga = await self._engine.start(REVERSAL, reversal, requested_by=admin_id, fingerprint=fingerprint)
        return _reversed(succeeded(saga))

    async def dismiss(self, transfer_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> TransferDismissed:
        """Let a disputed transfer stand.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Conflict: TRANSFER_INVALID_STATE, it is not disputed.
        """
        request_id = saga_id_of("dismiss", user_id=admin_id, key=key)
        await self._transfers.dismiss(transfer_id, request_id=request_id)
        return TransferDismissed(transfer_id=transfer_id)


def _reversed(saga: SagaRecord) -> TransferReversed:
    reversal = saga.data
    if not isinstance(reversal, Reversal):
        raise TransferInvalidState
    return TransferReversed(
        transfer_id=reversal.transfer_id,
        restored_owner_user_id=reversal.seller_user_id,
        credits_returned=reversal.credits_amount,
        shortfall=reversal.shortfall,
    )
