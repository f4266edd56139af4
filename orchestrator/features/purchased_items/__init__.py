"""What fans buy from performers: the saga and the rules that tips, menu items and subscriptions share."""

from typing import Final

from orchestrator.feature import Feature
from orchestrator.features.purchased_items.saga.purchase import item_purchase_plan
from orchestrator.features.purchased_items.service import ItemPurchaseService

FEATURE: Final = Feature(
    plans=lambda resources: [item_purchase_plan(resources.clients, resources.jobs)],
    services=lambda resources: [ItemPurchaseService(resources.engine, resources.clients)],
)
