"""Digital orders of fans, the supplier's notices about them, and what became of them, on real services and workers."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from devstack.home import Home
from devstack.keys import keys_of
from devstack.stack import Stack
from orchestrator.clients.orders.digital_orders import (
    DigitalItemFacts,
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrderStatus,
)
from orchestrator.container import Container, build_container
from orchestrator.features.digital_goods.repository import FulfilmentJobStore
from orchestrator.features.digital_goods.schemas.ordering import DigitalOrderRequest, OrderedProduct
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.delivery import DeliveryService
from orchestrator.features.digital_goods.service.failed_orders import FailedDigitalOrderTask
from orchestrator.features.digital_goods.service.ordering import DigitalOrderingService
from orchestrator.features.digital_goods.service.polling import SupplierPollingTask
from orchestrator.jobs.record import JobStatus, JobView
from tests.contracts.databases import Databases
from tests.support.http_client import http_client
from tests.support.orchestrator_settings import orchestrator_settings
from tests.support.waiting import eventually

__all__ = ["PRICE", "RESERVE", "SERVICES", "UNPOLLED", "DigitalGoods", "opened_goods"]

SERVICES: Final = ("sandbox", "users", "orders", "events", "inventory", "orchestrator", "gateway", "worker")
# The tests look for silent orders themselves, so that nothing else makes up for what is lost.
UNPOLLED: Final = {"SUPPLIER_POLL_SECONDS": "86400", "FAILED_DIGITAL_ORDERS_INTERVAL_SECONDS": "86400"}
RESERVE: Final = "/v1/reservations"
PRICE: Final = Decimal("15.00")
CREDITS: Final = "100.00"
NEW_PRODUCT: Final = """
    INSERT INTO products (product_id, name, price, supplier_product_id, stock) VALUES ($1, $3, $2, $3, 1000)
"""
JOBS: Final = "SELECT job_id FROM jobs WHERE kind = 'fulfillment' AND lane = $1 AND payload ->> 'type' = $2"
MAKE_DUE: Final = "UPDATE jobs SET run_at = now(), token_at = now() WHERE job_id = $1 AND status = 'retrying'"
HOLD: Final = """
    UPDATE jobs SET run_at = now() + interval '1 hour', token_at = NULL WHERE job_id = $1 AND status = 'retrying'
"""
EXPIRE_LEASES: Final = "UPDATE jobs SET lease_until = now() WHERE status = 'running'"
LAST_ATTEMPT: Final = """
    UPDATE jobs SET attempts = max_attempts - 1, run_at = now(), token_at = now()
    WHERE job_id = (SELECT job_id FROM webhook_log WHERE external_id = $1) AND status = 'retrying'
"""
WEBHOOK: Final = "SELECT status, outcome, error FROM webhook_log WHERE external_id = $1"
MESSAGES: Final = """
    SELECT routing_key FROM outbox
    WHERE routing_key LIKE 'fulfillment.%' AND convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1
    ORDER BY created_at
