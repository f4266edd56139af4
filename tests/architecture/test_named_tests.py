"""docs/testing.md names at least one test for each fault, and all of them exist."""

import re

from devstack.home import ROOT
from tests.architecture.named_tests import is_a_test

PAGE = ROOT / "docs/testing.md"
TABLE = PAGE.read_text().partition("| fault or invariant | shown by |\n|---|---|\n")[2].partition("\n\n")[0]
LEAST_FAULTS = 20


def test_every_fault_has_a_test() -> None:
    rows = TABLE.splitlines()
    assert len(rows) >= LEAST_FAULTS
    assert [row for row in rows if not re.search(r"\| `tests/", row)] == []


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(tests/[^`]+)`", TABLE)
    assert [name for name in named if not is_a_test(name)] == []
