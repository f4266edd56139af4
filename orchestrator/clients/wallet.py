"""The ledger of the users service."""

import uuid
from decimal import Decimal

from common.http.client import ServiceClient
from orchestrator.engine.plan import Call
from orchestrator.sagas.participants import Charge

__all__ = ["UsersWallet"]


class UsersWallet:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def charge(
        self, call: Call, *, user_id: uuid.UUID, event_id: uuid.UUID, amount: Decimal, reference: uuid.UUID
    ) -> Charge:
        answer = await self._users.post(
            "/internal/ledger/deduct",
            {
                "request_id": call.request_id,
                "user_id": user_id,
                "event_id": event_id,
                "amount": f"{amount:.2f}",
                "reference": str(reference),
            },
        )
        return Charge.model_validate(answer)

    async def refund(self, call: Call) -> None:
        await self._users.post(
            "/internal/ledger/refund",
            {
                "request_id": call.request_id,
                "undoes_request_id": call.undoes_request_id,
                "reason": call.reason,
            },
        )
