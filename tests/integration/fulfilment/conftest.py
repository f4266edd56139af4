"""The jobs of digital orders on a real database and broker, with the sandbox as the supplier."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from devstack.sandbox.settings import Settings
from orchestrator.clients.orders.digital_orders import DigitalItemFacts, DigitalOrderFacts
from orchestrator.features.digital_goods.adapters.supplier import SupplierApi
from orchestrator.features.digital_goods.jobs import POLICY, FulfilmentJobHandler
from orchestrator.features.digital_goods.models import KIND, Fulfil
from orchestrator.features.digital_goods.service.delivery import DeliveryOutcome, DeliveryService
from orchestrator.features.digital_goods.service.polling import SilentOrderTask
from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks
from orchestrator.jobs.record import JobStatus, JobView
from orchestrator.jobs.service import JobQueue
from tests.integration.fulfilment.orders import Codes, Orders, Sagas, new_order
from tests.integration.jobs.conftest import database, harness, opened_harness, orchestrator_url
from tests.integration.jobs.harness import BACKOFF_SECONDS, JobHarness
from tests.integration.providers.conftest import (
    TIMEOUT_SECONDS,
    Control,
    WebhookReceiver,
    control,
    running_receiver,
    sandbox_url,
    settings,
    webhook_receiver,
)

__all__ = [
    "control",
    "database",
    "harness",
    "opened_harness",
    "orchestrator_url",
    "running_receiver",
    "sandbox_url",
    "settings",
    "webhook_receiver",
]  # fmt: skip

SIGNATURE = "X-KINGUIN-SIGNATURE"
RULES = replace(POLICY, retry_seconds=BACKOFF_SECONDS)


@dataclass
class Goods:
    orders: Orders
    codes: Codes
    sagas: Sagas
    delivery: DeliveryService
    jobs: JobQueue
    harness: JobHarness
    control: Control
    receiver: WebhookReceiver
    webhooks: SupplierWebhooks
    handler: FulfilmentJobHandler

    async def order(self, *supplier_product_ids: str) -> tuple[DigitalOrderFacts, JobView]:
        """Return a new order of one unit each, and its reserve job."""
        order = self.orders.add(new_order(*supplier_product_ids))
        job = await self.jobs.enqueue(
            KIND,
            Fulfil(order_id=order.order_id, type="reserve"),
            idempotency_key=f"reserve {order.order_id}",
            lane=str(order.order_id),
        )
        return order, job

    async def start_worker(self, **options: Any) -> None:
        await self.harness.start_worker((RULES, self.handler.run), payload_model=Fulfil, **options)

    async def reserved(self, *supplier_product_ids: str) -> DigitalOrderFacts:
        """Return an order whose items are reserved."""
        order, job = await self.order(*supplier_product_ids)
        await self.harness.reaches(job, JobStatus.COMPLETED)
        return await self.orders.find(order.order_id)

    async def store_job(self, order: DigitalOrderFacts) -> JobView:
        return await self.jobs.find(uuid.uuid5(order.order_id, "store"))

    async def say(self, item: DigitalItemFacts, status: str, **notice: Any) -> DeliveryOutcome:
        """Let the supplier send a webhook, and apply it."""
        await self.control(f"/supplier/{item.reservation_id}", status=status, **notice)
        return await self.apply_last()

    async def apply_last(self) -> DeliveryOutcome:
        _, headers, body = self.receiver.received[-1]
        self.webhooks.verify(body, headers[SIGNATURE])
        notice = self.webhooks.read_notice(body)
        assert notice is not None
        return await self.delivery.apply(notice)

    async def poll(self) -> None:
        await SilentOrderTask(orders=self.orders, delivery=self.delivery, longer_than=timedelta(0)).ask_all()


@pytest.fixture
async def supplier(sandbox_url: str, settings: Settings) -> AsyncIterator[SupplierApi]:
    supplier = SupplierApi(api_url=sandbox_url, key=settings.supplier_api_key, timeout_seconds=TIMEOUT_SECONDS)
    yield supplier
    await supplier.close()


@pytest.fixture
async def goods(
    harness: JobHarness,
    supplier: SupplierApi,
    control: Control,
    webhook_receiver: WebhookReceiver,
) -> Goods:
    orders = Orders()
    codes, sagas, jobs = Codes(orders), Sagas(orders), harness.queue_with({KIND: RULES})
    delivery = DeliveryService(orders=orders, supplier=supplier, codes=codes, sales=sagas, jobs=jobs)
    return Goods(
        orders=orders,
        codes=codes,
        sagas=sagas,
        delivery=delivery,
        jobs=jobs,
        harness=harness,
        control=control,
        receiver=webhook_receiver,
        webhooks=SupplierWebhooks(SecretStr("sandbox-supplier-webhook-secret")),
        handler=FulfilmentJobHandler(delivery, supplier, orders),
    )
