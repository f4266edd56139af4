"""The threat model's table covers the boundaries of its diagram; `test_named_tests` checks its tests."""

import re

from devstack.home import ROOT
from tests.architecture.named_tests import THREATS


def test_every_boundary_in_the_diagram_has_threats() -> None:
    page = (ROOT / "docs/threat-model.md").read_text()
    assert {row.boundary for row in THREATS} == set(re.findall(r"\|(\d): ", page))
