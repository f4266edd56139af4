"""Where admins decide disputed transfers: reverse them, or let them stand."""

import uuid

from common.db.requests import fingerprint_of
from orchestrator.clients.transfers import OrdersTransfers
from orchestrator.engine.engine import SagaEngine
from orchestrator.engine.record import SagaRecord
from orchestrator.errors import TransferInvalidState
from orchestrator.sagas.reversal import REVERSAL, Reversal
from orchestrator.sagas.transfer import Transfer
from orchestrator.schemas.transfers import TransferDismissed, TransferReversed
from orchestrator.service.outcomes import earlier, saga_id_of, succeeded

__all__ = ["DisputeDesk"]


class DisputeDesk:
    def __init__(self, engine: SagaEngine, transfers: OrdersTransfers) -> None:
        self._engine = engine
        self._transfers = transfers

    async def reverse(self, transfer_id: uuid.UUID, *, admin_id: uuid.UUID, key: str | None) -> TransferReversed:
        """Give the ticket back to the seller and the credits to the buyer, also those that the seller has spent.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
            Conflict: TRANSFER_INVALID_STATE, it is not disputed; SEAT_UNAVAILABLE, the ticket was used or is on sale.
            Forbidden: NOT_SEAT_OWNER, the buyer has it no more.
            StillRunning: it takes longer than the request may.
        """
        saga_id = saga_id_of("reverse", user_id=admin_id, key=key)
        fingerprint = fingerprint_of({"transfer_id": transfer_id})
        if saga := await earlier(self._engine, saga_id, key=key, fingerprint=fingerprint):
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
        request_id = saga_id_of(f"dismiss {transfer_id}", user_id=admin_id, key=key)
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
