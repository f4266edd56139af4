"""A job that activates a device, run long after the payment (M6)."""

from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.clients.orders.purchased_items import ItemType
from orchestrator.container import Container
from orchestrator.features.menus.adapters.device import DeviceApi
from orchestrator.features.menus.errors import DeviceFailed
from orchestrator.features.menus.jobs import DeviceHandler
from orchestrator.features.purchased_items.models import ITEM_PURCHASE
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.registry import JobContext
from tests.contracts.databases import Databases
from tests.contracts.item_fixtures import ItemFixtures, with_device


async def _report(_: Mapping[str, Any]) -> None:
    raise AssertionError("a device job reports no progress")


async def test_device_does_not_start_long_after_the_payment(container: Container, databases: Databases) -> None:
    resources = container.resources
    sale = with_device(await ItemFixtures(databases).sale(ItemType.MENU))
    await resources.engine.start(ITEM_PURCHASE, sale, requested_by=sale.item.buyer_user_id)
    statement = "SELECT job_id FROM jobs WHERE kind = 'device' AND idempotency_key = $1"
    [job] = await databases.read("orchestrator", statement, f"device {sale.saga_id}")
    context = JobContext(job_id=job["job_id"], attempt=1, max_attempts=6, requested_by=None, _report=_report)
    handler = DeviceHandler(DeviceApi(api_url="", timeout_seconds=1), resources.clients.purchased_items, resources.jobs)
    assert sale.device is not None

    with pytest.raises(DeviceFailed):  # in time, it is tried
        await handler.activate(sale.device, context)

    stale = "UPDATE jobs SET created_at = now() - interval '6 minutes' WHERE job_id = $1"
    await databases.change("orchestrator", stale, job["job_id"])
    with pytest.raises(JobRefused):
        await handler.activate(sale.device, context)
