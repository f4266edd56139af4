"""Finds the effects of instructions that a text generator took from a customer's words."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from orchestrator.features.commissions.adapters.html_text import words_of
from orchestrator.features.commissions.adapters.interfaces import TextBrief
from orchestrator.features.commissions.adapters.prompt import SYSTEM_MESSAGES

__all__ = ["obeyed"]

PHRASE_WORDS: Final = 6
"""So many words of the rules do not stand together in a text by chance."""
_NUMBER: Final = r"\d[\d,]*(?:\.\d+)?"
_PRICE: Final = re.compile(
    rf"(?:\$|\bSGD|\bUSD|€|£)\s?(?P<before>{_NUMBER})|\b(?P<after>{_NUMBER})\s?(?:credits|dollars|SGD|USD|€|£)",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    r"https?://\S+|\bwww\.\S+|\b[\w-]+\.(?:com|net|org|io|ru|info|biz|xyz|example)\b", re.IGNORECASE
)
_REVIEW: Final = re.compile(
    r"\b(?:APPROVED|PASSED|REJECTED|PUBLISHED|QUALITY_CHECK|ADMIN_REVIEW)\b|\bquality checks?\b"
)


def _phrases(text: str) -> set[tuple[str, ...]]:
    words = words_of(text)
    return set(zip(*(words[start:] for start in range(PHRASE_WORDS)), strict=False))


_RULES: Final = frozenset().union(*map(_phrases, SYSTEM_MESSAGES))


def obeyed(text: str, brief: TextBrief) -> Iterator[str]:
    """Return what no honest text on the brief contains, as findings: foreign prices and addresses, reviews, the rules."""
    for known in _known_texts(brief):
        text = text.replace(known, " ")
    prices = {tier.price for tier in brief.event.tiers} if brief.event else set()
    for match in _PRICE.finditer(text):
        if Decimal((match["before"] or match["after"]).replace(",", "")) not in prices:
            yield f'The text states a price that is not the event\'s: "{match[0]}".'
    for match in _ADDRESS.finditer(text):
        yield f'The text names a web address: "{match[0][:80]}".'
    if _REVIEW.search(text):
        yield "The text speaks of its own review."
    if _phrases(text) & _RULES:
        yield "The text repeats the rules of its generator."


def _known_texts(brief: TextBrief) -> Iterator[str]:
    """Return names that may look like an address or a price."""
    if brief.link:
        yield " ".join(brief.link.anchor_text.split())
    if brief.event:
        yield from filter(None, (brief.event.name, brief.event.venue, brief.event.address))
