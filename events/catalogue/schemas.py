"""The bodies and answers of the catalogue routes."""

import uuid
from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from common.fields import Instant, SentText, StoredInstant, shifted, without_nul
from common.http.calls import RepeatableCall
from common.money import Money
from events.catalogue.status import EventStatus
from events.venues.schemas import HallId, IntroducedVenue, Venue

__all__ = [
    "ArticleLink",
    "DiscardedDraft",
    "DraftEvent",
    "EditEvent",
    "EditedEvent",
    "Event",
    "EventDetail",
    "EventSearch",
    "LookUpEvents",
]

LARGEST_HALL: Final = 1_000_000  # seats; the largest stadium has about 150,000
MOST_CATEGORIES: Final = 200
HOURS_OF_A_YEAR: Final = 8760
LARGEST_VERSION: Final = 2**31 - 1  # PostgreSQL's integer

_EXAMPLE: Final[JsonDict] = {
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "name": "Lights over the Bay",
    "status": "PUBLISHED",
    "venue": {
        "venue_id": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
        "name": "Singapore Indoor Stadium",
        "address": "2 Stadium Walk, Singapore 397691",
        "time_zone": "Asia/Singapore",
        "total_halls": 3,
        "halls": ["HALL-A", "HALL-B"],
    },
    "hall_id": "HALL-A",
    "event_date": "2027-03-20T12:00:00Z",
    "ends_at": "2027-03-20T16:00:00Z",
    "doors_open_at": "2027-03-20T10:00:00Z",
    "has_doors_time": True,
    "total_seats": 20,
    "pricing_tiers": {"CAT1": "350.00"},
    "layout": [{"category": "CAT1", "price": "350.00", "rows": [{"row_number": "A", "seats": 20}]}],
    "resale_cap_percent": 120,
    "refund_deadline_hours": 24,
    "description": "An evening of light and sound.",
    "sale_starts_at": None,
    "refundable_until": None,
    "organiser_user_id": None,
    "version": 1,
}


def _storable(layout: JsonValue) -> JsonValue:
    """Return the JSON value; raise ValueError if it holds a text that PostgreSQL's jsonb cannot."""
    match layout:
        case str():
            layout.encode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
            without_nul(layout)
        case list():
            for item in layout:
                _storable(item)
        case dict():
            for key, value in layout.items():
                _storable(key)
                _storable(value)
        case _:
            pass
    return layout


Name = Annotated[SentText, Field(min_length=1, max_length=200)]
Description = Annotated[SentText, Field(max_length=5_000)]
RefundDeadline = Annotated[int, Field(strict=True, ge=0, le=HOURS_OF_A_YEAR)]
Category = Annotated[SentText, Field(min_length=1, max_length=50)]
Layout = Annotated[list[dict[str, JsonValue]], Field(max_length=MOST_CATEGORIES), AfterValidator(_storable)]


