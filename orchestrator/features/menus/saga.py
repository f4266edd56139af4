"""The saga of a menu item with the queue on (M3).

open item → hold credits → enqueue item → wait for `start` → start item → wait for `complete` → **pay performer** →
complete item.

The buyer cancels it before the start, the performer declines it, or its time runs out: then it unwinds, and the credits are
returned.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator.clients import Clients
from orchestrator.features.purchased_items.errors import ItemExpired
from orchestrator.features.purchased_items.models import COMPLETE, QUEUED_MENU_ITEM, START, ItemSaga
from orchestrator.features.purchased_items.saga.steps import ItemSteps
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.plan import Call, Plan, must_finish, pivot, undoable, wait

__all__ = ["QueuedMenuItem", "queued_menu_item_plan"]

# A performer who presses start does not wait that long, but the item does: an orders service that restarts fails no item.
START_TIMEOUT_SECONDS: Final = 20.0


class QueuedMenuItem(ItemSaga):
    """The performer completes the item until `expires_at`."""

    expires_at: datetime


def queued_menu_item_plan(clients: Clients, jobs: JobQueue) -> Plan[QueuedMenuItem]:
    steps = QueuedMenuItemSteps(clients, jobs)
    return Plan(
        QUEUED_MENU_ITEM,
        QueuedMenuItem,
        undoable("open item", steps.open_item, steps.end_item),
        undoable("hold credits", steps.hold_credits, steps.return_credits),
        undoable("enqueue item", steps.enqueue_item, steps.leave_to_the_end),
        wait(START, deadline=expiry, expired=ItemExpired),
        undoable(
            "start item",
            steps.start_performance,
            steps.leave_to_the_end,
            step_timeout_seconds=START_TIMEOUT_SECONDS,
        ),
        wait(COMPLETE, deadline=expiry, expired=ItemExpired),
        pivot("pay performer", steps.pay_performer),
        must_finish("complete item", steps.complete_item),
    )


def expiry(sale: QueuedMenuItem) -> datetime:
    return sale.expires_at


@dataclass(frozen=True, slots=True)
class QueuedMenuItemSteps(ItemSteps):
    async def start_performance(self, sale: QueuedMenuItem, call: Call) -> QueuedMenuItem:
        """Start the item, and then the device: an item that has ended starts neither."""
        return await self.activate_device(await self.start_item(sale, call), call)
