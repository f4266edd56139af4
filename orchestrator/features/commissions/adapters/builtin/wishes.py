"""What a brief and the notes of a revision ask for, as far as the generator understands them."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from orchestrator.features.commissions.adapters.builtin.phrases import NOTES, TOPICS
from orchestrator.features.commissions.adapters.html_text import words_of
from orchestrator.features.commissions.adapters.interfaces import TextBrief

__all__ = ["Tone", "Wishes", "wishes_of"]

Tone = Literal["plain", "lively", "casual"]

_CLAUSE: Final = re.compile(r"[.,;:!?\n]|\b(?:and|but|then)\b", re.IGNORECASE)
TOPICS_USED: Final = 2
GENERAL: Final = "general"


@dataclass(frozen=True, slots=True)
class Wishes:
    """`words` is how long the text should be, `more` the sections that say more than usual."""

    tone: Tone
    words: int
    more: frozenset[str]
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the notes, by whether they ask for something or against it, and those of the brief."""

    wanted: set[str]
    unwanted: set[str]
    subject: set[str]

    def ask_for(self, kind: str) -> bool:
        return bool(NOTES[kind] & self.wanted)

    def ask_against(self, kind: str) -> bool:
        return bool(NOTES[kind] & self.unwanted)


def wishes_of(brief: TextBrief) -> Wishes:
    """Read the subject from the brief and keywords, and the changes from the notes; the rest of both is ignored."""
    clauses = [set(words_of(clause)) for clause in _CLAUSE.split(f"{brief.notes}\n{brief.review_notes}")]
    words = _Words(
        wanted={word for clause in clauses if not NOTES["less"] & clause for word in clause},
        unwanted={word for clause in clauses if NOTES["less"] & clause for word in clause},
        subject=set(words_of(f"{brief.brief} {' '.join(brief.keywords)}")),
    )
    more = frozenset(section for section in ("prices", "where") if words.ask_for(section))
    return Wishes(tone=_tone(words), words=_length(words), more=more, topics=_topics(words))


def _tone(words: _Words) -> Tone:
    if words.ask_for("lively"):
        return "lively"
    if words.ask_for("casual") or words.ask_against("formal"):
        return "casual"
    if words.ask_for("formal") or words.ask_against("lively") or words.ask_against("casual"):
        return "plain"
    return "lively" if NOTES["lively"] & words.subject else "plain"


def _length(words: _Words) -> int:
    if words.ask_for("shorter") or words.ask_against("longer"):
        return 370
    return 560 if words.ask_for("longer") or words.ask_against("shorter") else 460


def _topics(words: _Words) -> tuple[str, ...]:
    """Return the topics that the notes name, then those of the brief, then a general one."""
    asked = [name for name, named in TOPICS.items() if named & words.wanted]
    meant = [name for name, named in TOPICS.items() if named & words.subject and not named & words.unwanted]
    return tuple(dict.fromkeys([*asked, *meant, GENERAL]))[:TOPICS_USED]
