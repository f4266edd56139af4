"""The resale marketplace."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.marketplace.routes import router
from orchestrator.features.marketplace.saga.list_for_resale import list_for_resale_plan
from orchestrator.features.marketplace.saga.resale import resale_plan
from orchestrator.features.marketplace.saga.withdraw_listing import withdraw_listing_plan
from orchestrator.features.marketplace.service import MarketplaceService
from orchestrator.features.marketplace.settings import MarketplaceSettings
from orchestrator.saga_engine.plan import AnyPlan

__all__ = ["FEATURE"]


def _plans(resources: Resources) -> Iterable[AnyPlan]:
    clients, step_timeout_seconds = resources.clients, resources.saga_step_timeout_seconds
    listings, inventory = clients.listings, clients.inventory
    yield list_for_resale_plan(listings=listings, inventory=inventory, step_timeout_seconds=step_timeout_seconds)
    yield withdraw_listing_plan(listings=listings, inventory=inventory, step_timeout_seconds=step_timeout_seconds)
    yield resale_plan(
        listings=listings,
        otp=clients.otp,
        ledger=clients.ledger,
        inventory=inventory,
        step_timeout_seconds=step_timeout_seconds,
    )


def _services(resources: Resources) -> Iterable[object]:
    clients = resources.clients
    yield MarketplaceService(
        resources.engine,
        listings=clients.listings,
        transfers=clients.transfers,
        inventory=clients.inventory,
        events=clients.events,
        otp=clients.otp,
        approval_ttl_seconds=resources.settings_of(MarketplaceSettings).sale_approval_ttl_seconds,
    )


FEATURE: Final = Feature(routers=(router,), plans=_plans, services=_services)
