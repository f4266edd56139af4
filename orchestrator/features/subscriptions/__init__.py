"""Subscriptions of fans to performers: bought, and renewed by workers."""

from collections.abc import Iterable
from typing import Final

from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.purchased_items.service import ItemPurchaseService
from orchestrator.features.subscriptions.jobs import SubscriptionRenewal
from orchestrator.features.subscriptions.routes import router
from orchestrator.features.subscriptions.service import SubscriptionService
from orchestrator.features.subscriptions.settings import SubscriptionSettings


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    renewal = SubscriptionRenewal(resources.engine, resources.clients)
    yield PeriodicTask(
        renewal.renew_due,
        renewal.remind,
        name="subscription renewal",
        interval_seconds=resources.settings_of(SubscriptionSettings).subscription_renewal_interval_seconds,
    )


FEATURE: Final = Feature(
    routers=(router,),
    services=lambda resources: [SubscriptionService(resources.clients, resources.service(ItemPurchaseService))],
    periodic=_periodic,
)
