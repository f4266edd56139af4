"""Briefs of texts, for the tests of providers and of the quality checks."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from orchestrator.features.commissions.adapters.interfaces import EventBrief, LinkBrief, TextBrief, Tier

LINK: Final = LinkBrief(target_url="https://grill.example/menu?day=1&table=2", anchor_text="the Harbour Grill")
ARTICLE: Final = (
    "<h2>Dinner by the water</h2>\n<p>The evening&#39;s menu has fish, rice and fruit.</p>\n"
    '<p>Trains run late. <a href="https://trains.example" rel="sponsored noopener">The timetable</a> has more.</p>'
)


def _event(**changes: Any) -> EventBrief:
    starts_at = changes.pop("starts_at", datetime(2027, 2, 27, 20, 0, tzinfo=ZoneInfo("Asia/Singapore")))
    facts = {
        "name": "Harbour Lights Live",
        "description": "",
        "venue": "Singapore Indoor Stadium",
        "address": "2 Stadium Walk, Singapore 397691",
        "hall_id": "HALL-A",
        "starts_at": starts_at,
        "doors_open_at": starts_at - timedelta(minutes=90),
        "time_zone": str(starts_at.tzinfo),
        "tiers": _tiers({"CAT1": ("350.00", 10, 0), "CAT2": ("250.00", 5, 2), "CAT3": ("180.00", 5, 5)}),
    }
    return EventBrief(**{**facts, **changes})


def _tiers(rows: dict[str, tuple[str, int, int]]) -> tuple[Tier, ...]:
    return tuple(
        Tier(category=name, price=Decimal(price), total=total, sold=sold, available=total - sold)
        for name, (price, total, sold) in rows.items()
    )


EVENTS: Final = {
    "three categories": _event(),
    "free and sold out, with a hostile name": _event(
        name='Tom & Jerry\'s "<b>Big</b>" {name} Morning: stories, songs and a long $5 name at www.fans.example',
        starts_at=datetime(2027, 5, 2, 10, 30, tzinfo=ZoneInfo("America/New_York")),
        tiers=_tiers({"All seats": ("0.00", 80, 80)}),
    ),
    "six categories, few seats left, doors open for weeks": _event(
        name="Jazz im Park",
        doors_open_at=datetime(2026, 12, 1, 12, 0, tzinfo=ZoneInfo("Asia/Singapore")),
        tiers=_tiers({f"Block {name}": (f"{45 + 15 * rank}.50", 100, 97) for rank, name in enumerate("ABCDEF")}),
    ),
}


def article_brief(event: EventBrief | None = None, **changes: Any) -> TextBrief:
    given = {
        "order_id": uuid.UUID(int=1),
        "version": 1,
        "event": event or EVENTS["three categories"],
        "brief": "Dinner and music for couples.",
        "keywords": ("live music in Singapore", "date night ideas"),
        "link": None,
    }
    return TextBrief(**{**given, **changes})


def backlink_brief(**changes: Any) -> TextBrief:
    given = {
        "order_id": uuid.UUID(int=1),
        "version": 1,
        "event": None,
        "article_title": "Dinner by the water",
        "article_html": ARTICLE,
        "brief": "Our fish menu.",
        "keywords": (),
        "link": LINK,
    }
    return TextBrief(**{**given, **changes})
