"""The orders service's transfers of tickets."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from common.money import Money
from orchestrator.clients.models import Ticket
from orchestrator.clients.orders.aggregate import AggregateClient
from orchestrator.saga_engine.plan import Call


class TransferFacts(BaseModel):
    """A transfer in the orders service. `waiting_for` names the parties that have not confirmed."""

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
        """Return a party's role in this transfer: `seller` or `buyer`."""
        return "seller" if user_id == self.seller_user_id else "buyer"

    def user_of(self, party: str) -> uuid.UUID:
        return self.seller_user_id if party == "seller" else self.buyer_user_id


class TransfersClient(AggregateClient[TransferFacts]):
    path = "/internal/transfers"
    facts = TransferFacts

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
        """Open a transfer.

        Raises:
            Conflict: TRANSFER_IN_PROGRESS, the ticket is in another one; LISTING_INVALID_STATE, it is listed.
        """
        await self._open(
            call,
            transfer_id=transfer_id,
            **ticket.model_dump(exclude={"price"}),
            seller_user_id=seller_user_id,
            buyer_user_id=buyer_user_id,
            initiated_by_user_id=initiated_by_user_id,
            credits_amount=f"{credits_amount:.2f}",
            expires_at=expires_at,
        )

    async def end(self, call: Call, *, transfer_id: uuid.UUID, status: str) -> None:
        """Undo the opening: the transfer becomes FAILED or CANCELLED, for the reason that the call gives."""
        await self._post(transfer_id, "end", call, status=status, reason=call.reason)

    async def complete(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        await self._post(transfer_id, "complete", call)

    async def begin_reversal(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        """Begin to reverse a transfer. If it is not DISPUTED: TRANSFER_INVALID_STATE."""
        await self._post(transfer_id, "begin-reversal", call)

    async def abandon_reversal(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        await self._post(transfer_id, "abandon-reversal", call)

    async def reverse(self, call: Call, *, transfer_id: uuid.UUID) -> None:
        await self._post(transfer_id, "reverse", call)

    async def is_disputed(self, *, seat_id: uuid.UUID, order_id: uuid.UUID) -> bool:
        """Return whether a transfer of that ticket is disputed or being reversed."""
        query = {"seat_id": str(seat_id), "order_id": str(order_id)}
        return bool((await self._orders.get(f"{self.path}/disputed", query))["is_disputed"])

    async def confirm(self, transfer_id: uuid.UUID, parties: Sequence[str]) -> TransferFacts:
        """Record the parties that have confirmed.

        Raises:
            Conflict: TRANSFER_INVALID_STATE, the transfer is over.
        """
        return await self._ask(transfer_id, "confirmations", request_id=uuid.uuid4(), parties=list(parties))

    async def dispute(
        self, transfer_id: uuid.UUID, *, request_id: uuid.UUID, user_id: uuid.UUID, reason: str
    ) -> TransferFacts:
        """COMPLETED -> DISPUTED; from any other status: TRANSFER_INVALID_STATE."""
        return await self._ask(transfer_id, "dispute", request_id=request_id, user_id=user_id, reason=reason)

    async def dismiss(self, transfer_id: uuid.UUID, *, request_id: uuid.UUID) -> TransferFacts:
        """DISPUTED -> COMPLETED; from any other status: TRANSFER_INVALID_STATE."""
        return await self._ask(transfer_id, "dismiss", request_id=request_id)
