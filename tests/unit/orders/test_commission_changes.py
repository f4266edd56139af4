"""The differences of two versions of a text."""

import pytest

from orders.commissions.changes import CUT, MOST_CHARACTERS, changes_of

TITLE = "Tonight"
BEFORE = "<h2>Getting there</h2><p>Doors open at seven. Come&nbsp;early!</p><ul><li>Tea</li></ul>"


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (BEFORE, []),
        ("<h2>Getting there</h2>\n<p>Doors <em>open</em> at seven.\nCome early!</p><ul><li>Tea</li></ul>", []),
        (BEFORE.replace("Tea", "Tea &lt;hot&gt;"), ["-Tea", "+Tea <hot>"]),
        (BEFORE.replace("seven", "six"), ["-Doors open at seven.", "+Doors open at six."]),
        (BEFORE.replace("Tea", '<a href="https://tea.example">Tea</a>'), ["+Tea: https://tea.example"]),
    ],
)
def test_sentences_that_differ_are_listed(after: str, changes: list[str]) -> None:
    lines = changes_of((TITLE, BEFORE), (TITLE, after)).splitlines()
    assert [line for line in lines if line[0] in "+-"] == changes


def test_new_title_is_a_change() -> None:
    assert "+Tomorrow" in changes_of((TITLE, BEFORE), ("Tomorrow", BEFORE)).splitlines()


def test_long_changes_are_cut_after_a_line() -> None:
    before, after = [" ".join(f"{word} {number}." for number in range(2_000)) for word in ("Before", "After")]

    changes = changes_of((TITLE, f"<p>{before}</p>"), (TITLE, f"<p>{after}</p>")).splitlines()

    assert changes[-1] == CUT
    assert changes[-2].endswith(".")
    assert MOST_CHARACTERS - 100 < sum(len(line) + 1 for line in changes) <= MOST_CHARACTERS + 2
