"""Text that people write: one form for equal text, and what of it may be shown on a line."""

import unicodedata
from typing import Final

__all__ = ["is_same_text", "normalized", "one_line"]

# Sinhala, Persian and other scripts, and emoji, are written with the joiners U+200C and U+200D. Elsewhere than inside a word
# they are invisible.
JOINERS: Final = "\u200c\u200d"
# Cc control, Zl and Zp line and paragraph separators.
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
# Cf format (marks that change the direction among them), Cs surrogates.
_INVISIBLE: Final = frozenset({"Cf", "Cs"})


def normalized(text: str) -> str:
    """Return the text in NFC, so that equal text is equal however it was typed."""
    return unicodedata.normalize("NFC", text)


def is_same_text(one: str, other: str) -> bool:
    """Compare names of which one may be from a release that did not normalise."""
    return one == other or one_line(one) == one_line(other)


def one_line(text: str) -> str:
    """Return the text for a single line in NFC, without characters that break the line, hide, or change its direction."""
    words = "".join(map(_shown, normalized(text))).split()
    return " ".join(filter(None, (word.strip(JOINERS) for word in words)))


def _shown(character: str) -> str:
    if character in JOINERS:
        return character
    category = unicodedata.category(character)
    if category in _BREAKS:
        return " "
    return "" if category in _INVISIBLE else character
