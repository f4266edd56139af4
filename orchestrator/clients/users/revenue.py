"""What an event brought in, as the ledger of the users service knows it."""

import uuid
from decimal import Decimal

from common.http.client import ServiceClient

__all__ = ["EventRevenue"]


class EventRevenue:
    def __init__(self, users: ServiceClient) -> None:
        self._users = users

    async def of(self, event_id: uuid.UUID) -> Decimal:
        """Return an event's revenue: what was charged less what was given back."""
        answer = await self._users.get(f"/internal/ledger/revenue/{event_id}")
        return Decimal(answer["revenue"])
