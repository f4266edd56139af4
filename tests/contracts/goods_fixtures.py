"""A product, the fans who order it, and what the supplier delivers of their orders."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from common.errors import NotFound
from orchestrator.clients.orders.digital_orders import (
    DigitalOrderFacts,
    DigitalOrdersClient,
    NewDigitalItem,
    NewDigitalOrder,
    PayGoodsWith,
    SealedCodes,
)
from orchestrator.container import Container
from orchestrator.features.digital_goods.models import DigitalOrderSaga
from orchestrator.features.digital_goods.saga import digital_order_plans
from orchestrator.features.payments.adapters.providers import PaymentProviders
from orchestrator.features.payments.service.crypto import CryptoPayments
from orchestrator.saga_engine.plan import AnyPlan
from tests.contracts.databases import Databases

__all__ = ["CREDITS", "PRICE", "STOCK", "GoodsFixtures"]

CREDITS: Final = Decimal("100.00")
PRICE: Final = Decimal("15.00")
STOCK: Final = 1000
HOUR: Final = timedelta(hours=1)
# Nothing here opens it.
SEALED: Final = b"not sealed"


@dataclass(frozen=True, slots=True)
class GoodsFixtures:
    container: Container
    databases: Databases

    def plan(self, kind: str) -> AnyPlan:
        resources = self.container.resources
        payments = CryptoPayments(resources.clients.payments, resources.service(PaymentProviders).nowpayments)
        return {plan.kind: plan for plan in digital_order_plans(resources.clients, resources.jobs, payments)}[kind]

    @property
    def orders(self) -> DigitalOrdersClient:
        return self.container.resources.clients.digital_orders

    async def new_product(self, *, stock: int = STOCK) -> uuid.UUID:
        product_id = uuid.uuid4()
        await self.databases.change("events", _NEW_PRODUCT, product_id, PRICE, stock)
        return product_id

    async def stock_of(self, product_id: uuid.UUID) -> int:
        [row] = await self.databases.read("events", "SELECT stock FROM products WHERE product_id = $1", product_id)
        stock: int = row["stock"]
        return stock

    async def sale(self, *, units: int = 2, pay_with: PayGoodsWith = PayGoodsWith.CREDITS) -> DigitalOrderSaga:
        """Return the saga's data of a fan with credits who orders units of a new product."""
        order_id, product_id, now = uuid.uuid4(), await self.new_product(), datetime.now(UTC)
        is_by_crypto = pay_with is PayGoodsWith.CRYPTO
        items = tuple(
            NewDigitalItem(
                item_id=uuid.uuid5(order_id, f"{number}"),
                product_id=product_id,
                name="Lantern Drift",
                supplier_product_id="lantern-drift",
                price=PRICE,
            )
            for number in range(units)
        )
        return DigitalOrderSaga(
            saga_id=order_id,
            order=NewDigitalOrder(
                order_id=order_id,
                buyer_user_id=await self.databases.new_fan(f"{CREDITS}"),
                items=items,
                total=PRICE * units,
                pay_with=pay_with,
            ),
            proof_reference=order_id,
            expires_at=now + HOUR,
            pay_currency="btc" if is_by_crypto else None,
            payment_expires_at=now + HOUR if is_by_crypto else None,
        )

    async def supply(self, order: NewDigitalOrder, *, fails: int = 0) -> None:
        """Store the codes of an order, as the jobs do; the last `fails` items fail. It may be repeated."""
        order_id = order.order_id
        came, failed = order.items[: len(order.items) - fails], order.items[len(order.items) - fails :]
        for item in came:
            await self.orders.note_reservation(order_id, item.item_id, reservation_id=f"r-{item.item_id}")
        for item in failed:
            await self.orders.fail_item(order_id, item.item_id, failure="The supplier could not deliver it.")
        for item in came:
            await self.orders.add_codes(order_id, SealedCodes.model_construct(item_id=item.item_id, sealed=SEALED))
        await self.orders.make_ready(order_id, storage_ref=f"orders/{order_id}/keys.json")

    async def find(self, order_id: uuid.UUID) -> DigitalOrderFacts | None:
        try:
            return await self.orders.find(order_id)
        except NotFound:
            return None

    async def messages(self, order_id: uuid.UUID) -> list[str]:
        """Return what the orders service said of an order, in this sequence."""
        rows = await self.databases.read("orders", _MESSAGES, str(order_id))
        return [row["routing_key"].removeprefix("fulfillment.") for row in rows]

    async def jobs(self, order_id: uuid.UUID) -> list[dict[str, Any]]:
        """Return the order's jobs, oldest first."""
        return await self.databases.read("orchestrator", _JOBS, str(order_id))


_NEW_PRODUCT: Final = """
    INSERT INTO products (product_id, name, price, supplier_product_id, stock)
    VALUES ($1, 'Lantern Drift', $2, 'lantern-drift', $3)
"""
_MESSAGES: Final = """
    SELECT routing_key FROM outbox
    WHERE routing_key LIKE 'fulfillment.%' AND convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1
    ORDER BY created_at
"""
_JOBS: Final = (
    "SELECT job_id, payload, status, failure FROM jobs WHERE kind = 'fulfillment' AND lane = $1 ORDER BY created_at"
)
