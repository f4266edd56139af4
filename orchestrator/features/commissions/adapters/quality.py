"""The checks that a text passes before a customer sees it (C2)."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import nh3
import textstat

from common.html_text import HtmlText, Link, sentences_of, words_of
from common.text import one_line
from orchestrator.clients.orders.commissions import QualityReport
from orchestrator.features.commissions.adapters.interfaces import Draft, EventBrief, LinkBrief, QualityCheck, TextBrief
from orchestrator.features.commissions.adapters.likeness import likeness
from orchestrator.features.commissions.adapters.obedience import obeyed, unfit
from orchestrator.features.commissions.adapters.placement import inserted_part

__all__ = ["QualityChecker", "clean"]

TAGS: Final = {"p", "h2", "h3", "ul", "ol", "li", "strong", "em", "blockquote", "a"}
REL: Final = frozenset({"sponsored", "noopener"})
"""What a paid link says to search engines and browsers."""
ARTICLE_WORDS: Final = (250, 1_200)
LONGEST_TEXT: Final = 16_000
"""Characters of HTML. The checks do not look at a longer text, so that none of them takes long."""
SENTENCE_WORDS: Final = (5, 60)
"""Of the sentence that a backlink adds."""
TITLE_CHARACTERS: Final = (5, 120)
READABILITY: Final = (40.0, 90.0)
"""Flesch reading ease."""
LIKE_ANOTHER: Final = 0.85
LIKE_ITSELF: Final = 0.98
RECENT_VERSIONS: Final = 5
"""So many versions of a backlink are not repeated; revisions are unlimited."""
SHORT_SENTENCE: Final = 4
_COMMON: Final = """
a about after all also an and any are as at be been before but by can do each every first for from get go good has have here how
if in into is it its just know like make may more most much no not now of off on one only or other out over own people see so
some still than that the their them then there these they this those time to two up us was we were what when where which who
will with work would you your
"""
COMMON_WORDS: Final = frozenset(_COMMON.split())
COMMON_SHARE: Final = 0.2
"""At least this share of the words of an English paragraph is common; of other languages' it is about a tenth."""
LANGUAGE_WORDS: Final = 10
"""A paragraph of fewer words does not show its language."""
LATIN_SHARE: Final = 0.5
_LOWER_CASE_WORD: Final = re.compile(r"\b[a-z]+\b")
"""Not names, which are the same in every language."""
_DECIMAL_POINT: Final = re.compile(r"(?<=\d)\.(?=\d)")
_ACTIVE: Final = re.compile(
    r"<\s*+(script|style|iframe|object|embed|form|svg|meta|link|base)\b|<[^<>]*\son\w++\s*+="
    r"|(href|src)\s*+=\s*+[\"']?+\s*+(javascript|data):",
    re.IGNORECASE,
)


def clean(html: str) -> str:
    """Return the HTML with the allowed elements and attributes only."""
    return nh3.clean(
        html, tags=TAGS, attributes={"a": {"href", "rel"}}, url_schemes={"http", "https"}, link_rel=None
    ).strip()


@dataclass(frozen=True, slots=True)
class QualityChecker:
    banned_words: tuple[str, ...] = ()

    def check(
        self, draft: Draft, brief: TextBrief, others: Sequence[str] = (), *, earlier: Sequence[str] = ()
    ) -> QualityCheck:
        """Clean a draft and check it: a hundredth of a second, and 2 ms for each other text. The first call loads a dictionary.

        Args:
            others: the HTML of other articles, which the text may not be like.
            earlier: the HTML of the order's own earlier versions, which it may be more like.
        """
        title, new = one_line(draft.title), len(draft.html) - len(brief.article_html)
        if new > LONGEST_TEXT:
            return _refused(title, f"The text has {new} characters of HTML; {LONGEST_TEXT} are allowed.")
        html = _cleaned(draft.html, brief)
        text, added = HtmlText.of(html), None if brief.event else inserted_part(brief.article_html, html)
        readability = _reading_ease(text.prose, brief.keywords)
        another, itself = (likeness(text.text, texts) if brief.event else 0.0 for texts in (others, earlier))
        own = f"{title}. {text.unlinked}" if brief.event else HtmlText.of(added or "").unlinked
        findings = (
            *(_title_findings(title) if brief.event else ()),
            *_html_findings(draft.html),
            *_link_findings(text.links, brief),
            *(_article_findings(text, brief, readability) if brief.event else _sentence_findings(added, brief)),
            *self._banned_findings(own),
            *obeyed(own, brief),
            *_likeness_findings(another=another, itself=itself),
            *(_repetition_findings(added, earlier) if added else ()),
        )
        report = QualityReport(
            passed=not findings,
            words=len(words_of(text.text)),
            readability=round(readability, 1),
            likeness=round(max(another, itself), 3),
            findings=findings,
        )
        return QualityCheck(title=title, html=html, report=report)

    def unfit(self, keyword: str, event: EventBrief) -> list[str]:
        """Return why no text about the event passes that contains a keyword, as findings."""
        return [*self._banned_findings(keyword), *unfit(keyword, event)]

    def _banned_findings(self, text: str) -> Iterator[str]:
        spoken = f" {' '.join(words_of(text))} "
        for phrase in self.banned_words:
            if f" {' '.join(words_of(phrase))} " in spoken:
                yield f'The text contains "{phrase}".'


