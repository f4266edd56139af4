"""The orders service's subscriptions of fans to performers (M2)."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.http.client import ServiceClient
from common.money import Money
from common.pages import Cursor
from common.rows import readable

__all__ = ["SubscriptionFacts", "SubscriptionsClient"]

PATH = "/internal/subscriptions"


class SubscriptionFacts(BaseModel):
    """A fan's subscription to a performer. It grants access until `ends_at`; if it `renews`, an hour before that."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    subscription_id: uuid.UUID
    user_id: uuid.UUID
    performer_id: uuid.UUID
    price: Money
    """For one period, as agreed; a renewal never costs more."""
    renews: bool
    is_active: bool
    periods: int
    """Paid so far; the id of a renewal's saga derives from it."""
    ends_at: datetime


class SubscriptionsClient:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def find(self, user_id: uuid.UUID, *, performer_id: uuid.UUID) -> SubscriptionFacts | None:
        """Return a fan's subscription to a performer, also one that has ended."""
        query = {"user_id": str(user_id), "performer_id": str(performer_id)}
        [*rows] = await self._orders.get(PATH, query)
        return SubscriptionFacts.model_validate(rows[0]) if rows else None

    async def resume(self, subscription_id: uuid.UUID) -> SubscriptionFacts:
        """Let a cancelled subscription renew again, before it has ended.

        Raises:
            Conflict: SUBSCRIPTION_INVALID_STATE, it has ended.
        """
        return SubscriptionFacts.model_validate(await self._orders.post(f"{PATH}/{subscription_id}/resume", {}))

    async def due(self, *, limit: int, after: SubscriptionFacts | None) -> list[SubscriptionFacts]:
        """Return subscriptions that are to be renewed now, the earliest end first; those behind `after`."""
        place = {} if after is None else {"after": str(Cursor(after.ends_at, after.subscription_id))}
        rows = await self._orders.get(f"{PATH}/due", {"limit": limit, **place})
        return readable(rows, SubscriptionFacts.model_validate, of="subscriptions", key="subscription_id")

    async def end(self, subscription_id: uuid.UUID, *, periods: int, reason: str) -> None:
        """End a subscription that could not be renewed; `subscription.ended` leaves with the write.

        Nothing changes if more periods were paid since.
        """
        await self._orders.post(f"{PATH}/{subscription_id}/end", {"periods": periods, "reason": reason})

    async def remind(self, *, days_before: int, limit: int) -> int:
        """Announce renewals: `subscription.ending_soon` leaves once for each period. Return how many were announced."""
        answer = await self._orders.post(f"{PATH}/remind", {"days_before": days_before, "limit": limit})
        return int(answer["reminded"])
