"""Writes a text: gathers the facts, asks a provider, and lets it try again until the checks pass."""

import asyncio
import enum
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeVar

from common.time_zones import zone_of
from orchestrator.clients import Clients
from orchestrator.clients.articles import ArticleFacts
from orchestrator.clients.events import EventFacts
from orchestrator.clients.orders.commissions import CommissionFacts, CommissionType, NewVersion
from orchestrator.errors import EventCancelled
from orchestrator.features.commissions.adapters.interfaces import (
    Draft,
    EventBrief,
    LinkBrief,
    QualityCheck,
    TextBrief,
    TextProvider,
    Tier,
)
from orchestrator.features.commissions.adapters.quality import QualityChecker
from orchestrator.features.commissions.errors import TextRefused
from orchestrator.features.commissions.metrics import COMMISSION_REGENERATIONS

__all__ = ["Report", "Step", "TextWriter", "event_brief"]

MAX_REGENERATIONS: Final = 3

Amount = TypeVar("Amount", int, Decimal)


class Step(enum.IntEnum):
    """The steps of progress, which `models.PROGRESS` describes."""

    RECEIVED = 1
    WRITING = 2
    CHECKING = 3
    STORING = 4
    READY = 5


Report = Callable[[Step], Awaitable[None]]
"""Told each step as it begins."""


@dataclass(frozen=True, slots=True)
class TextWriter:
    clients: Clients
    provider: TextProvider
    checker: QualityChecker

    async def write(self, order: CommissionFacts, report: Report) -> NewVersion:
        """Write the next version of an order's text; one that does not pass its checks is written again.

        Raises:
            TextRefused: no draft passed the checks, with the findings about the last one.
            TextUnavailable: as `TextProvider.write`.
            EventCancelled: there is no event to write about.
            ServiceError: a service that knows the facts does not respond.
        """
        brief = await self._brief_of(order)
        others = await self._other_articles(order)
        earlier = [version.content for version in order.versions]
        drafts: list[Draft] = []
        while True:
            await report(Step.WRITING)
            drafts.append(await self.provider.write(brief))
            await report(Step.CHECKING)
            # In a thread: it compares the text with up to a hundred others, and the leases must be renewed meanwhile.
            checked = await asyncio.to_thread(self.checker.check, drafts[-1], brief, others, earlier=earlier)
            if checked.report.passed:
                return _version(checked, drafts)
            if brief.attempt == MAX_REGENERATIONS:
                raise TextRefused(checked.report.findings)
            COMMISSION_REGENERATIONS.inc()
            brief = replace(brief, attempt=brief.attempt + 1, findings=checked.report.findings)

    async def _brief_of(self, order: CommissionFacts) -> TextBrief:
        article = await self._article_of(order)
        return TextBrief(
            order_id=order.order_id,
            version=order.version.number + 1 if order.version else 1,
            event=await self._event(order.event_id) if order.event_id else None,
            article_title=article.title if article else "",
            article_html=article.content if article else "",
            brief=order.brief,
            keywords=order.keywords,
            link=_link_of(order),
            notes=order.notes,
            earlier_notes=tuple(version.notes for version in order.versions if version.notes),
            review_notes=order.review_notes,
            previous_html=order.version.content if order.version else "",
        )

    async def _article_of(self, order: CommissionFacts) -> ArticleFacts | None:
        """Return the article that a backlink goes into."""
        if order.type is not CommissionType.BACKLINK or order.article_id is None:
            return None
        return await self.clients.articles.find(order.article_id)

    async def _event(self, event_id: uuid.UUID) -> EventBrief:
        event, counts = await asyncio.gather(
            self.clients.events.present_facts(event_id), self.clients.inventory.availability([event_id])
        )
        if event.is_cancelled:
            raise EventCancelled
        seats = {count.category: count for count in counts.get(event_id, [])}
        tiers = (
            Tier(
                category=category,
                price=price,
                total=(count := seats[category]).total,
                sold=count.sold,
                available=count.available,
            )
            for category, price in event.pricing_tiers.items()
            if category in seats
        )
        return event_brief(event, tiers)

    async def _other_articles(self, order: CommissionFacts) -> list[str]:
        """Return what a new article must not be a copy of. A backlink leaves its article as it is."""
        if order.type is CommissionType.BACKLINK:
            return []
        return [article.content for article in await self.clients.articles.similar(event_id=order.event_id)]


def event_brief(event: EventFacts, tiers: Iterable[Tier]) -> EventBrief:
    """Return what a text about the event may state."""
    zone = zone_of(event.venue.time_zone)
    return EventBrief(
        name=event.name,
        description=event.description,
        venue=event.venue.name,
        address=event.venue.address,
        hall_id=event.hall_id,
        starts_at=event.event_date.astimezone(zone),
        doors_open_at=event.doors_open_at.astimezone(zone) if event.has_doors_time else None,
        time_zone=event.venue.time_zone,
        tiers=tuple(tiers),
    )


def _link_of(order: CommissionFacts) -> LinkBrief | None:
    if order.target_url is None or order.anchor_text is None:
        return None
    return LinkBrief(target_url=order.target_url, anchor_text=order.anchor_text)


def _version(checked: QualityCheck, drafts: Sequence[Draft]) -> NewVersion:
    """Return the text as it is stored, with what all drafts took."""
    cost = _total(draft.cost_usd for draft in drafts)
    return NewVersion(
        title=checked.title,
        content=checked.html,
        provider=drafts[-1].provider,
        model=drafts[-1].model,
        input_tokens=_total(draft.input_tokens for draft in drafts),
        output_tokens=_total(draft.output_tokens for draft in drafts),
        cost_usd=None if cost is None else f"{cost:.6f}",
        quality=checked.report.model_copy(update={"regenerations": len(drafts) - 1}),
    )


def _total(amounts: Iterable[Amount | None]) -> Amount | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known[1:], start=known[0]) if known else None
