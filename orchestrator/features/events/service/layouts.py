"""Turns what an admin asked for into a hall: categories, rows, seats."""

from typing import Final

from orchestrator.clients.models import EventDraft, LayoutCategory, LayoutRow, Venue
from orchestrator.features.events.schemas import LayoutCategoryInput, NewEvent

__all__ = ["draft_of"]

SEATS_PER_ROW: Final = 20


def draft_of(event: NewEvent) -> EventDraft:
    """Return the event to create, its layout complete and priced."""
    if event.layout is not None:
        layout = tuple(_category(category, event) for category in event.layout)
    else:
        layout = _spread(event)
    venue = Venue(**event.venue.model_dump()) if event.venue else None
    return EventDraft(
        name=event.name,
        venue=venue,
        venue_id=event.venue_id,
        hall_id=event.hall_id,
        event_date=event.event_date,
        layout=layout,
        resale_cap_percent=event.resale_cap_percent,
        refund_deadline_hours=event.refund_deadline_hours,
    )


def row_name(index: int) -> str:
    """Name rows as halls do: A to Z, then AA, AB and so on."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _category(category: LayoutCategoryInput, event: NewEvent) -> LayoutCategory:
    price = category.price if category.price is not None else event.pricing_tiers[category.category]
    rows = tuple(LayoutRow(row_number=row.row_number, seats=row.seats) for row in category.rows)
    return LayoutCategory(
        category=category.category, price=price, rows=rows, general_admission=category.general_admission
    )


def _spread(event: NewEvent) -> tuple[LayoutCategory, ...]:
    """Share the seats out evenly, in rows of twenty; the first tiers get what is left over, the last rows are short."""
    share, left_over = divmod(event.total_seats or 0, len(event.pricing_tiers))
    layout = []
    next_row = 0
    for position, (category, price) in enumerate(event.pricing_tiers.items()):
        rows = _rows(share + (position < left_over), first=next_row)
        next_row += len(rows)
        layout.append(LayoutCategory(category=category, price=price, rows=rows))
    return tuple(layout)


def _rows(seats: int, *, first: int) -> tuple[LayoutRow, ...]:
    full, rest = divmod(seats, SEATS_PER_ROW)
    sizes = [SEATS_PER_ROW] * full + ([rest] if rest else [])
    return tuple(LayoutRow(row_number=row_name(first + i), seats=size) for i, size in enumerate(sizes))
