"""The differences of two versions of a text, sentence by sentence."""

import difflib
import re
from html.parser import HTMLParser
from typing import Final

MOST_CHARACTERS: Final = 20_000
"""Longer changes are cut. A comparison of the two versions shows both whole texts."""
CUT: Final = "…"
_BLOCKS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "blockquote", "br"})
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")


def changes_of(before: tuple[str, str], after: tuple[str, str]) -> str:
    """Return the unified diff of two texts, each a title and HTML; empty for the same words."""
    lines = difflib.unified_diff(_sentences(*before), _sentences(*after), lineterm="", n=1)
    changes = "\n".join(list(lines)[2:])  # without the names of files
    if len(changes) <= MOST_CHARACTERS:
        return changes
    return changes[:MOST_CHARACTERS].rpartition("\n")[0] + f"\n{CUT}"


def _sentences(title: str, html: str) -> list[str]:
    text = _PlainText()
    text.feed(html)
    text.close()
    blocks = [" ".join(block.split()) for block in text.blocks]
    return [title, *(sentence for block in blocks if block for sentence in _SENTENCE_END.split(block))]


class _PlainText(HTMLParser):
    """The text of HTML by its blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":  # a link to another address is a change, too
            self.blocks[-1] += "".join(f"[{value}] " for name, value in attrs if name == "href")
        self._end_block(tag)

    def handle_endtag(self, tag: str) -> None:
        self._end_block(tag)

    def handle_data(self, data: str) -> None:
        self.blocks[-1] += data

    def _end_block(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.blocks.append("")
