"""A scan and its decision, and the undo of an admission."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from common.fields import DATE_PREFIX, Instant, LineText, PlainText
from common.http.body import RequestBody
from orchestrator.clients.inventory.check_in import ScanResult

__all__ = ["NamedPlace", "ScanDecision", "UndoRequest", "UndoneCheckIn", "VerifyRequest"]

# Printable ASCII, as idempotency keys.
Nonce = Annotated[PlainText, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]


def _if_on_the_calendar(moment: Any, read: ValidatorFunctionWrapHandler) -> datetime | None:
    """Drop what a scanner without a clock sends: year 0 or 1, or no offset. It must not keep a fan outside."""
    try:
        instant: datetime | None = read(moment)
    except ValidationError:
        if not isinstance(moment, str) or not DATE_PREFIX.match(moment):
            raise
        return None
    return instant


class NamedPlace(RequestBody):
    hall_id: Annotated[LineText, Field(min_length=1, max_length=40)] | None = Field(
        default=None, description="That which is assigned to the staff member when omitted."
    )
    venue_id: uuid.UUID | None = Field(
        default=None,
        description="The venue that is assigned to the staff member when omitted. Two venues may have halls of the same "
        "name: without either, the tickets of both are admitted.",
    )
    event_id: uuid.UUID | None = Field(
        default=None, description="A hall has many events: name it to admit this event's tickets only."
    )


class VerifyRequest(NamedPlace):
    """A code that is presented at a place."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "qr_payload": "azE…",
                "hall_id": "HALL-A",
                "venue_id": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
                "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
                "nonce": "gate-3-000127",
            },
        }
    )

    qr_payload: str  # of any length: an invalid code is logged as QR_INVALID
    scanned_at: Annotated[Instant | None, WrapValidator(_if_on_the_calendar)] = Field(
        default=None, description="By the scanner's clock: logged, but not used for the decision."
    )
    nonce: Nonce | None = Field(
        default=None,
        description="The scan's unique id. A repeated scan with the same nonce and body gets the first answer, or UNDONE.",
    )


class ScanDecision(BaseModel):
    """Admit the holder when `result` is SUCCESS. A field that the scan did not resolve is null."""

    scan_id: uuid.UUID
    result: ScanResult = Field(
        description="WRONG_HALL: the ticket is for another venue or hall. WRONG_EVENT: it is for another event in this "
        "hall, the doors are not open yet, or the event is over. UNDONE: staff undid the admission by this scan; scan with a new "
        "`nonce`. Treat a result that you do not know as a refusal."
    )
    seat_id: uuid.UUID
    row_number: str | None
    seat_number: int | None
    owner_name: str | None = Field(
        description="The ticket's owner; null if the code is another user's, or if the name is not known in time."
    )
    message: str = Field(description="Text for the scanner's display.", examples=["Admitted"])
    admitted_at: datetime | None = Field(description="When the ticket was admitted, now or before.")


class UndoRequest(NamedPlace):
    """Withdraws the admission of a seat's owner; with `scan_id`, only the one by that scan."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "seat_id": "55555555-5555-5555-5555-555555555101",
                "reason": "Scanned by mistake",
                "hall_id": "HALL-A",
            },
        }
    )

    seat_id: uuid.UUID
    scan_id: uuid.UUID | None = None
    reason: Annotated[PlainText, Field(min_length=1, max_length=500)]


class UndoneCheckIn(BaseModel):
    """The ticket can be scanned again."""

    seat_id: uuid.UUID
    row_number: str
    seat_number: int
    undone_at: datetime
