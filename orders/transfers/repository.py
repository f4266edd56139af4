"""Transfers in PostgreSQL."""

import uuid
from functools import partial
from typing import Final

from sqlalchemy import or_, text

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from common.pages import Cursor, Total
from orders.shared.repository import SeatAggregateRepository
from orders.transfers.errors import TransferAlreadyOpened, TransferInvalidState, TransferNotFound
from orders.transfers.models import transfers
from orders.transfers.schemas import ConfirmTransfer, Transfer, TransferWithHistory, UndoneTransfer
from orders.transfers.statements import CONFIRM, MOVES, OPEN, TRANSFERS, transfer_json
from orders.transfers.status import TransferStatus

_IS_DISPUTED: Final = text(
    """
    SELECT EXISTS (
        SELECT FROM transfers
        WHERE seat_id = :seat_id AND order_id = :order_id AND status IN ('DISPUTED', 'REVERSING')) AS is_disputed
    """
)

_DISPUTED_ORDERS: Final = text(
    """
    SELECT DISTINCT order_id FROM transfers WHERE event_id = :event_id AND status IN ('DISPUTED', 'REVERSING')
    """
)

_FIND_WITH_HISTORY: Final = text(
    f"""
    SELECT {transfer_json("transfers")} || jsonb_build_object('history', (
        SELECT jsonb_agg(
            jsonb_build_object(
                'from_status', from_status, 'to_status', to_status, 'at', at, 'user_id', user_id, 'reason', reason)
            ORDER BY history_id)
        FROM transfer_history AS entry WHERE entry.transfer_id = transfers.transfer_id)) AS found
    FROM transfers WHERE transfer_id = :transfer_id
    """  # noqa: S608
)


class TransferRepository(SeatAggregateRepository[Transfer, UndoneTransfer]):
    def __init__(self, database: Database) -> None:
        super().__init__(
            database,
            TRANSFERS,
            Transfer,
            undone=UndoneTransfer,
            open_statement=OPEN,
            statements=MOVES,
            not_found=TransferNotFound,
            invalid_state=TransferInvalidState,
            already_opened=TransferAlreadyOpened,
        )

    async def confirm(self, transfer_id: uuid.UUID, confirmation: ConfirmTransfer) -> Transfer:
        """Note which parties have confirmed.

        Raises:
            TransferNotFound: no such transfer.
            TransferInvalidState: it is not PENDING_OTP.
        """
        by = {f"by_{party}": party in confirmation.parties for party in ("seller", "buyer")}
        request = ParticipantRequest.of(
            confirmation.request_id, "transfer_id.CONFIRM", key=transfer_id, parties=sorted(confirmation.parties)
        )
        parameters = {"transfer_id": transfer_id, **by}
        refuse = partial(self._transitions.refusal, transfer_id)
        return Transfer(**await self._store.answer(request, CONFIRM, parameters, refuse=refuse))

    async def find_with_history(self, transfer_id: uuid.UUID) -> TransferWithHistory | None:
        row = await self._database.fetch_one(_FIND_WITH_HISTORY, {"transfer_id": transfer_id})
        return TransferWithHistory(**row["found"]) if row else None

    async def is_disputed(self, *, seat_id: uuid.UUID, order_id: uuid.UUID) -> bool:
        """Return whether a transfer of that ticket is DISPUTED or REVERSING."""
        row = await self._database.fetch_one(_IS_DISPUTED, {"seat_id": seat_id, "order_id": order_id})
        return bool(row and row["is_disputed"])

    async def disputed_orders(self, event_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the event's orders that have a ticket whose transfer is DISPUTED or REVERSING."""
        return [row["order_id"] for row in await self._database.fetch_all(_DISPUTED_ORDERS, {"event_id": event_id})]

    async def page(
        self,
        *,
        party_user_id: uuid.UUID | None,
        status: TransferStatus | None,
        limit: int,
        offset: int,
        after: Cursor | None = None,
    ) -> tuple[list[Transfer], Total]:
        """Return one page, newest first, and the number on all pages; those of every user if no party is named."""
        parties = (transfers.c.seller_user_id, transfers.c.buyer_user_id)
        of_party = () if party_user_id is None else (or_(*(party == party_user_id for party in parties)),)
        return await self._page(*of_party, status=status, limit=limit, offset=offset, after=after)
