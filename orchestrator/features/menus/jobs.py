"""The job that activates a performer's device for an item (M6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from orchestrator.clients.orders.purchased_items import PurchasedItemsClient
from orchestrator.features.menus.adapters.device import DeviceApi
from orchestrator.features.menus.errors import DeviceFailed
from orchestrator.features.purchased_items.models import DEVICE_JOB, DeviceActivation
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.policies import FIVE_RETRIES, JobPolicy
from orchestrator.jobs.registry import JobContext
from orchestrator.jobs.service import JobQueue

STALE_AFTER: Final = timedelta(minutes=5)
"""A device that was to be activated longer ago stays off."""

POLICY: Final = JobPolicy(
    DEVICE_JOB,
    max_attempts=6,
    retry_seconds=FIVE_RETRIES,
    timeout_seconds=15,
    concurrency=8,
    publishes_completion=False,
)


@dataclass(frozen=True, slots=True)
class DeviceHandler:
    devices: DeviceApi
    items: PurchasedItemsClient
    jobs: JobQueue

    async def activate(self, activation: DeviceActivation, context: JobContext) -> Mapping[str, Any]:
        """Activate the device once, and note the outcome on the item. The purchase stands in any case.

        Each failure is noted, so that it is on the record even if a later attempt is lost with its worker.

        Raises:
            DeviceFailed: it is to be retried.
            JobRefused: it failed for the last time, or the job is stale. A device that is switched off needs no admin.
        """
        item_id = activation.purchased_item_id
        job = await self.jobs.find(context.job_id)
        if datetime.now(UTC) - job.created_at > STALE_AFTER:
            await self.items.note_device(item_id, status="failed", error="too late")
            raise JobRefused("The device was to be activated earlier.")
        try:
            await self.devices.activate(activation, command_id=context.request_id("command"))
        except DeviceFailed as error:
            await self.items.note_device(item_id, status="failed", error=error.reason)
            if context.is_last_attempt:
                raise JobRefused(f"The device failed: {error.reason}.") from error
            raise
        await self.items.note_device(item_id, status="activated")
        return {"status": "activated"}
