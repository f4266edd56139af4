"""Transfers in PostgreSQL."""

import uuid
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, TextClause, or_, text

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest
from orders.shared.queries import Reader
from orders.shared.seat_exclusivity import seat_occupied
from orders.shared.transitions import TransitionRunner
from orders.transfers.errors import TransferAlreadyOpened, TransferInvalidState, TransferNotFound
from orders.transfers.models import transfers
from orders.transfers.schemas import (
    ConfirmTransfer,
    DisputeTransfer,
    EndTransfer,
    OpenTransfer,
    Transfer,
    TransferWithHistory,
    UndoneTransfer,
)
from orders.transfers.statements import ABANDON, CONFIRM, DISPUTE, END, MOVE, OPEN, TRANSFERS, transfer_json
from orders.transfers.status import TransferMove, TransferStatus

__all__ = ["TransferRepository"]

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

_FIND: Final = text(f"SELECT {transfer_json('transfers')} AS found FROM transfers WHERE transfer_id = :transfer_id")  # noqa: S608

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


class TransferRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)
        self._mover = TransitionRunner(
            database, TRANSFERS, not_found=TransferNotFound, invalid_state=TransferInvalidState
        )
        self._reader = Reader(database, transfers, transfer_json("transfers"))

    async def open(self, opening: OpenTransfer) -> Transfer:
        """Store a transfer that waits for its codes.

        Raises:
            TransferInProgress: the seat is in another transfer.
            ListingInvalidState: the seat is on the marketplace.
            TransferAlreadyOpened: another request opened that transfer id.
            RequestUndone: the undo of this request came first.
        """
        columns = opening.model_dump(exclude={"request_id"})
        request = ParticipantRequest.of(opening.request_id, "transfer_id.OPEN", **columns)
        attempt = await self._memory.attempt(request, OPEN, columns)
        if attempt.done is not None:
            return Transfer(**attempt.done)
        occupant = attempt.row["occupant"]
        refusal = seat_occupied(occupant) if occupant else TransferAlreadyOpened()
        return Transfer(**await self._memory.remember_refusal(request, refusal))

    async def end(self, transfer_id: uuid.UUID, ending: EndTransfer) -> UndoneTransfer:
        """Undo an opening, also one that never came.

        Raises:
            TransferInvalidState: the transfer became something else; it cannot be undone.
        """
        move = TransferMove.FAIL if ending.status == TransferStatus.FAILED else TransferMove.CANCEL
        arguments = ending.model_dump(exclude={"status"})
        return UndoneTransfer(**await self._mover.undo(transfer_id, move, END, **arguments))

    async def confirm(self, transfer_id: uuid.UUID, confirmation: ConfirmTransfer) -> Transfer:
        """Note who confirmed.

        Raises:
            TransferNotFound: no such transfer.
            TransferInvalidState: it waits for nobody.
        """
        by = {f"by_{party}": party in confirmation.parties for party in ("seller", "buyer")}
        request = ParticipantRequest.of(
            confirmation.request_id, "transfer_id.CONFIRM", key=transfer_id, parties=sorted(confirmation.parties)
        )
        parameters = {"transfer_id": transfer_id, **by}
        refuse = partial(self._mover.refusal, transfer_id)
        return Transfer(**await self._memory.answer(request, CONFIRM, parameters, refuse=refuse))

    async def move(self, transfer_id: uuid.UUID, move: TransferMove, *, request_id: uuid.UUID) -> Transfer:
        """Make a move that needs nothing but the request's id.

        Raises:
            TransferNotFound: no such transfer.
            TransferInvalidState: its status does not allow that.
        """
        return await self._moved(transfer_id, move, MOVE, request_id=request_id)

    async def dispute(self, transfer_id: uuid.UUID, dispute: DisputeTransfer) -> Transfer:
        """Move a COMPLETED transfer to DISPUTED; raises as `move` does."""
        return await self._moved(transfer_id, TransferMove.DISPUTE, DISPUTE, **dispute.model_dump())

    async def abandon_reversal(
        self, transfer_id: uuid.UUID, *, request_id: uuid.UUID, undoes_request_id: uuid.UUID
    ) -> UndoneTransfer:
        """Undo the beginning of a reversal, also one that never came.

        Raises:
            TransferInvalidState: the transfer is reversed.
        """
        undone = await self._mover.undo(
            transfer_id,
            TransferMove.ABANDON_REVERSAL,
            ABANDON,
            request_id=request_id,
            undoes_request_id=undoes_request_id,
        )
        return UndoneTransfer(**undone)

    async def find(self, transfer_id: uuid.UUID) -> Transfer | None:
        found = await self._database.fetch_one(_FIND, {"transfer_id": transfer_id})
        return Transfer(**found["found"]) if found else None

    async def find_with_history(self, transfer_id: uuid.UUID) -> TransferWithHistory | None:
        found = await self._database.fetch_one(_FIND_WITH_HISTORY, {"transfer_id": transfer_id})
        return TransferWithHistory(**found["found"]) if found else None

    async def is_disputed(self, *, seat_id: uuid.UUID, order_id: uuid.UUID) -> bool:
        """Tell whether a transfer of that ticket is DISPUTED or REVERSING."""
        found = await self._database.fetch_one(_IS_DISPUTED, {"seat_id": seat_id, "order_id": order_id})
        return bool(found and found["is_disputed"])

    async def disputed_orders(self, event_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the event's orders of which a ticket's transfer is DISPUTED or REVERSING."""
        return [row["order_id"] for row in await self._database.fetch_all(_DISPUTED_ORDERS, {"event_id": event_id})]

    async def counts(self, event_id: uuid.UUID) -> dict[TransferStatus, int]:
        """Return how many transfers of the event there are of each status; statuses without one are left out."""
        counts = await self._reader.counts(event_id)
        return {TransferStatus(status): count for status, count in counts.items()}

    async def page(
        self, *, party_user_id: uuid.UUID | None, status: TransferStatus | None, limit: int, offset: int
    ) -> tuple[list[Transfer], int]:
        """Return one page, newest first, and how many there are in all. Everybody's when no party is named."""
        conditions = _of_status(status)
        if party_user_id is not None:
            conditions.append(
                or_(transfers.c.seller_user_id == party_user_id, transfers.c.buyer_user_id == party_user_id)
            )
        found, total = await self._reader.page(conditions, limit=limit, offset=offset)
        return [Transfer(**each) for each in found], total

    async def oldest(self, event_id: uuid.UUID, *, status: TransferStatus | None, limit: int) -> list[Transfer]:
        conditions = [transfers.c.event_id == event_id, *_of_status(status)]
        return [Transfer(**each) for each in await self._reader.oldest(conditions, limit=limit)]

    async def _moved(
        self,
        transfer_id: uuid.UUID,
        move: TransferMove,
        statement: TextClause,
        *,
        request_id: uuid.UUID,
        **arguments: Any,
    ) -> Transfer:
        return Transfer(**await self._mover.move(transfer_id, move, statement, request_id=request_id, **arguments))


def _of_status(status: TransferStatus | None) -> list[ColumnElement[bool]]:
    return [] if status is None else [transfers.c.status == status]
