"""The orders service's book of transfers."""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money
from orchestrator.clients.models import Ticket
from orchestrator.saga_engine.plan import Call

__all__ = ["TransferFacts", "TransfersClient"]


class TransferFacts(BaseModel):
    """A transfer as the orders service has it. `waiting_for` names the parties that have not confirmed."""

    model_config = ConfigDict(extra="ignore")

    transfer_id: uuid.UUID
    seat_id: uuid.UUID
    order_id: uuid.UUID
    event_id: uuid.UUID
    seller_user_id: uuid.UUID
    buyer_user_id: uuid.UUID
    credits_amount: Money
    status: str
    waiting_for: list[str]
    expires_at: datetime
    reason: str | None = None
    disputed_at: datetime | None = None

    def is_party(self, user_id: uuid.UUID) -> bool:
        return user_id in {self.seller_user_id, self.buyer_user_id}

    def party_of(self, user_id: uuid.UUID) -> str:
        """Return what a party is in this transfer: `seller` or `buyer`."""
        return "seller" if user_id == self.seller_user_id else "buyer"

    def user_of(self, party: str) -> uuid.UUID:
        return self.seller_user_id if party == "seller" else self.buyer_user_id


class TransfersClient:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def open(
        self,
        call: Call,
        *,
        transfer_id: uuid.UUID,
        ticket: Ticket,
        seller_user_id: uuid.UUID,
        buyer_user_id: uuid.UUID,
        initiated_by_user_id: uuid.UUID,
        credits_amount: Decimal,
        expires_at: datetime,
    ) -> None:
        """Open a transfer. When the ticket is in another: TRANSFER_IN_PROGRESS; on sale: LISTING_INVALID_STATE."""
        await self._orders.post(
            "/internal/transfers",
            {
                "request_id": call.request_id,
                "transfer_id": transfer_id,
                **ticket.model_dump(exclude={"price"}),
                "seller_user_id": seller_user_id,
                "buyer_user_id": buyer_user_id,
                "initiated_by_user_id": initiated_by_user_id,
                "credits_amount": f"{credits_amount:.2f}",
                "expires_at": expires_at,
            },
        )

    async def end(self, call: Call, *, transfer_id: uuid.UUID, status: str) -> None:
        """Undo the opening: the transfer becomes FAILED or CANCELLED, for the reason the call gives."""
        await self._orders.post(
            f"/internal/transfers/{transfer_id}/end",
            {
                "request_id": call.request_id,
                "undoes_request_id": call.undoes_request_id,
                "status": status,
                "reason": call.reason,
            },
        )

    async def complete(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        await self._move(transfer_id, "complete", call)

    async def begin_reversal(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        """Begin to reverse a disputed transfer. Any other one: TRANSFER_INVALID_STATE."""
        await self._move(transfer_id, "begin-reversal", call)

    async def abandon_reversal(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        await self._orders.post(
            f"/internal/transfers/{transfer_id}/abandon-reversal",
            {"request_id": call.request_id, "undoes_request_id": call.undoes_request_id},
        )

    async def reverse(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        await self._move(transfer_id, "reverse", call)

    async def find(self, transfer_id: uuid.UUID) -> TransferFacts:
        """Return a transfer.

        Raises:
            NotFound: TRANSFER_NOT_FOUND.
        """
        return TransferFacts.model_validate(await self._orders.get(f"/internal/transfers/{transfer_id}"))

    async def is_disputed(self, *, seat_id: uuid.UUID, order_id: uuid.UUID) -> bool:
        """Return whether a transfer of that ticket is disputed, or being reversed."""
        query = {"seat_id": str(seat_id), "order_id": str(order_id)}
        answer = await self._orders.get("/internal/transfers/disputed", query)
        return bool(answer["is_disputed"])

    async def disputed_orders(self, event_id: uuid.UUID) -> frozenset[uuid.UUID]:
        """Return an event's orders of which a ticket is disputed."""
        found = await self._orders.get("/internal/transfers/disputed-orders", {"event_id": str(event_id)})
        return frozenset(map(uuid.UUID, found))

    async def counts(self, event_id: uuid.UUID) -> Counter[str]:
        """Return how many transfers an event has, by status."""
        return Counter(await self._orders.get("/internal/transfers/counts", {"event_id": str(event_id)}))

    async def of_event(self, event_id: uuid.UUID, *, status: str, limit: int) -> list[TransferFacts]:
        """Return an event's oldest transfers of a status."""
        query: dict[str, Any] = {"event_id": str(event_id), "status": status, "limit": limit}
        return [TransferFacts.model_validate(found) for found in await self._orders.get("/internal/transfers", query)]

    async def confirm(self, transfer_id: uuid.UUID, parties: Sequence[str]) -> TransferFacts:
        """Note who has confirmed.

        Raises:
            Conflict: TRANSFER_INVALID_STATE, it is over.
        """
        body = {"request_id": uuid.uuid4(), "parties": list(parties)}
        return TransferFacts.model_validate(
            await self._orders.post(f"/internal/transfers/{transfer_id}/confirmations", body)
        )

    async def dispute(
        self, transfer_id: uuid.UUID, *, request_id: uuid.UUID, user_id: uuid.UUID, reason: str
    ) -> TransferFacts:
        """COMPLETED -> DISPUTED.

        Raises:
            Conflict: TRANSFER_INVALID_STATE.
        """
        body = {"request_id": request_id, "user_id": user_id, "reason": reason}
        return TransferFacts.model_validate(await self._orders.post(f"/internal/transfers/{transfer_id}/dispute", body))

    async def dismiss(self, transfer_id: uuid.UUID, *, request_id: uuid.UUID) -> TransferFacts:
        """DISPUTED -> COMPLETED.

        Raises:
            Conflict: TRANSFER_INVALID_STATE.
        """
        answer = await self._orders.post(f"/internal/transfers/{transfer_id}/dismiss", {"request_id": request_id})
        return TransferFacts.model_validate(answer)

    async def _move(self, transfer_id: uuid.UUID, move: str, call: Call) -> None:
        await self._orders.post(f"/internal/transfers/{transfer_id}/{move}", {"request_id": call.request_id})