def _refused(title: str, finding: str) -> QualityCheck:
    """Return the outcome for a text that was not looked at."""
    report = QualityReport(passed=False, words=0, readability=0, likeness=0, findings=(finding,))
    return QualityCheck(title=title, html="", report=report)


def _cleaned(html: str, brief: TextBrief) -> str:
    """Clean a text; of a published article each character stays if what is added to it is clean."""
    added = None if brief.event else inserted_part(brief.article_html, html)
    return html if added is not None and clean(added) == added.strip() else clean(html)


def _reading_ease(paragraphs: list[str], keywords: Sequence[str]) -> float:
    """Return the Flesch reading ease: the point of a price ends no sentence, and no keyword is hard, as all are ordered."""
    sentences = (paragraph if paragraph[-1] in ".!?" else f"{paragraph}." for paragraph in paragraphs)
    text = _DECIMAL_POINT.sub("", " ".join(sentences))
    for keyword in keywords:
        text = re.sub(rf"(?<!\w){re.escape(keyword)}(?!\w)", "this", text, flags=re.IGNORECASE)
    return float(textstat.textstat.flesch_reading_ease(text))


def _title_findings(title: str) -> Iterator[str]:
    shortest, longest = TITLE_CHARACTERS
    if not shortest <= len(title) <= longest:
        yield f"The title has {len(title)} characters; {shortest} to {longest} are allowed."
    if nh3.is_html(title):
        yield "The title contains HTML."


def _html_findings(raw: str) -> Iterator[str]:
    if _ACTIVE.search(raw):
        yield "The text contains a script, a style or another active element."


def _link_findings(links: list[Link], brief: TextBrief) -> Iterator[str]:
    known = Counter(HtmlText.of(brief.article_html).links)
    new = list((Counter(links) - known).elements())
    if known - Counter(links):
        yield "A link of the published article is missing."
    if len(new) != bool(brief.link):
        yield f"The text contains {len(new)} links; it must contain {'exactly one' if brief.link else 'none'}."
    elif brief.link:
        yield from _faults_of(new[0], brief.link)


def _faults_of(link: Link, wanted: LinkBrief) -> Iterator[str]:
    if link.href != wanted.target_url:
        yield "The link leads to another address than the one ordered."
    if link.text != " ".join(wanted.anchor_text.split()):
        yield "The link has another text than the one ordered."
    if not link.rel >= REL:
        yield f'The link must have rel="{" ".join(sorted(REL, reverse=True))}".'


def _article_findings(text: HtmlText, brief: TextBrief, readability: float) -> Iterator[str]:
    yield from _length_findings(len(words_of(text.text)), ARTICLE_WORDS)
    yield from _language_findings(text, brief.keywords)
    easiest, hardest = READABILITY[1], READABILITY[0]
    if not hardest <= readability <= easiest:
        yield f"The reading ease is {readability:.0f}; {hardest:.0f} to {easiest:.0f} is wanted."
    shown = " ".join(text.text.casefold().split())
    for keyword in brief.keywords:
        if " ".join(keyword.casefold().split()) not in shown:
            yield f'The keyword "{keyword}" is missing.'
    sentences = Counter(sentence.casefold() for block in text.prose for sentence in sentences_of(block))
    for sentence, count in sentences.items():
        if count > 1 and len(words_of(sentence)) >= SHORT_SENTENCE:
            yield f'A sentence is repeated: "{sentence[:80]}".'


def _sentence_findings(added: str | None, brief: TextBrief) -> Iterator[str]:
    if added is None:
        yield "The published article must stay as it is, but for one new sentence."
        return
    text = HtmlText.of(added)
    shortest, longest = SENTENCE_WORDS
    anchor = len(words_of(brief.link.anchor_text)) if brief.link else 0
    yield from _length_findings(len(words_of(text.text)), (shortest, longest + anchor))
    yield from _language_findings(text)


def _repetition_findings(added: str, earlier: Sequence[str]) -> Iterator[str]:
    if any(added.strip() in version for version in earlier[-RECENT_VERSIONS:]):
        yield "The sentence is that of an earlier version."


def _length_findings(words: int, limits: tuple[int, int]) -> Iterator[str]:
    if not limits[0] <= words <= limits[1]:
        yield f"The text has {words} words; {limits[0]} to {limits[1]} are allowed."


def _language_findings(text: HtmlText, keywords: Sequence[str] = ()) -> Iterator[str]:
    """Find paragraphs in other languages; the words of the link and uncommon ones of keywords show none."""
    ordered = set(words_of(" ".join(keywords))) - COMMON_WORDS
    for paragraph in (block.unlinked for block in text.blocks if not block.is_heading):
        letters = [character for character in paragraph if character.isalpha()]
        is_latin = sum(character.isascii() for character in letters) >= len(letters) * LATIN_SHARE
        plain = [word for word in _LOWER_CASE_WORD.findall(paragraph) if word not in ordered]
        is_judged = len(plain) >= LANGUAGE_WORDS
        if not is_latin or (is_judged and sum(word in COMMON_WORDS for word in plain) < len(plain) * COMMON_SHARE):
            yield f'A paragraph is not English: "{paragraph[:60]}".'


def _likeness_findings(*, another: float, itself: float) -> Iterator[str]:
    if another > LIKE_ANOTHER:
        yield f"The text is too much like another article ({another:.0%})."
    if itself > LIKE_ITSELF:
        yield f"The text hardly differs from an earlier version ({itself:.0%})."