class Event(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    event_id: uuid.UUID
    name: str
    status: EventStatus
    venue: Venue
    hall_id: str
    event_date: StoredInstant
    # The defaults are for answers that the previous release stored.
    ends_at: StoredInstant = Field(
        default_factory=lambda event: shifted(event["event_date"], timedelta(hours=4)), validate_default=True
    )
    doors_open_at: StoredInstant = Field(
        default_factory=lambda event: shifted(event["event_date"], timedelta(hours=-2)), validate_default=True
    )
    has_doors_time: bool = Field(
        default=False,
        description="False: the event is from before doors_open_at was stored, which is an assumption then.",
    )
    total_seats: int
    pricing_tiers: dict[str, Money]
    layout: list[dict[str, JsonValue]]
    resale_cap_percent: int = Field(description="A ticket is resold for at most this share of its face value.")
    refund_deadline_hours: int = Field(description="A fan may refund until this many hours before event_date.")
    # The defaults are for answers that the previous release stored.
    description: str = ""
    sale_starts_at: Instant | None = Field(default=None, description="null: the sale starts at once.")
    refundable_until: Instant | None = Field(
        default=None, description="The date has moved: a fan may refund until then, whatever the deadline."
    )
    organiser_user_id: uuid.UUID | None = None
    version: int = Field(default=1, description="Grows with each edit.")


class ArticleLink(BaseModel):
    """An article about the event, at `/api/articles/{slug}`."""

    slug: str
    title: str


class EventDetail(Event):
    articles: list[ArticleLink] = Field(description="The newest 20.")


class DraftEvent(BaseModel):
    """An event with an existing venue (`venue_id`) or a new one (`venue`)."""

    request_id: uuid.UUID
    event_id: uuid.UUID
    name: Name
    description: Description = ""
    organiser_user_id: uuid.UUID | None = None
    venue: IntroducedVenue | None = None
    venue_id: uuid.UUID | None = None
    hall_id: HallId
    event_date: Instant
    ends_at: Instant | None = Field(default=None, description="4 hours after event_date when omitted.")
    doors_open_at: Instant | None = Field(default=None, description="2 hours before event_date when omitted.")
    sale_starts_at: Instant | None = None
    total_seats: Annotated[int, Field(strict=True, ge=1, le=LARGEST_HALL)]
    pricing_tiers: Annotated[dict[Category, Money], Field(min_length=1, max_length=MOST_CATEGORIES)]
    layout: Layout = []
    resale_cap_percent: Annotated[int, Field(strict=True, ge=0, le=1000)] = 120
    refund_deadline_hours: RefundDeadline = 24

    @model_validator(mode="after")
    def _has_one_venue(self) -> Self:
        if (self.venue is None) == (self.venue_id is None):
            raise ValueError("either venue or venue_id is needed, and not both")
        if self.venue is not None and not self.venue.can_have(self.hall_id):
            raise ValueError("the venue has no such hall")
        return self

    @model_validator(mode="after")
    def _has_times_in_order(self) -> Self:
        if self.ends_at is not None and self.ends_at <= self.event_date:
            raise ValueError("ends_at must be after event_date")
        if self.doors_open_at is not None and self.doors_open_at > self.event_date:
            raise ValueError("doors_open_at must not be after event_date")
        return self


class EditEvent(RepeatableCall):
    """Changes of a published event: the fields that are given. null removes `sale_starts_at` and `organiser_user_id`.

    If `event_date` moves, `refundable_until` is stored, and `ends_at` and `doors_open_at` move along unless they are given.
    """

    name: Name | None = None
    description: Description | None = None
    event_date: Instant | None = None
    ends_at: Instant | None = None
    doors_open_at: Instant | None = None
    sale_starts_at: Instant | None = None
    refund_deadline_hours: RefundDeadline | None = None
    organiser_user_id: uuid.UUID | None = None
    refundable_until: Instant | None = None
    version: int | None = Field(
        default=None, ge=1, le=LARGEST_VERSION, description="The edit is refused if the event has another version."
    )

    @property
    def changes(self) -> dict[str, JsonValue]:
        return self.model_dump(mode="json", exclude={"request_id", "refundable_until", "version"}, exclude_unset=True)


class PreviousFacts(BaseModel):
    """What an edit can change of an event, as it was before."""

    name: str
    description: str
    event_date: StoredInstant
    ends_at: StoredInstant
    doors_open_at: StoredInstant
    sale_starts_at: StoredInstant | None
    refund_deadline_hours: int
    refundable_until: StoredInstant | None
    organiser_user_id: uuid.UUID | None
    version: int


class EditedEvent(Event):
    previous_event_date: StoredInstant
    previous: PreviousFacts


class DiscardedDraft(BaseModel):
    event_id: uuid.UUID


class LookUpEvents(BaseModel):
    event_ids: Annotated[list[uuid.UUID], Field(max_length=100)]


class EventSearch(BaseModel):
    """A search among events: those that begin at `earliest` or later, and before `before`."""

    text: str | None = None
    earliest: Instant | None = None
    before: Instant | None = None
    includes_past: bool = False
    statuses: tuple[EventStatus, ...] = (EventStatus.PUBLISHED,)
    organiser_user_id: uuid.UUID | None = None
