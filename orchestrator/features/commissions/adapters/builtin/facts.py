"""An event's facts in words."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from common.text import one_line
from orchestrator.features.commissions.adapters.interfaces import EventBrief, Tier

__all__ = ["facts_of", "has_doors_time", "price", "sale_of", "tier_line"]

NOON: Final = 12
EVENING: Final = 17
EARLIEST_DOORS: Final = timedelta(hours=12)
FEW: Final = 0.9
MOST: Final = 0.5


def facts_of(event: EventBrief) -> dict[str, str]:
    """Return the values of the placeholders in `phrases.toml`."""
    doors = event.doors_open_at or event.starts_at
    left, sold = sum(tier.available for tier in event.tiers), sum(tier.sold for tier in event.tiers)
    total = left + sold
    prices = sorted(tier.price for tier in event.tiers) or [Decimal(0)]
    return {
        "name": one_line(event.name),
        "venue": one_line(event.venue),
        "address": one_line(event.address),
        "hall": one_line(event.hall_id),
        "date": f"{event.starts_at:%A}, {event.starts_at.day} {event.starts_at:%B %Y}",
        "weekday": f"{event.starts_at:%A}",
        "part": _part_of_day(event.starts_at),
        "start": _clock(event.starts_at),
        "doors": _clock(doors),
        "lead": _duration(event.starts_at - doors),
        "low": price(prices[0]),
        "high": price(prices[-1]),
        "all_seats": {1: "the only seat", 2: "both seats"}.get(total, f"all {total} seats"),
        "left_are": _seats(left, total, "is", "are"),
        "sold_have": _seats(sold, total, "has", "have"),
    }


def has_doors_time(event: EventBrief) -> bool:
    """Return whether the doors open before the start on that day; an event may have had them open for weeks."""
    return event.doors_open_at is not None and timedelta(0) < event.starts_at - event.doors_open_at <= EARLIEST_DOORS


def sale_of(event: EventBrief) -> str:
    """Return which share of the seats is sold: none, some, most, few left, or all: fans can buy none now."""
    left, sold = sum(tier.available for tier in event.tiers), sum(tier.sold for tier in event.tiers)
    if not left:
        return "all"
    share = sold / (left + sold)
    return "none" if not sold else "few" if share >= FEW else "most" if share > MOST else "some"


def tier_line(tier: Tier) -> str:
    """Return an item of the list of prices."""
    if not tier.available:
        state = "sold out"
    elif not tier.sold:
        state = f"{tier.available} seats available" if tier.available > 1 else "one seat available"
    else:
        state = f"{tier.sold} of {tier.sold + tier.available} seats sold"
    return f"{one_line(tier.category)}: {price(tier.price) if tier.price else 'free of charge'}, {state}"


def _seats(count: int, total: int, one: str, several: str) -> str:
    """Return a number of seats with its verb, such as "1 of 10 seats is"."""
    return f"{count} of {total} seats {one if count == 1 else several}"


def price(amount: Decimal) -> str:
    return f"S${amount:.0f}" if amount == amount.to_integral_value() else f"S${amount:.2f}"


def _part_of_day(moment: datetime) -> str:
    return "morning" if moment.hour < NOON else "afternoon" if moment.hour < EVENING else "evening"


def _clock(moment: datetime) -> str:
    """Return a time such as 8 pm or 7:30 pm."""
    minutes = f":{moment:%M}" if moment.minute else ""
    return f"{moment.hour % NOON or NOON}{minutes} {'am' if moment.hour < NOON else 'pm'}"


def _duration(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    hours, rest = divmod(minutes, 60)
    if minutes < 60 or rest:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} minutes"
    return "an hour" if hours == 1 else f"{hours} hours"
