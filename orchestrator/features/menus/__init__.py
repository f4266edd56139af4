"""Performers' menus: what fans see of them, what they buy there, and the devices that items activate."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.menus.adapters.device import DeviceApi
from orchestrator.features.menus.jobs import POLICY, DeviceHandler
from orchestrator.features.menus.routes import router
from orchestrator.features.menus.saga import queued_menu_item_plan
from orchestrator.features.menus.service.menus import MenuService
from orchestrator.features.menus.service.purchases import MenuPurchaseService
from orchestrator.features.menus.settings import MenuSettings
from orchestrator.features.purchased_items.models import DEVICE_JOB, DeviceActivation
from orchestrator.features.purchased_items.service import ItemPurchaseService
from orchestrator.jobs.registry import JobHandler


def _services(resources: Resources) -> Iterable[object]:
    menus = MenuService(resources.clients)
    yield menus
    item_ttl = timedelta(seconds=resources.settings_of(MenuSettings).item_ttl_seconds)
    yield MenuPurchaseService(resources.clients, resources.service(ItemPurchaseService), menus, item_ttl)


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    settings = resources.settings_of(MenuSettings)
    devices = DeviceApi(api_url=settings.device_api_url, timeout_seconds=settings.device_timeout_seconds)
    resources.closing.push_async_callback(devices.close)
    handler = DeviceHandler(devices, resources.clients.purchased_items, resources.jobs)
    yield JobHandler(DEVICE_JOB, DeviceActivation, handler.activate)


FEATURE: Final = Feature(
    routers=(router,),
    plans=lambda resources: [queued_menu_item_plan(resources.clients, resources.jobs)],
    services=_services,
    job_policies=(POLICY,),
    job_handlers=_job_handlers,
)
