"""How much two texts are alike."""

from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance import Indel

from common.html_text import HtmlText, words_of

__all__ = ["likeness"]

SHINGLE: Final = 3
"""The number of neighbouring words that are compared as one."""


def likeness(text: str, others: Sequence[str]) -> float:
    """Return the likeness of a text to the most similar of some HTML texts, 0 to 1.

    Two measures, of which the greater counts: the words that both have in the same order, which finds a copy with words
    replaced; and the groups of three words that both have anywhere, which finds a copy with paragraphs rearranged.
    """
    words = words_of(text)
    groups = _groups(words)
    return max((_likeness(words, groups, words_of(HtmlText.of(other).text)) for other in others), default=0.0)


def _likeness(words: list[str], groups: list[tuple[str, ...]], other: list[str]) -> float:
    in_order = Indel.normalized_similarity(words, other)
    # Of sorted sequences, what both have in the same order is what both have.
    return max(in_order, Indel.normalized_similarity(groups, _groups(other)))


def _groups(words: list[str]) -> list[tuple[str, ...]]:
    return sorted(zip(*(words[start:] for start in range(SHINGLE)), strict=False))
