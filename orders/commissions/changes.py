"""The differences of two versions of a text, sentence by sentence."""

import difflib
import re
from typing import Final

from common.html_text import HtmlText

MOST_CHARACTERS: Final = 20_000
"""Longer changes are cut. A comparison of the two versions shows both whole texts."""
CUT: Final = "…"
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")


def changes_of(before: tuple[str, str], after: tuple[str, str]) -> str:
    """Return the unified diff of two texts, each a title and HTML; empty for the same words and links."""
    lines = difflib.unified_diff(_lines(*before), _lines(*after), lineterm="", n=1)
    changes = "\n".join(list(lines)[2:])  # without the names of files
    if len(changes) <= MOST_CHARACTERS:
        return changes
    return changes[:MOST_CHARACTERS].rpartition("\n")[0] + f"\n{CUT}"


def _lines(title: str, html: str) -> list[str]:
    text = HtmlText.of(html)
    sentences = (sentence for block in text.blocks for sentence in _SENTENCE_END.split(block.text))
    return [title, *sentences, *(f"{link.text}: {link.href}" for link in text.links)]
