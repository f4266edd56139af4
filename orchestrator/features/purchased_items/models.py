"""What the sagas of purchased items store, and the names by which other features signal them."""

import uuid
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.clients.orders.purchased_items import NewItem, QueuePlace
from orchestrator.clients.performers import DeviceSettings
from orchestrator.saga_engine.plan import SagaData

DEVICE_JOB = "device"
"""The kind of job that activates a device."""

# Kinds of sagas.
ITEM_PURCHASE: Final = "item purchase"
QUEUED_TIP: Final = "queued tip"
FUNDED_TIP: Final = "funded tip"  # a queued tip whose credits are in escrow from the start
QUEUED_MENU_ITEM: Final = "queued menu item"

# Signals.
PERFORM: Final = "perform"
START: Final = "start"
COMPLETE: Final = "complete"

SIGNAL_OF_PENDING: Final[Mapping[str, str]] = {QUEUED_TIP: PERFORM, FUNDED_TIP: PERFORM, QUEUED_MENU_ITEM: START}
"""What the saga of a PENDING item waits for, by its kind."""

TIP_PERFORMED: Final = "Tip grid item processed and published for settlement"
"""The message of the result of a queued tip."""


class DeviceActivation(BaseModel):
    """The payload of a device job."""

    model_config = ConfigDict(frozen=True)

    purchased_item_id: uuid.UUID
    device_uid: str
    settings: DeviceSettings


class ItemSaga(SagaData):
    """The data of a saga that sells an item; `saga_id` is the item's id.

    `escrow_id` is set once the buyer's credits are held, `place` once the item is in the queue. `explanation` says why a
    performer declined, or why the item has failed; `note` and `file_url` are what they completed it with. `retry_count` is
    that of the job that performed it.
    """

    item: NewItem
    proof_reference: uuid.UUID
    """What a flagged buyer verifies a code for (T6)."""
    device: DeviceActivation | None = None
    escrow_id: uuid.UUID | None = None
    place: QueuePlace | None = None
    retry_count: int = 0
    explanation: str = ""
    note: str = ""
    file_url: str = ""

    @property
    def escrow(self) -> uuid.UUID:
        """The escrow, for steps after it was made."""
        if self.escrow_id is None:
            raise RuntimeError(f"purchased item {self.saga_id} has no escrow yet")
        return self.escrow_id
