"""A scan at the door."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from common.fields import Instant, PlainText
from orchestrator.clients.inventory.check_in import ScanResult

__all__ = ["ScanDecision", "VerifyRequest"]

# Printable ASCII, as idempotency keys.
Nonce = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]


class VerifyRequest(BaseModel):
    """`hall_id` is where the scanner stands; without it, the hall that its staff is assigned to.

    Halls of two venues may share a name, and a hall has another event tomorrow: a scanner that names its `event_id` lets
    no other event's tickets in.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "qr_payload": "azE…",
                "hall_id": "HALL-A",
                "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
                "nonce": "gate-3-000127",
            },
        }
    )

    qr_payload: str  # however long: what is no code of ours is logged as QR_INVALID
    hall_id: Annotated[PlainText, Field(min_length=1, max_length=40)] | None = None
    event_id: uuid.UUID | None = None
    scanned_at: Instant | None = Field(default=None, description="By the scanner's clock: noted, not believed.")
    nonce: Nonce | None = Field(
        default=None, description="Of this scan. Repeated with the same body, it gives the first answer again."
    )


class ScanDecision(BaseModel):
    """Let them in when `result` is SUCCESS. What the code did not lead to is null."""

    result: ScanResult
    seat_id: uuid.UUID
    row_number: str | None
    seat_number: int | None
    owner_name: str | None = Field(description="Whose ticket it is; null when it is not theirs, or not known in time.")
    message: str = Field(description="For people.", examples=["Admitted"])
    admitted_at: datetime | None = Field(description="When its owner went in, now or before.")
