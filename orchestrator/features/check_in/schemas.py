"""A scan and its decision."""

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
    """`hall_id` is the scanner's hall; the hall assigned to the staff member when omitted.

    Two venues may have halls of the same name, and a hall has many events: a scanner that names its `event_id` admits
    tickets of that event only.
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

    qr_payload: str  # of any length: an invalid code is logged as QR_INVALID
    hall_id: Annotated[PlainText, Field(min_length=1, max_length=40)] | None = None
    event_id: uuid.UUID | None = None
    scanned_at: Instant | None = Field(
        default=None, description="By the scanner's clock: logged, but not used for the decision."
    )
    nonce: Nonce | None = Field(
        default=None,
        description="The scan's unique id. A repeated scan with the same nonce and body gets the first answer.",
    )


class ScanDecision(BaseModel):
    """Admit the holder when `result` is SUCCESS. A field that the scan did not resolve is null."""

    result: ScanResult
    seat_id: uuid.UUID
    row_number: str | None
    seat_number: int | None
    owner_name: str | None = Field(
        description="The ticket's owner; null if the code is another user's, or if the name is not known in time."
    )
    message: str = Field(description="Text for the scanner's display.", examples=["Admitted"])
    admitted_at: datetime | None = Field(description="When the ticket was admitted, now or before.")
