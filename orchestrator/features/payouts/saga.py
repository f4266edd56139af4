"""The saga of a payout: **pay out** → settle items → announce payout.

The ledger moves all pending earnings of a performer in one transaction. Then their items are marked as settled, page by
page: after a crash, another worker continues with the last page.
"""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from common.messaging.outbox import OutgoingMessage
from common.money import Money
from orchestrator.clients import Clients
from orchestrator.saga_engine.messages import announcement
from orchestrator.saga_engine.plan import Call, Plan, SagaData, must_finish, pivot, publish

__all__ = ["PAYOUT", "PayoutSaga", "payout_message", "payout_plan"]

PAYOUT: Final = "payout"
ITEMS_PER_PAGE: Final = 1_000


class PayoutSaga(SagaData):
    """The saga's data. `payout_id`, `amount` and `items` are set by the payment, the rest while items are settled."""

    performer_user_id: uuid.UUID
    payout_id: uuid.UUID | None = None
    amount: Money = Decimal("0.00")
    items: int = 0
    last_settled_id: uuid.UUID | None = None
    are_items_settled: bool = False

    @property
    def paid(self) -> uuid.UUID:
        """The payout's id, for steps after it was made."""
        if self.payout_id is None:
            raise RuntimeError(f"payout {self.saga_id} is not made yet")
        return self.payout_id


def payout_plan(clients: Clients, *, items_per_page: int = ITEMS_PER_PAGE) -> Plan[PayoutSaga]:
    steps = PayoutSteps(clients, items_per_page)
    return Plan(
        PAYOUT,
        PayoutSaga,
        pivot("pay out", steps.pay_out),
        must_finish("settle items", steps.settle_items, until=lambda payout: payout.are_items_settled),
        publish("announce payout", payout_message),
    )


@dataclass(frozen=True, slots=True)
class PayoutSteps:
    """The saga's actions, in the plan's order."""

    clients: Clients
    items_per_page: int

    async def pay_out(self, payout: PayoutSaga, call: Call) -> PayoutSaga:
        paid = await self.clients.ledger.pay_out(call, performer_user_id=payout.performer_user_id)
        return payout.model_copy(update=dict(paid) | {"are_items_settled": not paid.items})

    async def settle_items(self, payout: PayoutSaga, call: Call) -> PayoutSaga:
        """Settle a page of items."""
        last_id, size = payout.last_settled_id, self.items_per_page
        item_ids = await self.clients.ledger.payout_items(payout.paid, after=last_id, limit=size)
        if item_ids:
            # All pages share the call's id, and a participant answers an id once.
            page_call = Call(uuid.uuid5(call.request_id, f"after {last_id}"))
            await self.clients.purchased_items.settle(page_call, payout_id=payout.paid, item_ids=item_ids)
            last_id = item_ids[-1]
        return payout.model_copy(update={"last_settled_id": last_id, "are_items_settled": len(item_ids) < size})


def payout_message(payout: PayoutSaga) -> OutgoingMessage | None:
    """Return the announcement; None if nothing was paid."""
    if not payout.items:
        return None
    performer_id = str(payout.performer_user_id)
    data = {
        "performer_id": performer_id,
        "seller_user_id": performer_id,
        "amount": f"{payout.amount:.2f}",
        "items": payout.items,
    }
    return announcement("payout.completed", subject=payout.paid, data=data)
