"""The number of remote calls and statements of the orchestrator per commission, which must not grow."""

import uuid

from orchestrator.features.commissions.schemas.ordering import CommissionOrdered, CommissionRequest
from orchestrator.features.commissions.service.ordering import OrderingService
from orchestrator.features.commissions.service.review import ReviewService
from tests.e2e.commissions import ARTICLE, until
from tests.e2e.in_process import InProcessServices
from tests.e2e.test_purchase_cost import at_most
from tests.e2e.user_client import Concert, UserClient


async def test_order_and_decisions(
    in_process: InProcessServices, fan: UserClient, admin: UserClient, concert: Concert
) -> None:
    reviews = in_process.service(ReviewService)
    customer_id, admin_id = uuid.UUID(fan.user_id), uuid.UUID(admin.user_id)

    async def order(pay_with: str, *, calls: int, statements: int) -> CommissionOrdered:
        ordering = in_process.service(OrderingService)  # a new one has cached no event
        wanted = CommissionRequest.model_validate(ARTICLE | {"event_id": concert.event_id, "pay_with": pay_with})
        with at_most(calls=calls, statements=statements):
            return await ordering.order(wanted, customer_id=customer_id, key=None, address="127.0.0.1")

    # The event, may spend, open, hold, accept; started, three steps, the job.
    ordered = await order("credits", calls=5, statements=5)
    await until(fan, str(ordered.order_id), "QUALITY_CHECK")
    # The event, may spend, open, the payment, await payment; started, two steps.
    await order("stripe", calls=5, statements=3)
    with at_most(calls=1, statements=6):  # revise; the order, started, two steps, the job, the estimate
        await reviews.revise(ordered.order_id, "Livelier", customer_id=customer_id, key=None)
    await until(fan, str(ordered.order_id), "QUALITY_CHECK", number=2)
    with at_most(calls=1, statements=1):
        await reviews.submit(ordered.order_id, customer_id=customer_id, key=None)
    # The order, begin, collect, the text, publish, complete; the saga, signalled, four steps.
    with at_most(calls=6, statements=6):
        await reviews.approve(ordered.order_id, admin_id=admin_id, key=None)
