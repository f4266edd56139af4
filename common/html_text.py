"""The text of an HTML fragment: its blocks, words, sentences and links."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_HEADINGS: Final = frozenset({"h2", "h3"})
_BLOCKS: Final = frozenset({"p", "li", "blockquote", *_HEADINGS})
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[\"\u201d')]*\s+")


@dataclass(frozen=True, slots=True)
class Link:
    href: str
    rel: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading or an item of a list; the texts have single spaces."""

    text: str
    unlinked: str
    """Without the texts of links, whose words a customer chooses."""
    is_heading: bool


@dataclass(slots=True)
class HtmlText:
    blocks: list[Block] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    @classmethod
    def of(cls, html: str) -> "HtmlText":
        parser = _Parser()
        parser.feed(html)
        parser.close()
        parser.end_block()
        return parser.found

    @property
    def text(self) -> str:
        return " ".join(block.text for block in self.blocks)

    @property
    def unlinked(self) -> str:
        return " ".join(block.unlinked for block in self.blocks)

    @property
    def prose(self) -> list[str]:
        """The blocks that are not headings."""
        return [block.text for block in self.blocks if not block.is_heading]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = HtmlText()
        self._block: list[str] = []
        self._unlinked: list[str] = []
        self._is_heading = False
        self._link: list[str] = []
        self._attributes: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.end_block()
            self._is_heading = tag in _HEADINGS
        if tag == "a":
            self._attributes, self._link = {name: value or "" for name, value in attrs}, []

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.end_block()
        if tag == "a" and self._attributes is not None:
            rel = frozenset(self._attributes.get("rel", "").split())
            self.found.links.append(Link(self._attributes.get("href", ""), rel, _single_spaced(self._link)))
            self._attributes = None

    def handle_data(self, data: str) -> None:
        self._block.append(data)
        self._link.append(data)
        self._unlinked.append(data if self._attributes is None else " ")

    def end_block(self) -> None:
        if text := _single_spaced(self._block):
            self.found.blocks.append(Block(text, _single_spaced(self._unlinked), self._is_heading))
        self._block, self._unlinked, self._is_heading = [], [], False


def _single_spaced(parts: list[str]) -> str:
    return " ".join("".join(parts).split())


def words_of(text: str) -> list[str]:
    """Return the words in lower case."""
    return [word.casefold() for word in _WORD.findall(text)]


def sentences_of(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence]
