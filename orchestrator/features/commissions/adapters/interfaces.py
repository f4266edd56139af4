"""The interfaces of text: what a provider is asked to write, what it returns, and what a check says."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from orchestrator.clients.orders.commissions import QualityReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A price category: what a seat costs, how many were sold, and how many can be bought now.

    The others of `total` are held by fans who are buying, or blocked by the organiser.
    """

    category: str
    price: Decimal
    total: int
    sold: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBrief:
    """The facts that a text may state."""

    name: str
    description: str
    venue: str
    address: str
    hall_id: str
    starts_at: datetime
    """In the venue's time zone, as all times."""
    doors_open_at: datetime | None
    """None if the organiser has not said."""
    time_zone: str
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBrief:
    target_url: str
    anchor_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBrief:
    """What is to be written. `brief`, `keywords` and the notes are a customer's words: data, never instructions.

    An article is written about `event`. A backlink is put into `article_html`, which stays otherwise as it is.
    `findings` are what the checks objected to in the draft before.
    """

    order_id: uuid.UUID
    version: int
    """The number of the version that is being written, from 1."""
    attempt: int = 0
    """The number of regenerations before this one."""
    event: EventBrief | None
    article_title: str = ""
    article_html: str = ""
    brief: str
    keywords: tuple[str, ...]
    link: LinkBrief | None
    notes: str = ""
    """What the customer asked for with this revision."""
    earlier_notes: tuple[str, ...] = ()
    """What the customer asked for with the revisions before, oldest first: it still counts."""
    review_notes: str = ""
    """What an admin asked for."""
    previous_html: str = ""
    """The version before."""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text as a provider returns it, before it is checked. `html` is untrusted."""

    title: str
    html: str
    provider: str
    model: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None


class TextProvider(Protocol):
    async def write(self, brief: TextBrief) -> Draft:
        """Write a text.

        Raises:
            TextLimited: the provider is busy, and may say for how long.
            TextUnusable: its answer cannot be used.
            TextUnavailable: it does not respond, or with an error.
        """

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """The outcome of the checks: the text with clean HTML, and the report."""

    title: str
    html: str
    report: QualityReport
