"""What the clients of the orders service share: each aggregate has the same kinds of routes."""

import uuid
from collections import Counter
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from common.http.client import ServiceClient
from common.rows import readable
from orchestrator.clients.calls import post
from orchestrator.saga_engine.plan import Call

__all__ = ["AggregateClient"]

Facts = TypeVar("Facts", bound=BaseModel)


class AggregateClient(Generic[Facts]):
    """One aggregate of the orders service: its routes are under `path`, and it is read as `facts`."""

    path: str
    facts: type[Facts]

    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def find(self, aggregate_id: uuid.UUID) -> Facts:
        """Return an order, a transfer or a listing.

        Raises:
            NotFound: ORDER_NOT_FOUND, TRANSFER_NOT_FOUND or LISTING_NOT_FOUND.
        """
        return self.facts.model_validate(await self._orders.get(f"{self.path}/{aggregate_id}"))

    async def counts(self, event_id: uuid.UUID) -> Counter[str]:
        """Return how many an event has, by status."""
        return Counter(await self._orders.get(f"{self.path}/counts", {"event_id": str(event_id)}))

    async def of_event(self, event_id: uuid.UUID, *, status: str, limit: int, **query: int) -> list[Facts]:
        """Return an event's aggregates of a status, oldest first."""
        params = {"event_id": str(event_id), "status": status, "limit": limit, **query}
        return readable(await self._orders.get(self.path, params), self.facts.model_validate, of=self.path)

    async def _open(self, call: Call, **facts: object) -> None:
        await post(self._orders, self.path, call, **facts)

    async def begin_owner_change(self, call: Call, aggregate_id: uuid.UUID) -> None:
        """Note that the ticket is about to change owner, which blocks disputes. If it is disputed, this is refused."""
        await self._post(aggregate_id, "begin-owner-change", call)

    async def abandon_owner_change(self, call: Call, aggregate_id: uuid.UUID) -> None:
        await self._post(aggregate_id, "abandon-owner-change", call)

    async def _post(self, aggregate_id: uuid.UUID, route: str, call: Call, **facts: object) -> Any:
        return await post(self._orders, f"{self.path}/{aggregate_id}/{route}", call, **facts)

    async def _ask(self, aggregate_id: uuid.UUID, route: str, **body: Any) -> Facts:
        return self.facts.model_validate(await self._orders.post(f"{self.path}/{aggregate_id}/{route}", body))
