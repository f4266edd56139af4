"""A sponsor, the texts that the sponsor orders, and what became of them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from common.errors import NotFound
from orchestrator.clients.orders.commissions import (
    CommissionFacts,
    CommissionType,
    NewCommission,
    NewVersion,
    PayWith,
    QualityReport,
)
from orchestrator.container import Container
from orchestrator.features.commissions.models import CommissionSaga
from orchestrator.features.commissions.saga import commission_plans
from orchestrator.features.payments.adapters.providers import PaymentProviders
from orchestrator.features.payments.adapters.stripe import StripePayments
from orchestrator.features.payments.adapters.stripe_checkout import StripeCheckout
from orchestrator.saga_engine.plan import AnyPlan, Call
from tests.contracts.databases import Databases

__all__ = ["CREDITS", "PRICE", "CommissionFixtures"]

CREDITS: Final = Decimal("100.00")
PRICE: Final = Decimal("40.00")
HOUR: Final = timedelta(hours=1)
# Its fields say nothing: no test here reads the text.
TEXT: Final = NewVersion(
    title="A night to remember",
    content="<p>It was loud.</p>",
    provider="tests",
    model="tests",
    quality=QualityReport(passed=True, words=3, readability=100.0, likeness=0.0),
)


@dataclass(frozen=True, slots=True)
class CommissionFixtures:
    container: Container
    databases: Databases

    def plan(self, kind: str) -> AnyPlan:
        resources, checkouts = self.container.resources, StripeCheckout(self._stripe, "https://shop.example")
        plans = {plan.kind: plan for plan in commission_plans(resources.clients, resources.jobs, checkouts)}
        return plans[kind]

    @property
    def _stripe(self) -> StripePayments:
        """The container's own client, which it closes."""
        return self.container.resources.service(PaymentProviders).stripe

    async def sale(self, event_id: uuid.UUID, *, pay_with: PayWith = PayWith.CREDITS) -> CommissionSaga:
        """Return the saga's data of a sponsor with credits who orders an article."""
        order_id, now = uuid.uuid4(), datetime.now(UTC)
        is_by_card = pay_with is PayWith.STRIPE
        return CommissionSaga(
            saga_id=order_id,
            order=NewCommission(
                order_id=order_id,
                customer_user_id=await self.databases.new_fan(f"{CREDITS}"),
                type=CommissionType.ARTICLE,
                price=PRICE,
                pay_with=pay_with,
                event_id=event_id,
                brief="Tonight's concert",
            ),
            proof_reference=order_id,
            expires_at=now + HOUR,
            payment_id=uuid.uuid5(order_id, "payment") if is_by_card else None,
            checkout_expires_at=now + HOUR if is_by_card else None,
        )

    async def write(self, order_id: uuid.UUID, *, round_number: int = 1) -> None:
        """Store a text, as the job does."""
        call = Call(uuid.uuid5(order_id, f"text {round_number}"))
        await self.container.resources.clients.commissions.add_version(
            call, order_id, round_number=round_number, version=TEXT
        )

    async def submit(self, order_id: uuid.UUID) -> None:
        await self.container.resources.clients.commissions.submit(Call(uuid.uuid5(order_id, "submit")), order_id)

    async def find(self, order_id: uuid.UUID) -> CommissionFacts | None:
        try:
            return await self.container.resources.clients.commissions.find(order_id)
        except NotFound:
            return None

    async def messages(self, order_id: uuid.UUID) -> list[str]:
        """Return what the orders service said of an order, in this sequence."""
        rows = await self.databases.read("orders", _MESSAGES, str(order_id))
        return [row["routing_key"].removeprefix("commission.") for row in rows]

    async def articles(self, order_id: uuid.UUID) -> list[dict[str, Any]]:
        return await self.databases.read("events", "SELECT slug FROM articles WHERE order_id = $1", order_id)

    async def jobs(self, order_id: uuid.UUID) -> list[dict[str, Any]]:
        """Return the payload and priority of the jobs that write an order, in this sequence."""
        return await self.databases.read("orchestrator", _JOBS, str(order_id))

    async def revenue(self) -> Decimal:
        [row] = await self.databases.read("users", _REVENUE)
        amount: Decimal = row["amount"]
        return amount

    async def has_open_checkout(self, sale: CommissionSaga) -> bool:
        """Return whether a session of the order can be paid, if its payment was recorded."""
        if not await self.databases.read("users", "SELECT FROM payments WHERE reference = $1", str(sale.saga_id)):
            return False
        sessions = await self._stripe.client.v1.checkout.sessions.list_async({"limit": 100})
        return any(each.client_reference_id == str(sale.saga_id) and each.status == "open" for each in sessions.data)


_MESSAGES: Final = """
    SELECT routing_key FROM outbox
    WHERE routing_key LIKE 'commission.%' AND convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1
    ORDER BY created_at
"""
_JOBS: Final = "SELECT payload, priority, status FROM jobs WHERE kind = 'commission' AND lane = $1 ORDER BY created_at"
_REVENUE: Final = """
    SELECT coalesce(sum(amount), 0) AS amount FROM balances
    WHERE account_kind = 'platform' AND account_owner = 'commissions'
"""
