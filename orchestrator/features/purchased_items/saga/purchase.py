"""The saga of an item that is delivered at once: a tip now, a menu without a queue, a period of a subscription.

open item → hold credits → **pay performer** → complete item → activate device.

The item is not visible before it is complete. A refusal discards it, so too few credits leave no item behind (Q1).
"""

from orchestrator.clients import Clients
from orchestrator.features.purchased_items.models import ITEM_PURCHASE, ItemSaga
from orchestrator.features.purchased_items.saga.steps import ItemSteps
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.plan import Plan, must_finish, pivot, undoable


def item_purchase_plan(clients: Clients, jobs: JobQueue) -> Plan[ItemSaga]:
    steps = ItemSteps(clients, jobs)
    return Plan(
        ITEM_PURCHASE,
        ItemSaga,
        undoable("open item", steps.open_item, steps.end_item),
        undoable("hold credits", steps.hold_credits, steps.return_credits),
        pivot("pay performer", steps.pay_performer),
        must_finish("complete item", steps.complete_item),
        must_finish("activate device", steps.activate_device),
    )
