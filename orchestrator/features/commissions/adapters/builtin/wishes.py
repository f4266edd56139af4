"""What a brief and the notes of a revision ask for, as far as the generator understands them."""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from orchestrator.features.commissions.adapters.builtin.phrases import NOTES, PHRASES, TOPICS
from orchestrator.features.commissions.adapters.html_text import HtmlText, words_of
from orchestrator.features.commissions.adapters.interfaces import TextBrief

__all__ = ["Tone", "Wishes", "wishes_of"]

Tone = Literal["plain", "lively", "casual"]

_CLAUSE: Final = re.compile(r"[.,;:!?\n]|\b(?:and|but|then)\b", re.IGNORECASE)
SECTIONS: Final = {"prices", "where"}
"""The sections that notes may ask to say more."""
GENERAL: Final = "general"
TOPICS_USED: Final = 2


@dataclass(frozen=True, slots=True)
class Wishes:
    """`words` is how long the text should be, `more` the sections that say more than usual."""

    tone: Tone
    words: int
    more: frozenset[str]
    topics: tuple[str, ...]


def wishes_of(brief: TextBrief) -> Wishes:
    """Read the subject from the brief and keywords, and the changes from the notes; the rest of both is ignored."""
    clauses = [set(words_of(clause)) for clause in _CLAUSE.split(f"{brief.notes}\n{brief.review_notes}")]
    wanted = {word for clause in clauses if not NOTES["less"] & clause for word in clause}
    unwanted = {word for clause in clauses if NOTES["less"] & clause for word in clause}
    subject = set(words_of(f"{brief.brief} {' '.join(brief.keywords)}"))
    more, less = ({kind for kind, words in NOTES.items() if words & said} for said in (wanted, unwanted))
    asked = [name for name, words in TOPICS.items() if words & wanted]
    meant = [name for name, words in TOPICS.items() if words & subject and not words & unwanted]
    return Wishes(
        tone=_tone(more, less) or _tone_of(brief.previous_html) or ("lively" if NOTES["lively"] & subject else "plain"),
        words=370 if "shorter" in more or "longer" in less else 560 if "longer" in more or "shorter" in less else 460,
        more=frozenset(more & SECTIONS),
        topics=tuple(dict.fromkeys([*asked, *meant, GENERAL]))[:TOPICS_USED],
    )


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
