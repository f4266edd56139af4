"""Events for fans, and the request that creates one."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.fields import Instant, Integer, LineText, PlainText
from common.http.body import RequestBody
from common.money import Money
from common.time_zones import DEFAULT_TIME_ZONE, TimeZoneName
from orchestrator.clients.events import ArticleLink

__all__ = [
    "Availability",
    "CategoryAvailability",
    "EventCreated",
    "EventDetail",
    "EventInProgress",
    "EventSummary",
    "LayoutCategoryInput",
    "NewEvent",
    "SeatView",
    "VenueDetail",
    "VenueName",
]

LARGEST_HALL = 100_000  # seats; the largest hall with measurements (docs/performance.md)
LONGEST_ROW = 10_000

HallName = Annotated[LineText, Field(min_length=1, max_length=40, examples=["HALL-A"])]
CategoryName = Annotated[LineText, Field(min_length=1, max_length=40, examples=["CAT1"])]


class VenueName(BaseModel):
    venue_id: uuid.UUID
    name: str
    time_zone: str = Field(description="Its name in the IANA database.", examples=[DEFAULT_TIME_ZONE])


class VenueDetail(VenueName):
    address: str


class EventSummary(BaseModel):
    event_id: uuid.UUID
    name: str
    venue: VenueName
    hall_id: str
    event_date: datetime
    ends_at: datetime
    doors_open_at: datetime
    sale_starts_at: datetime | None
    total_seats: int
    available_seats: int
    pricing_tiers: dict[str, Money]


class SeatView(BaseModel):
    seat_id: uuid.UUID
    row_number: str
    seat_number: int
    category: str
    price: Money
    status: str = Field(description="AVAILABLE, HELD, SOLD, LISTED, CHECKED_IN or BLOCKED.", examples=["AVAILABLE"])


class EventDetail(EventSummary):
    """`seats` is included unless `include_seats=false`."""

    venue: VenueDetail
    description: str
    refundable_until: datetime | None = Field(
        description="The date has moved: fans may refund until then, whatever the deadline."
    )
    articles: list[ArticleLink] = Field(description="The newest 20 about the event.")
    seats: list[SeatView] | None = None


class CategoryAvailability(BaseModel):
    category: str
    total: int
    available: int
    held: int
    sold: int


class Availability(BaseModel):
    event_id: uuid.UUID
    categories: list[CategoryAvailability]


class NewVenue(RequestBody):
    """A venue given with an event. An existing venue of an equal name and address, whatever their case, is used unchanged."""

    name: LineText = Field(min_length=1, max_length=200)
    address: LineText = Field(default="", max_length=500)
    time_zone: TimeZoneName | None = Field(default=None, description=f"{DEFAULT_TIME_ZONE} when omitted.")
    total_halls: Integer = Field(default=1, ge=1, le=1_000)
    halls: list[HallName] = Field(
        default_factory=list,
        max_length=1_000,
        description="The names of its halls. Until total_halls are known, an event in a new hall adds its name.",
    )

    @model_validator(mode="after")
    def _counts_its_halls(self) -> Self:
        if len({name.casefold() for name in self.halls}) != len(self.halls):
            raise ValueError("a hall is named twice")
        if "total_halls" not in self.model_fields_set:
            self.total_halls = max(1, len(self.halls))
        if len(self.halls) > self.total_halls:
            raise ValueError("there are more halls than total_halls")
        return self

    def can_have(self, hall_id: str) -> bool:
        return hall_id in self.halls or len(self.halls) < self.total_halls


class LayoutRowInput(RequestBody):
    section: LineText | None = Field(default=None, min_length=1, max_length=40, examples=["Balcony"])
    row_number: LineText = Field(min_length=1, max_length=20)
    seats: Integer = Field(ge=1, le=LONGEST_ROW)

    @property
    def label(self) -> str:
        """The displayed name of the row, with its section."""
        return f"{self.section} {self.row_number}" if self.section else self.row_number


class LayoutCategoryInput(RequestBody):
    """A price category: seats in rows, or a number of standing places."""

    category: CategoryName
    price: Money | None = Field(default=None, description="The pricing tier's price when omitted.")
    rows: list[LayoutRowInput] = Field(default_factory=list, max_length=5_000)
    general_admission: Integer = Field(default=0, ge=0, le=LARGEST_HALL)

    @model_validator(mode="after")
    def _rows_or_standing(self) -> Self:
        if bool(self.rows) == bool(self.general_admission):
            raise ValueError("a category has either rows or general_admission")
        return self


class NewEvent(RequestBody):
    """An event to put on sale. Without a layout, `total_seats` are split over the pricing tiers in rows of twenty."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Jazz at the Bay",
                "venue": {"name": "Esplanade", "address": "1 Esplanade Drive, Singapore", "total_halls": 2},
                "hall_id": "HALL-A",
                "event_date": "2027-03-01T12:00:00Z",
                "layout": [{"category": "CAT1", "price": "120.00", "rows": [{"row_number": "A", "seats": 20}]}],
            }
        }
    )

    name: LineText = Field(min_length=1, max_length=200)
    venue: NewVenue | None = None
    venue_id: uuid.UUID | None = None
    hall_id: HallName
    event_date: Instant
    ends_at: Instant | None = Field(default=None, description="4 hours after event_date when omitted.")
    doors_open_at: Instant | None = Field(default=None, description="2 hours before event_date when omitted.")
    description: PlainText | None = Field(default=None, max_length=5_000)
    sale_starts_at: Instant | None = Field(default=None, description="At once when omitted.")
    total_seats: Integer | None = Field(default=None, ge=1, le=LARGEST_HALL)
    layout: list[LayoutCategoryInput] | None = Field(default=None, min_length=1, max_length=100)
    pricing_tiers: dict[CategoryName, Money] = Field(default_factory=dict, max_length=100)
    resale_cap_percent: Integer | None = Field(
        default=None, ge=0, le=1_000, description="The highest resale price in percent of face value; 120 when omitted."
    )
    refund_deadline_hours: Integer | None = Field(
        default=None,
        ge=0,
        le=8_760,
        description="Hours before the event until which buyers may refund; 24 when omitted.",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.venue is None) == (self.venue_id is None):
            raise ValueError("give either venue or venue_id")
        if self.venue is not None and not self.venue.can_have(self.hall_id):
            raise ValueError("the venue has no such hall")
        if self.ends_at is not None and self.ends_at <= self.event_date:
            raise ValueError("ends_at must be after event_date")
        if self.doors_open_at is not None and self.doors_open_at > self.event_date:
            raise ValueError("doors_open_at must not be after event_date")
        if self.layout is None:
            self._check_spread()
        else:
            self._check_layout(self.layout)
        return self

    def _check_spread(self) -> None:
        if self.total_seats is None or not self.pricing_tiers:
            raise ValueError("give either layout, or total_seats with pricing_tiers")
        if self.total_seats < len(self.pricing_tiers):
            raise ValueError("there are more pricing tiers than seats")

    def _check_layout(self, layout: list[LayoutCategoryInput]) -> None:
        names = [category.category for category in layout]
        if len(set(names)) != len(names):
            raise ValueError("a category is named twice")
        unpriced = [c.category for c in layout if c.price is None and c.category not in self.pricing_tiers]
        if unpriced:
            raise ValueError(f"no price for {', '.join(unpriced)}")
        self._check_tiers(layout)
        labels = [row.label for category in layout for row in category.rows]
        if len(set(labels)) != len(labels):
            raise ValueError("a row is named twice; name the rows' sections")
        capacity = sum(c.general_admission + sum(row.seats for row in c.rows) for c in layout)
        if capacity > LARGEST_HALL:
            raise ValueError(f"a hall has at most {LARGEST_HALL} seats")
        if self.total_seats not in {None, capacity}:
            raise ValueError(f"total_seats is {self.total_seats}, but the layout has {capacity} seats")

    def _check_tiers(self, layout: list[LayoutCategoryInput]) -> None:
        prices = {category.category: category.price for category in layout}
        for name, price in self.pricing_tiers.items():
            if name not in prices:
                raise ValueError(f"the layout has no category {name}")
            if prices[name] not in {None, price}:
                raise ValueError(f"{name} has two prices: {price} and {prices[name]}")


class EventCreated(BaseModel):
    event_id: uuid.UUID
    seats_created: int


class EventInProgress(BaseModel):
    """The hall is still being built; the event is visible once every seat exists."""

    event_id: uuid.UUID
    saga_id: uuid.UUID
    status: Literal["PROCESSING"] = "PROCESSING"
