"""Finds the effects of instructions that a text generator took from a customer's words."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from common.html_text import HtmlText, words_of
from common.text import one_line
from orchestrator.features.commissions.adapters.interfaces import EventBrief, TextBrief
from orchestrator.features.commissions.adapters.prompt import SYSTEM_MESSAGES
from orchestrator.features.commissions.adapters.statements import (
    TIME,
    Key,
    Statement,
    clock_key,
    date_key,
    price_key,
    statements_in,
    time_key,
)

__all__ = ["obeyed", "unfit"]

PHRASE_WORDS: Final = 6
"""So many words of the rules do not stand together in a text by chance."""
CAPITALS: Final = "capitals"
_REVIEW: Final = re.compile(
    r"\b(?:APPROVED|PASSED|REJECTED|PUBLISHED|QUALITY_CHECK|ADMIN_REVIEW)\b|\b[Qq]uality checks?\b"
    r"|\b[Aa]s (?:instructed|requested|you asked)\b"
    r"|\b(?:[Ii]gnor|[Dd]isregard)\w{0,3}\b[^.!?]{0,40}\b(?:rules|instructions)\b"
)
_CANCELLED: Final = re.compile(r"\b(?:cancell?ed|postponed|called off)\b", re.IGNORECASE)


def _phrases(text: str) -> set[tuple[str, ...]]:
    words = words_of(text)
    return set(zip(*(words[start:] for start in range(PHRASE_WORDS)), strict=False))


_RULES: Final = frozenset().union(*map(_phrases, SYSTEM_MESSAGES))


def obeyed(text: str, brief: TextBrief) -> Iterator[str]:
    """Return what no honest text on the brief contains, as findings.

    These are prices, times, dates, addresses and numbers that are not among the facts, words in capitals, reviews, the rules.
    """
    facts = _names_of(brief.event) if brief.event else f"{brief.article_title}\n{HtmlText.of(brief.article_html).text}"
    keywords = {said.key for said in statements_in(" ".join(brief.keywords)) if said.key[0] == CAPITALS}
    known = _keys_in(facts) | keywords | set(_event_keys(brief.event))
    yield from (said.finding for said in _found(text) if said.key not in known)
    yield from _verdicts(text, facts)


def unfit(words: str, event: EventBrief) -> Iterator[str]:
    """Return why a text about the event with these words of a customer would not pass, as findings."""
    facts = _names_of(event)
    if found := [said for said in _found(words) if said.key[0] != CAPITALS]:
        known = _keys_in(facts) | set(_event_keys(event))
        yield from (said.finding for said in found if said.key not in known)
    yield from _verdicts(words, facts)


def _found(text: str) -> Iterator[Statement]:
    yield from {said.key: said for said in statements_in(text)}.values()


def _keys_in(facts: str) -> set[Key]:
    keys = {said.key for said in statements_in(facts)}
    return keys | {clock_key(key) for key in keys if key[0] == TIME}


def _verdicts(text: str, facts: str) -> Iterator[str]:
    if any(match[0] not in facts for match in _REVIEW.finditer(text)):
        yield "The text speaks of its own review."
    if (match := _CANCELLED.search(text)) and not _CANCELLED.search(facts):
        yield f'The text speaks of a cancelled event: "{match[0]}".'
    if _phrases(text) & _RULES:
        yield "The text repeats the rules of its generator."


def _names_of(event: EventBrief) -> str:
    """Return the event's names and description, which the text may repeat."""
    categories = (tier.category for tier in event.tiers)
    names = (event.name, event.venue, event.address, event.hall_id, event.description, *categories)
    return "\n".join(map(one_line, names))


def _event_keys(event: EventBrief | None) -> Iterator[Key]:
    """Return the event's prices, and its dates and times in each form."""
    if event is None:
        return
    yield from (price_key(tier.price) for tier in event.tiers)
    for moment in filter(None, (event.starts_at, event.doors_open_at)):
        yield from _moment_keys(moment)


def _moment_keys(moment: datetime) -> Iterator[Key]:
    day, month, year = moment.day, moment.month, moment.year
    time = time_key(moment.hour, moment.minute)
    yield from (time, clock_key(time))
    yield from (date_key(day, month, None), date_key(day, month, year))
    yield from (("numeric date", *sorted((day, month, shown))) for shown in (year, year % 100))
