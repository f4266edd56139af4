"""What the orders service does with transfers."""

import uuid

from common.auth.principal import Principal
from common.pages import Cursor, Total
from orders.shared.service import SeatAggregateService
from orders.transfers.errors import NotYourTransfer, TransferNotFound
from orders.transfers.repository import TransferRepository
from orders.transfers.schemas import (
    ConfirmTransfer,
    EndTransfer,
    TicketDispute,
    Transfer,
    TransferWithHistory,
    UndoneTransfer,
)
from orders.transfers.status import TransferMove, TransferStatus


class TransferService(SeatAggregateService[Transfer, UndoneTransfer, TransferStatus]):
    statuses = TransferStatus
    not_found = TransferNotFound

    def __init__(self, repository: TransferRepository) -> None:
        super().__init__(repository)
        self._transfers = repository

    async def end(self, transfer_id: uuid.UUID, ending: EndTransfer) -> UndoneTransfer:
        """Undo an opening, even if it never arrived.

        Raises:
            TransferInvalidState: the transfer has moved on.
        """
        move = TransferMove.FAIL if ending.status == TransferStatus.FAILED else TransferMove.CANCEL
        return await self._transfers.undo(transfer_id, move, ending)

    async def confirm(self, transfer_id: uuid.UUID, confirmation: ConfirmTransfer) -> Transfer:
        return await self._transfers.confirm(transfer_id, confirmation)

    async def dispute_of(self, *, seat_id: uuid.UUID, order_id: uuid.UUID) -> TicketDispute:
        """Return whether the ticket, the seat sold with that order, is disputed."""
        return TicketDispute(is_disputed=await self._transfers.is_disputed(seat_id=seat_id, order_id=order_id))

    async def disputed_orders(self, event_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the event's orders that have a disputed ticket."""
        return await self._transfers.disputed_orders(event_id)

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

    async def page(
        self,
        *,
        party_user_id: uuid.UUID | None = None,
        status: TransferStatus | None,
        limit: int,
        offset: int,
        after: Cursor | None,
    ) -> tuple[list[Transfer], Total]:
        """Return a page of a user's transfers, or of all, and the number on all pages."""
        return await self._transfers.page(
            party_user_id=party_user_id, status=status, limit=limit, offset=offset, after=after
        )
