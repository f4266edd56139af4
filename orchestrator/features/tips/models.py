"""What queued tips store."""

import uuid
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.features.purchased_items.models import TIP_PERFORMED, ItemSaga

KIND: Final = "performance"
"""The kind of job that performs tips. Its lanes are the performers."""


class QueuedTip(ItemSaga):
    """`expires_at`: when it can no longer be performed; `job_key`: of the job that performs it.

    `is_funded`: its credits are held from the start.
    """

    expires_at: datetime
    job_key: str
    is_funded: bool = False


class PerformTip(BaseModel):
    """The payload of a job."""

    model_config = ConfigDict(frozen=True)

    type: Literal["tip_grid_item_queued"] = "tip_grid_item_queued"
    purchased_item_id: uuid.UUID
    performer_id: uuid.UUID
    user_id: uuid.UUID
    tip_menu_id: uuid.UUID | None
    tip_grid_item_id: uuid.UUID


class TipPerformed(BaseModel):
    """The result of a job."""

    success: Literal[True] = True
    message: str = TIP_PERFORMED
    purchased_item_id: uuid.UUID
