"""The resale marketplace."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from common.periodic import PeriodicTask
from orchestrator.feature import Feature, Resources
from orchestrator.features.marketplace.jobs import ListingExpiry
from orchestrator.features.marketplace.routes import router
from orchestrator.features.marketplace.saga.list_for_resale import list_for_resale_plan
from orchestrator.features.marketplace.saga.resale import resale_plan
from orchestrator.features.marketplace.saga.withdraw_listing import withdraw_listing_plan
from orchestrator.features.marketplace.service import MarketplaceService
from orchestrator.features.marketplace.settings import MarketplaceSettings


def _services(resources: Resources) -> Iterable[object]:
    approval_time = timedelta(seconds=resources.settings_of(MarketplaceSettings).sale_approval_ttl_seconds)
    yield MarketplaceService(resources.engine, resources.clients, approval_time)


def _periodic(resources: Resources) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        ListingExpiry(resources.engine, resources.clients).withdraw_expired,
        name="listing expiry",
        interval_seconds=resources.settings_of(MarketplaceSettings).listing_expiry_interval_seconds,
    )


FEATURE: Final = Feature(
    routers=(router,),
    plans=lambda resources: [
        list_for_resale_plan(resources.clients),
        withdraw_listing_plan(resources.clients),
        resale_plan(resources.clients),
    ],
    services=_services,
    periodic=_periodic,
)
