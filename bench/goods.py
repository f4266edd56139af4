"""Fans order a code each, in batches; the sandbox delivers what it has reserved; each batch ends when every order is fulfilled."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

from bench.connection import Connection
from bench.errors import BenchFailedError
from bench.load_users import Fan
from bench.purchases import connected
from devstack.database import connected as connected_database
from devstack.services import Urls

__all__ = ["GoodsOrders", "GoodsShop"]

PRODUCT: Final = {
    "name": "Lantern Drift",
    "description": "A quiet game about a lamp, a boat and a long river.",
    "price": "15.00",
    "supplier_product_id": "lantern-drift-standard",
}
POLL_SECONDS: Final = 0.2
STALLED_SECONDS: Final = 300.0
COUNT: Final = "SELECT count(*) FROM digital_orders WHERE status = 'FULFILLED'"


@dataclass(slots=True)
class GoodsOrders:
    """The latency of each order's response, and how long all orders took until they were fulfilled, in seconds."""

    seconds: float = 0.0
    order_seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    """Of the worker, in MiB: before the first batch, and after each."""

    @property
    def orders(self) -> int:
        return len(self.order_seconds)


@dataclass(frozen=True, kw_only=True)
class GoodsShop:
    """A product that the sandbox delivers as soon as it is reserved."""

    urls: Urls
    product_id: uuid.UUID

    @classmethod
    async def open(cls, urls: Urls, *, admin_token: str) -> "GoodsShop":
        """Add a product, and let the sandbox deliver.

        Raises:
            BenchFailedError: a request was refused.
        """
        async with connected(urls.gateway, 1) as [connection]:
            added = await connection.post("/api/admin/products", PRODUCT, token=admin_token)
        if added.status != HTTPStatus.CREATED:
            raise BenchFailedError(f"refused with {added.status}: {added.content.decode()}")
        async with httpx.AsyncClient(base_url=urls.sandbox, trust_env=False) as sandbox:
            body = {"notice": {"status": "delivered"}}
            (await sandbox.post("/control/supplier-automatic", json=body)).raise_for_status()
        return cls(urls=urls, product_id=uuid.UUID(added.data["product_id"]))

    async def sell(
        self, fans: Sequence[Fan], *, clients: int, batch: int, read_memory: Callable[[], float]
    ) -> GoodsOrders:
        """Let this many clients order, each the next one as soon as it is free (a closed loop), in batches.

        Raises:
            BenchFailedError: an order was refused, or the orders do not proceed.
        """
        orders = GoodsOrders(memory=[read_memory()])
        fulfilled = await self._fulfilled()
        for first in range(0, len(fans), batch):
            began, part = time.perf_counter(), fans[first : first + batch]
            queue = iter(part)
            async with connected(self.urls.gateway, clients) as connections:
                await asyncio.gather(*(self._order_each(connection, queue, orders) for connection in connections))
            fulfilled += len(part)
            await self._wait_until(fulfilled)
            orders.seconds += time.perf_counter() - began
            orders.memory.append(read_memory())
        return orders

    async def _order_each(self, connection: Connection, fans: Iterator[Fan], done: GoodsOrders) -> None:
        body: dict[str, Any] = {"items": [{"product_id": self.product_id}], "pay_with": "credits"}
        for fan in fans:
            began = time.perf_counter()
            answer = await connection.post("/api/digital-orders", body, token=fan.token, key=uuid.uuid4().hex)
            done.order_seconds.append(time.perf_counter() - began)
            if answer.status != HTTPStatus.CREATED:
                raise BenchFailedError(f"refused with {answer.status}: {answer.content.decode()}")

    async def _wait_until(self, wanted: int) -> None:
        """Wait until this many orders are fulfilled."""
        seen, moved_at = await self._fulfilled(), time.monotonic()
        while seen < wanted:
            await asyncio.sleep(POLL_SECONDS)
            now = await self._fulfilled()
            if now > seen:
                seen, moved_at = now, time.monotonic()
            elif time.monotonic() - moved_at > STALLED_SECONDS:
                raise BenchFailedError(f"only {seen} of {wanted} orders are fulfilled, and no more follow")

    async def _fulfilled(self) -> int:
        async with connected_database(self.urls.databases["orders"]) as connection:
            return int(await connection.fetchval(COUNT))
