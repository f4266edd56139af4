"""An event for those who manage it, and its changes."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.fields import Instant, Integer, LineText, PlainText
from common.http.body import RequestBody
from common.money import Money
from orchestrator.clients.events import VenueFacts

__all__ = ["EventChanges", "ManagedEvent"]

LARGEST_VERSION: Final = 2**31 - 1
REMOVABLE: Final = frozenset({"sale_starts_at", "organiser_user_id"})


class ManagedEvent(BaseModel):
    """`status` is DRAFT, PUBLISHED or CANCELLED. `version` grows with each edit."""

    model_config = ConfigDict(from_attributes=True)

    event_id: uuid.UUID
    name: str
    description: str
    status: str
    venue: VenueFacts
    hall_id: str
    event_date: datetime
    ends_at: datetime
    doors_open_at: datetime
    sale_starts_at: datetime | None
    total_seats: int
    pricing_tiers: dict[str, Money]
    resale_cap_percent: int
    refund_deadline_hours: int
    refundable_until: datetime | None
    organiser_user_id: uuid.UUID | None
    version: int


class EventChanges(RequestBody):
    """At least one field; the others stay as they are. null removes `sale_starts_at` and `organiser_user_id`."""

    model_config = ConfigDict(json_schema_extra={"example": {"event_date": "2027-04-01T12:00:00Z", "version": 1}})

    name: Annotated[LineText, Field(min_length=1, max_length=200)] | None = None
    description: Annotated[PlainText, Field(max_length=5_000)] | None = None
    event_date: Instant | None = Field(
        default=None, description="A new date. ends_at and doors_open_at move with it, unless they are given, too."
    )
    ends_at: Instant | None = None
    doors_open_at: Instant | None = None
    sale_starts_at: Instant | None = None
    refund_deadline_hours: Annotated[Integer, Field(ge=0, le=8_760)] | None = None
    organiser_user_id: uuid.UUID | None = Field(default=None, description="By an admin only.")
    version: Integer | None = Field(
        default=None,
        ge=1,
        le=LARGEST_VERSION,
        description="The version that the changes are made to: they are refused if the event has another one.",
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set - {"version"}:
            raise ValueError("give at least one field to change")
        missing = [name for name in self.model_fields_set - REMOVABLE if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{', '.join(sorted(missing))}: null is no value")
        return self

    @property
    def names_organiser(self) -> bool:
        return "organiser_user_id" in self.model_fields_set

    @property
    def changes(self) -> dict[str, Any]:
        """The given fields as JSON."""
        return self.model_dump(mode="json", exclude={"version"}, exclude_unset=True)