"""


@dataclass(frozen=True, kw_only=True)
class DigitalGoods:
    """The orders of fans with 100 credits each; every unit costs 15. `folder` is the storage of codes."""

    container: Container
    databases: Databases
    sandbox: httpx.AsyncClient
    folder: Path
    worker_url: str

    async def order(self, *supplier_products: str) -> uuid.UUID:
        """Order one unit of each product."""
        products = [OrderedProduct(product_id=uuid.uuid4()) for _ in supplier_products]
        for product, name in zip(products, supplier_products, strict=True):
            await self.databases.change("events", NEW_PRODUCT, product.product_id, PRICE, name)
        placed = await self.container.resources.service(DigitalOrderingService).order(
            DigitalOrderRequest(items=tuple(products)),
            buyer_id=await self.databases.new_fan(CREDITS),
            key=None,
            address="",
        )
        return placed.order_id

    async def waiting(self, *supplier_products: str) -> DigitalOrderFacts:
        """Return a new order whose items are reserved, or have failed."""
        order_id = await self.order(*supplier_products)
        await self.job_reaches(order_id, "reserve", JobStatus.COMPLETED)
        return await self.find(order_id)

    async def find(self, order_id: uuid.UUID) -> DigitalOrderFacts:
        return await self.container.resources.clients.digital_orders.find(order_id)

    async def reaches(self, order_id: uuid.UUID, status: DigitalOrderStatus) -> DigitalOrderFacts:
        async def look() -> DigitalOrderFacts:
            order = await self.find(order_id)
            assert order.status is status, f"{order.status}: {order.failure_code} {order.items}"
            return order

        return await eventually(look)

    async def job(self, order_id: uuid.UUID, type_: str) -> JobView:
        rows = await self.databases.read("orchestrator", JOBS, str(order_id), type_)
        assert len(rows) == 1
        return await self.container.resources.jobs.find(rows[0]["job_id"])

    async def job_reaches(
        self, order_id: uuid.UUID, type_: str, status: JobStatus, *, attempts: int | None = None
    ) -> JobView:
        async def look() -> JobView:
            job = await self.job(order_id, type_)
            assert job.status is status, f"{job.status}: {job.error}"
            assert attempts in {None, job.attempts}
            return job

        return await eventually(look)

    async def fail_attempts(self, order_id: uuid.UUID, type_: str, *, times: int) -> list[timedelta]:
        """Let attempts fail, and the next one follow at once; return the pauses that the job would have made."""
        pauses = []
        for number in range(1, times + 1):
            job = await self.job_reaches(order_id, type_, JobStatus.RETRYING, attempts=number)
            assert job.started_at is not None
            pauses.append(job.run_at - job.started_at)
            await self.make_due(job)
        return pauses

    async def make_due(self, job: JobView) -> None:
        await self.databases.change("orchestrator", MAKE_DUE, job.job_id)

    async def hold(self, job: JobView) -> None:
        """Let a job that is to be retried wait, until it is made due."""
        await self.databases.change("orchestrator", HOLD, job.job_id)

    async def expire_leases(self) -> None:
        """Let the jobs of a worker that was killed be lost to it at once."""
        await self.databases.change("orchestrator", EXPIRE_LEASES)

    async def control(self, path: str, /, **body: Any) -> Any:
        answer = await self.sandbox.post(f"/control{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def break_supplier(self, path: str, *, status: int, times: int | None = None) -> None:
        await self.control("/faults", path=path, status=status, times=times)

    async def mend_supplier(self) -> None:
        assert (await self.sandbox.delete("/control/faults")).is_success

    async def units(self, order: DigitalOrderFacts) -> list[dict[str, Any]]:
        """Return the supplier's reservations for an order, by item."""
        found = [
            (await self.sandbox.get("/control/supplier", params={"request_id": str(item.item_id)})).json()
            for item in order.items
        ]
        return [unit for units in found for unit in units]

    async def say(self, reservation_id: str | None, status: str, **notice: Any) -> dict[str, Any]:
        """Let the supplier send a webhook; return how it was received."""
        sent: dict[str, Any] = await self.control(f"/supplier/{reservation_id}", status=status, **notice)
        return sent

    async def tell(self, item: DigitalItemFacts, status: str, **notice: Any) -> str:
        """Let the supplier send a webhook, and return what became of it."""
        sent = await self.say(item.reservation_id, status, **notice)
        return (await self.webhook(sent["webhook_id"]))["status"]

    async def webhook(self, external_id: str) -> Mapping[str, str]:
        """Return a webhook of the log, once it is processed."""

        async def look() -> Mapping[str, str]:
            [row] = await self.databases.read("orchestrator", WEBHOOK, external_id)
            assert row["status"] not in {"received", "processing"}, row
            return row

        return await eventually(look)

    @property
    def delivery(self) -> DeliveryService:
        return self.container.resources.service(DeliveryService)

    async def early_webhook(self, external_id: str) -> None:
        """Wait until a webhook waits for its reservation."""

        async def look() -> bool:
            [row] = await self.databases.read("orchestrator", WEBHOOK, external_id)
            return row["error"] is not None

        await eventually(look)

    async def give_up_webhook(self, external_id: str) -> None:
        """Let the job of a webhook make its last attempt at once."""
        await self.databases.change("orchestrator", LAST_ATTEMPT, external_id)

    def poller(
        self, *, longer_than: timedelta = timedelta(0), settles_after: timedelta = timedelta(days=14)
    ) -> SupplierPollingTask:
        orders = self.container.resources.clients.digital_orders
        return SupplierPollingTask(
            orders=orders, delivery=self.delivery, longer_than=longer_than, settles_after=settles_after
        )

    async def settle_failed(self, *, keep: timedelta = timedelta(hours=72)) -> None:
        """Look for orders that no job works on, as two workers do at once."""
        resources = self.container.resources
        task = FailedDigitalOrderTask(
            delivery=self.delivery,
            jobs=resources.jobs,
            store=FulfilmentJobStore(resources.database),
            keep=keep,
            settles_after=timedelta(days=14),
            grace=timedelta(0),
        )
        await asyncio.gather(task.settle_all(), task.settle_all())

    @asynccontextmanager
    async def storage_away(self) -> AsyncIterator[None]:
        """Put a file where the folder of orders is: nothing can be written or read."""
        orders, kept = self.folder / "orders", self.folder / "orders.kept"
        orders.mkdir(parents=True, exist_ok=True)
        orders.rename(kept)
        orders.touch()
        try:
            yield
        finally:
            orders.unlink()
            kept.rename(orders)

    async def codes(self, order_id: uuid.UUID) -> list[str]:
        """Return the codes of the stored object."""
        document = await self.container.resources.service(OrderCodes).read(await self.find(order_id))
        return [each.code for each in document.codes]

    async def messages_about(self, order_id: uuid.UUID) -> list[str]:
        rows = await self.databases.read("orders", MESSAGES, str(order_id))
        return [row["routing_key"].removeprefix("fulfillment.") for row in rows]

    async def metric(self, sample: str) -> float:
        """Return a sample of the worker's metrics, such as ``jobs_dead{kind="email"}``."""
        async with http_client(self.worker_url) as worker:
            lines = (await worker.get("/metrics")).text.splitlines()
        [value] = [line.removeprefix(sample) for line in lines if line.startswith(f"{sample} ")]
        return float(value)

    async def assert_delivered_once(self, order_id: uuid.UUID) -> list[str]:
        """Wait for the end; check that the buyer has and pays exactly what the supplier delivered, and return the codes."""
        order = await self.reaches(order_id, DigitalOrderStatus.FULFILLED)
        await self.job_reaches(order_id, "reserve", JobStatus.COMPLETED)
        await self.job_reaches(order_id, "store", JobStatus.COMPLETED)
        came = [item for item in order.items if item.status is DigitalItemStatus.DELIVERED]
        bought = [(unit["request_id"], unit["reservation_id"]) for unit in await self.units(order)]
        assert [(str(item.item_id), item.reservation_id) for item in order.items if item.reservation_id] == bought
        assert await self.databases.balance_of(order.buyer_user_id) == Decimal(CREDITS) - PRICE * len(came)
        assert await self.messages_about(order_id) == ["paid", "reserved", "ready", "fulfilled"]
        return await self.codes(order_id)

    async def assert_delivered(self, order_id: uuid.UUID, *, items: int) -> list[str]:
        """Wait for the end; check that the buyer pays for so many items, and return their codes."""
        order = await self.reaches(order_id, DigitalOrderStatus.FULFILLED)
        came = [item for item in order.items if item.status is DigitalItemStatus.DELIVERED]
        assert len(came) == items
        assert await self.databases.balance_of(order.buyer_user_id) == Decimal(CREDITS) - PRICE * items
        return await self.codes(order_id)

    async def assert_refunded(self, order_id: uuid.UUID) -> None:
        order = await self.reaches(order_id, DigitalOrderStatus.REFUNDED)
        assert await self.databases.balance_of(order.buyer_user_id) == Decimal(CREDITS)


@asynccontextmanager
async def opened_goods(stack: Stack, *, rabbitmq_url: str, **settings: Any) -> AsyncIterator[DigitalGoods]:
    """Connect to a platform: orders are placed and silent ones settled in this process, everything else by the platform."""
    folder = Home(stack.home).path / "objects"
    container = build_container(
        orchestrator_settings(
            stack,
            database_url=stack.urls.databases["orchestrator"],
            rabbitmq_url=rabbitmq_url,
            supplier_api_url=stack.urls.sandbox,
            object_folder=folder,
            **settings,
        )
    )
    secret = keys_of(Home(stack.home)).service_token_secret
    databases = Databases(stack.urls.databases, users_url=stack.urls.users, service_token_secret=secret)
    async with databases, http_client(stack.urls.sandbox) as sandbox:
        yield DigitalGoods(
            container=container,
            databases=databases,
            sandbox=sandbox,
            folder=folder,
            worker_url=stack.urls.health_of("worker"),
        )
        await container.close()
