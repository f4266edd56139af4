"""What a brief and the notes of a revision ask for, as far as the generator understands them."""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from common.html_text import HtmlText, words_of
from orchestrator.features.commissions.adapters.builtin.phrases import NOTES, PHRASES, TOPICS
from orchestrator.features.commissions.adapters.interfaces import TextBrief

__all__ = ["Tone", "Wishes", "wishes_of"]

Tone = Literal["plain", "lively", "casual"]

_CLAUSE: Final = re.compile(r"[.,;:!?\n]|\b(?:and|but|then|except)\b", re.IGNORECASE)
SECTIONS: Final = {"prices", "where"}
"""The sections that notes may ask to say more."""
GENERAL: Final = "general"
TOPICS_USED: Final = 2
SHORT: Final = 370
USUAL: Final = 460
LONG: Final = 560
"""Words."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """`words` is how long the text should be, `more` the sections that say more than usual."""

    tone: Tone
    words: int
    more: frozenset[str]
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """The words of the notes of one revision, in clauses that ask for more of something and in clauses that ask for less."""

    wanted: frozenset[str]
    unwanted: frozenset[str]

    @classmethod
    def of(cls, notes: str) -> "Request":
        clauses = [words_of(clause) for clause in _CLAUSE.split(notes)]
        wanted = {word for clause in clauses if not _asks_for_less(clause) for word in clause}
        unwanted = {word for clause in clauses if _asks_for_less(clause) for word in clause}
        return cls(frozenset(wanted), frozenset(unwanted))

    @property
    def more(self) -> set[str]:
        return {kind for kind, words in NOTES.items() if words & self.wanted}

    @property
    def less(self) -> set[str]:
        return {kind for kind, words in NOTES.items() if words & self.unwanted}


def wishes_of(brief: TextBrief) -> Wishes:
    """Read the subject from the brief and keywords, and the changes from all notes, of which later ones count more.

    The rest of both is ignored.
    """
    requests = [Request.of(notes) for notes in (*brief.earlier_notes, f"{brief.notes}\n{brief.review_notes}")]
    subject = set(words_of(f"{brief.brief} {' '.join(brief.keywords)}"))
    tone, words, more, asked, unwanted = _tone_of(brief.previous_html), USUAL, set[str](), list[str](), set[str]()
    for request in requests:
        tone = _tone(request.more, request.less) or tone
        words = _length(request.more, request.less) or words
        more = (more | request.more) - (request.less - request.more)
        asked = [*(name for name, named in TOPICS.items() if named & request.wanted), *asked]
        unwanted = (unwanted - request.wanted) | request.unwanted
    meant = [name for name, named in TOPICS.items() if named & subject]
    topics = [name for name in dict.fromkeys([*asked, *meant]) if not TOPICS[name] & unwanted]
    return Wishes(
        tone=tone or ("lively" if NOTES["lively"] & subject else "plain"),
        words=words,
        more=frozenset(more & SECTIONS),
        topics=tuple(dict.fromkeys([*topics, GENERAL]))[:TOPICS_USED],
    )


def _asks_for_less(clause: list[str]) -> bool:
    """Return whether a clause asks for less: "less formal", "too formal", but not "not lively enough"."""
    return "enough" not in clause and (bool(NOTES["less"] & set(clause)) or "too" in clause[:-1])


def _length(more: set[str], less: set[str]) -> int | None:
    """Return how many words the notes ask for."""
    if "shorter" in more or "longer" in less:
        return SHORT
    return LONG if "longer" in more or "shorter" in less else None


def _tone(more: set[str], less: set[str]) -> Tone | None:
    """Return the tone that the notes ask for."""
    if "lively" in more:
        return "lively"
    if "casual" in more or "formal" in less:
        return "casual"
    return "plain" if "formal" in more or less & {"lively", "casual"} else None


def _tone_of(previous_html: str) -> Tone | None:
    """Return the tone of the version before, by the sentences that only this tone has; the next version keeps it."""
    text = HtmlText.of(previous_html).text
    tones: tuple[Tone, ...] = get_args(Tone)
    for tone in tones:
        sentences = (sentence for place in (*PHRASES["opening"][tone], *PHRASES["closing"][tone]) for sentence in place)
        if any(sentence in text for sentence in sentences):
            return tone
    return None
