"""Writes an article: sections of sentences, arranged by chance and by what the customer asks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from common.html_text import HtmlText, words_of
from orchestrator.features.commissions.adapters.builtin.facts import has_doors_time, sale_of, tier_line
from orchestrator.features.commissions.adapters.builtin.phrases import PHRASES
from orchestrator.features.commissions.adapters.builtin.wishes import Tone, Wishes, wishes_of
from orchestrator.features.commissions.adapters.builtin.writer import Writer, as_html, link_html
from orchestrator.features.commissions.adapters.interfaces import EventBrief, TextBrief

__all__ = ["write_article"]

_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>")
PARAGRAPH_SENTENCES: Final = 3
ADVICE: Final = 2
"""Sentences of advice in the shortest section."""
FACTUAL: Final = ("where", "prices")
"""The sections that get no keywords and no link."""
LONGEST_NAME: Final = 50
"""Characters of an event's name in a title."""
KEYWORDS_ALONE: Final = 4
"""More keywords than these share sentences, two each."""


@dataclass(slots=True, kw_only=True)
class Section:
    """Sentences in HTML. `items` are a list under the first one, `last` ones end the section.

    `spare` ones are used before the last as far as the length allows.
    """

    name: str
    heading: str = ""
    sentences: list[str]
    spare: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)

    @property
    def html(self) -> str:
        lines = [f"<h2>{self.heading}</h2>"] if self.heading else []
        sentences = [*self.sentences, *self.last]
        if self.items:
            lines += [f"<p>{sentences[0]}</p>", "<ul>", *(f"<li>{item}</li>" for item in self.items), "</ul>"]
            sentences = sentences[1:]
        return "\n".join([*lines, *_paragraphs(sentences)])


def _paragraphs(sentences: list[str]) -> Iterator[str]:
    """Divide sentences into paragraphs of about the same length."""
    count = max(1, round(len(sentences) / PARAGRAPH_SENTENCES))
    for index in range(count):
        part = sentences[index * len(sentences) // count : (index + 1) * len(sentences) // count]
        yield f"<p>{' '.join(part)}</p>"


def write_article(brief: TextBrief, event: EventBrief) -> tuple[str, str]:
    """Return a title in plain text and an article in HTML."""
    writer, wishes = Writer.of(brief), wishes_of(brief)
    middle = _middle(writer, event, wishes)
    sections = [_opening(writer, wishes.tone), *middle, _closing(writer, wishes.tone)]
    if brief.link:
        sentence = writer.one_of(PHRASES["links"]["article"], link=link_html(brief.link))
        writer.choice.choice(_general(middle)).last.append(sentence)
    _add_keywords(writer, brief.keywords, sections)
    _lengthen(sections, wishes)
    return _title(writer, wishes.tone), "\n".join(section.html for section in sections)


def _opening(writer: Writer, tone: Tone) -> Section:
    return Section(name="opening", sentences=writer.one_of_each(PHRASES["opening"][tone]))


def _closing(writer: Writer, tone: Tone) -> Section:
    phrases = PHRASES["closing"]
    heading = writer.one_of(phrases["headings"])
    return Section(name="closing", heading=heading, sentences=writer.one_of_each(phrases[tone]))


def _middle(writer: Writer, event: EventBrief, wishes: Wishes) -> list[Section]:
    """Return the sections between opening and closing; what the notes ask to hear more about comes first."""
    sections = [_where(writer, event), *(_topic(writer, name) for name in wishes.topics), _tips(writer)]
    if any(tier.available or tier.sold for tier in event.tiers):
        sections.append(_prices(writer, event))
    writer.choice.shuffle(sections)
    return sorted(sections, key=lambda section: section.name not in wishes.more)


def _where(writer: Writer, event: EventBrief) -> Section:
    phrases = PHRASES["where"]
    doors = phrases["doors" if has_doors_time(event) else "no_doors"]
    sentences = writer.one_of_each([*phrases["start"], *doors, *phrases["venue"]])
    return _section(writer, "where", phrases, sentences)


def _prices(writer: Writer, event: EventBrief) -> Section:
    phrases, sale = PHRASES["prices"], sale_of(event)
    lowest, highest = (pick(tier.price for tier in event.tiers) for pick in (min, max))
    kind = "range" if lowest != highest else "single" if highest else "free"
    advice = phrases["resale" if sale == "all" else "advice"]
    section = _section(writer, "prices", phrases, writer.one_of_each([*phrases[kind], *phrases[sale], *advice]))
    if sale == "all":
        section.spare = []
    if len(event.tiers) > 1:
        section.sentences.insert(0, writer.one_of(phrases["list"]))
        section.items = [as_html(tier_line(tier)) for tier in event.tiers]
    return section


def _topic(writer: Writer, name: str) -> Section:
    phrases = PHRASES["topics"][name]
    return _advice(writer, name, phrases, writer.one_of_each(phrases["places"]))


def _tips(writer: Writer) -> Section:
    phrases = PHRASES["tips"]
    sentences = writer.one_of_each(phrases["places"])
    writer.choice.shuffle(sentences)
    return _advice(writer, "tips", phrases, sentences)


def _advice(writer: Writer, name: str, phrases: Any, sentences: list[str]) -> Section:
    section = _section(writer, name, phrases, sentences[:ADVICE])
    section.spare = sentences[ADVICE:]
    return section


def _section(writer: Writer, name: str, phrases: Any, sentences: list[str]) -> Section:
    heading, spare = writer.one_of(phrases["headings"]), writer.one_of_each(phrases.get("more", []))
    return Section(name=name, heading=heading, sentences=sentences, spare=spare)


def _title(writer: Writer, tone: Tone) -> str:
    """Return a title in plain text; a long name is cut at a word."""
    name = " ".join(_TAG.sub("", writer.facts["name"]).replace("<", "").replace(">", "").split())
    if len(name) > LONGEST_NAME:
        name = name[:LONGEST_NAME].rsplit(" ", 1)[0].rstrip(" ,;:") + "\u2026"
    title: str = writer.choice.choice(PHRASES["titles"][tone])
    return title.format(**{**writer.facts, "name": name})


def _add_keywords(writer: Writer, keywords: Sequence[str], sections: list[Section]) -> None:
    """Add a sentence for each keyword that the text does not contain yet, or for two of them."""
    written = HtmlText.of("\n".join(section.html for section in sections)).text.casefold()
    missing = [as_html(word) for word in dict.fromkeys(keywords) if word.casefold() not in written]
    places = _general(sections)
    size = 1 if len(missing) <= KEYWORDS_ALONE else 2
    forms = {count: list(PHRASES["keywords"][name]) for count, name in ((1, "one"), (2, "two"))}
    for index, start in enumerate(range(0, len(missing), size)):
        words = dict(zip(("one", "two"), missing[start : start + size], strict=False))
        form = writer.choice.choice(forms[len(words)])
        forms[len(words)].remove(form)
        places[index % len(places)].last.append(form.format(**words))


def _general(sections: list[Section]) -> list[Section]:
    return [section for section in sections if section.name not in FACTUAL]


def _lengthen(sections: list[Section], wishes: Wishes) -> None:
    """Use spare sentences: all of the sections that should say more, of the others until the text is long enough."""
    length = sum(_words(section.html) for section in sections)
    for section in sorted(sections, key=lambda section: section.name not in wishes.more):
        for sentence in section.spare:
            if section.name in wishes.more or length < wishes.words:
                section.sentences.append(sentence)
                length += _words(sentence)


def _words(html: str) -> int:
    return len(words_of(HtmlText.of(html).text))
