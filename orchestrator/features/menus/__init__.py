"""Performers' menus: what fans see of them, what they buy there, and the devices that items activate."""

from collections.abc import Iterable
from typing import Final

from orchestrator.feature import Feature, Resources
from orchestrator.features.menus.adapters.device import DeviceApi
from orchestrator.features.menus.jobs import POLICY, DeviceHandler
from orchestrator.features.menus.settings import MenuSettings
from orchestrator.features.purchased_items.models import DEVICE_JOB, DeviceActivation
from orchestrator.jobs.registry import JobHandler


def _job_handlers(resources: Resources) -> Iterable[JobHandler]:
    settings = resources.settings_of(MenuSettings)
    devices = DeviceApi(api_url=settings.device_api_url, timeout_seconds=settings.device_timeout_seconds)
    resources.closing.push_async_callback(devices.close)
    yield JobHandler(DEVICE_JOB, DeviceActivation, DeviceHandler(devices, resources.clients.purchased_items).activate)


FEATURE: Final = Feature(job_policies=(POLICY,), job_handlers=_job_handlers)
