"""What the sagas of purchased items store."""

import uuid

from pydantic import BaseModel, ConfigDict

from orchestrator.clients.orders.purchased_items import NewItem
from orchestrator.clients.performers import DeviceSettings
from orchestrator.saga_engine.plan import SagaData

DEVICE_JOB = "device"
"""The kind of job that activates a device."""


class DeviceActivation(BaseModel):
    """The payload of a device job."""

    model_config = ConfigDict(frozen=True)

    purchased_item_id: uuid.UUID
    device_uid: str
    settings: DeviceSettings


class ItemSaga(SagaData):
    """The data of a saga that sells an item; `saga_id` is the item's id.

    `escrow_id` is set once the buyer's credits are held. `explanation` says why a performer declined, or why the item has
    failed; `note` and `file_url` are what they completed it with.
    """

    item: NewItem
    proof_reference: uuid.UUID
    """What a flagged buyer verifies a code for (T6)."""
    device: DeviceActivation | None = None
    escrow_id: uuid.UUID | None = None
    explanation: str = ""
    note: str = ""
    file_url: str = ""

    @property
    def escrow(self) -> uuid.UUID:
        """The escrow, for steps after it was made."""
        if self.escrow_id is None:
            raise RuntimeError(f"purchased item {self.saga_id} has no escrow yet")
        return self.escrow_id
