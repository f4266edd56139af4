"""A period of a subscription, as an item that its fan buys."""

import uuid
from decimal import Decimal
from typing import Final

from orchestrator.clients.orders.purchased_items import ItemType, NewItem
from orchestrator.clients.performers import SUBSCRIPTION_PERIOD, PerformerFacts, Settlement

__all__ = ["PERIOD_TAKEN", "new_period", "period_key"]

PERIOD_TAKEN: Final = "DUPLICATE_REQUEST"
"""The refusal of a period that was paid, or is being paid."""
NAME: Final = "Subscription"
"""Without the performer's name, which would outlive their account in the records of purchases."""
DESCRIPTION: Final = f"{SUBSCRIPTION_PERIOD.days} days"


def period_key(performer_id: uuid.UUID, *, number: int) -> str:
    """Return the item's idempotency key: a fan buys each period of a subscription once, by request or by renewal.

    Args:
        number: how many periods were paid before.
    """
    return f"subscription {performer_id} {number}"


def new_period(
    item_id: uuid.UUID, performer: PerformerFacts, *, buyer_user_id: uuid.UUID, price: Decimal, number: int
) -> NewItem:
    return NewItem(
        purchased_item_id=item_id,
        type=ItemType.SUBSCRIPTION,
        buyer_user_id=buyer_user_id,
        performer_id=performer.performer_id,
        offer_id=performer.performer_id,
        name=NAME,
        description=DESCRIPTION,
        price=price,
        idempotency_key=period_key(performer.performer_id, number=number),
        is_batched=performer.settlement is Settlement.BATCHED,
        time_zone=performer.time_zone,
    )
