"""Equal text has one form, and what is shown on a line neither breaks it nor hides or turns anything."""

import pytest

from common.text import is_same_text, normalized, one_line

SINHALA = "ශ්\u200dරී ලංකා"
PERSIAN = "می\u200cخواهم"  # noqa: RUF001 - its letters
FAMILY = "👨\u200d👩\u200d👧"


def test_text_typed_apart_is_equal_to_text_typed_together() -> None:
    assert normalized("Cafe\u0301") == "Café"
    assert is_same_text("Salle E\u0301toile", "Salle Étoile")
    assert not is_same_text("Salle Etoile", "Salle Étoile")


@pytest.mark.parametrize("text", [SINHALA, PERSIAN, FAMILY, "ක්\u200dෂ", "Zoë ❤\ufe0f"])
def test_joiners_within_words_survive(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\x00c\td  e", "ab c d e"),
        ("Ann\r\nBcc: all@example.com", "Ann Bcc: all@example.com"),
        ("Ann\u2028Lee\u2029", "Ann Lee"),
        ("\ufeffAnn\u200b\u2066Lee\u2069\u00ad", "AnnLee"),
        ("\u200dAnn\u200c \u200d Lee", "Ann Lee"),
        ("\u200d\u200c", ""),
        ("Ann\ud800", "Ann"),
    ],
)
def test_control_and_invisible_characters_do_not(text: str, shown: str) -> None:
    assert one_line(text) == shown
