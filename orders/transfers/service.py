"""What the orders service does with transfers."""

import uuid

from common.auth.principal import Principal
from orders.shared.schemas import Requested, Undo
from orders.transfers.errors import NotYourTransfer, TransferNotFound
from orders.transfers.repository import TransferRepository
from orders.transfers.schemas import (
    ConfirmTransfer,
    DisputeTransfer,
    EndTransfer,
    OpenTransfer,
    TicketDispute,
    Transfer,
    TransferWithHistory,
    UndoneTransfer,
)
from orders.transfers.status import TransferMove, TransferStatus

__all__ = ["TransferService"]


class TransferService:
    def __init__(self, repository: TransferRepository) -> None:
        self._transfers = repository

    async def open(self, opening: OpenTransfer) -> Transfer:
        return await self._transfers.open(opening)

    async def end(self, transfer_id: uuid.UUID, ending: EndTransfer) -> UndoneTransfer:
        return await self._transfers.end(transfer_id, ending)

    async def confirm(self, transfer_id: uuid.UUID, confirmation: ConfirmTransfer) -> Transfer:
        return await self._transfers.confirm(transfer_id, confirmation)

    async def dispute(self, transfer_id: uuid.UUID, dispute: DisputeTransfer) -> Transfer:
        return await self._transfers.dispute(transfer_id, dispute)

    async def move(self, transfer_id: uuid.UUID, move: TransferMove, request: Requested) -> Transfer:
        return await self._transfers.move(transfer_id, move, request_id=request.request_id)

    async def abandon_reversal(self, transfer_id: uuid.UUID, undo: Undo) -> UndoneTransfer:
        return await self._transfers.abandon_reversal(transfer_id, **undo.model_dump())

    async def find(self, transfer_id: uuid.UUID) -> Transfer:
        """Return any transfer, for other services.

        Raises:
            TransferNotFound: no such transfer.
        """
        transfer = await self._transfers.find(transfer_id)
        if transfer is None:
            raise TransferNotFound
        return transfer

    async def oldest(self, event_id: uuid.UUID, *, status: TransferStatus | None, limit: int) -> list[Transfer]:
        """Return an event's transfers, the oldest first."""
        return await self._transfers.oldest(event_id, status=status, limit=limit)

    async def dispute_of(self, *, seat_id: uuid.UUID, order_id: uuid.UUID) -> TicketDispute:
        """Tell whether the ticket, the seat sold with that order, is disputed."""
        return TicketDispute(is_disputed=await self._transfers.is_disputed(seat_id=seat_id, order_id=order_id))

    async def disputed_orders(self, event_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the event's orders that have a disputed ticket."""
        return await self._transfers.disputed_orders(event_id)

    async def counts(self, event_id: uuid.UUID) -> dict[TransferStatus, int]:
        """Return how many transfers of the event there are of every status."""
        return dict.fromkeys(TransferStatus, 0) | await self._transfers.counts(event_id)

    async def show(self, transfer_id: uuid.UUID, *, to: Principal) -> TransferWithHistory:
        """Return a transfer with its history to its seller, its buyer or an admin.

        Raises:
            TransferNotFound: no such transfer.
            NotYourTransfer: `to` is none of them.
        """
        transfer = await self._transfers.find_with_history(transfer_id)
        if transfer is None:
            raise TransferNotFound
        if not (to.may_act_for(transfer.seller_user_id) or to.may_act_for(transfer.buyer_user_id)):
            raise NotYourTransfer
        return transfer

    async def list_of(
        self, user: Principal, *, status: TransferStatus | None, limit: int, offset: int
    ) -> tuple[list[Transfer], int]:
        """Return a page of the transfers one gives or gets, and how many there are in all."""
        return await self._transfers.page(party_user_id=user.user_id, status=status, limit=limit, offset=offset)

    async def list_all(self, *, status: TransferStatus | None, limit: int, offset: int) -> tuple[list[Transfer], int]:
        """Return a page of everybody's transfers, and how many there are in all."""
        return await self._transfers.page(party_user_id=None, status=status, limit=limit, offset=offset)
