"""Builds a hall from an admin's request: categories, rows, seats."""

import uuid
from typing import Final

from orchestrator.clients.models import EventDraft, LayoutCategory, LayoutRow
from orchestrator.features.events.schemas import LayoutCategoryInput, NewEvent

__all__ = ["draft_of"]

SEATS_PER_ROW: Final = 20


def draft_of(event: NewEvent, *, organiser_user_id: uuid.UUID | None = None) -> EventDraft:
    """Return the event to create, its layout complete and priced."""
    if event.layout is not None:
        layout = tuple(_category(category, event) for category in event.layout)
    else:
        layout = _spread(event)
    facts = event.model_dump(exclude={"layout", "pricing_tiers", "total_seats"})
    return EventDraft(**facts, layout=layout, organiser_user_id=organiser_user_id)


def row_name(index: int) -> str:
    """Return the name of a row: A to Z, then AA, AB and so on."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _category(category: LayoutCategoryInput, event: NewEvent) -> LayoutCategory:
    price = category.price if category.price is not None else event.pricing_tiers[category.category]
    rows = tuple(LayoutRow(row_number=row.label, seats=row.seats) for row in category.rows)
    return LayoutCategory(**category.model_dump() | {"price": price, "rows": rows})


def _spread(event: NewEvent) -> tuple[LayoutCategory, ...]:
    """Split the seats evenly into rows of twenty; the first tiers get the remainder, a tier's last row may be short."""
    share, remainder = divmod(event.total_seats or 0, len(event.pricing_tiers))
    layout = []
    next_row = 0
    for position, (category, price) in enumerate(event.pricing_tiers.items()):
        rows = _rows(share + (position < remainder), first=next_row)
        next_row += len(rows)
        layout.append(LayoutCategory(category=category, price=price, rows=rows))
    return tuple(layout)


def _rows(seats: int, *, first: int) -> tuple[LayoutRow, ...]:
    full, remainder = divmod(seats, SEATS_PER_ROW)
    sizes = [SEATS_PER_ROW] * full + ([remainder] if remainder else [])
    return tuple(LayoutRow(row_number=row_name(first + i), seats=size) for i, size in enumerate(sizes))
