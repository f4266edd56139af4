"""Every threat in the threat model names an existing test."""

import ast
import re
from typing import Final

import pytest

from tests.architecture.compose import ROOT

PAGE: Final = (ROOT / "docs/threat-model.md").read_text()
NAMED: Final = re.findall(r"`(tests/[\w/]+\.py)((?:::\w+)*)`", PAGE)
THREATS: Final = re.findall(r"^\| (\d) \| ([^|]+) \| [^|]+ \| ([^|]+) \|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize(("file", "names"), NAMED, ids=lambda each: each)
def test_named_test_exists(file: str, names: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    defined = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assert set(filter(None, names.split("::"))) <= defined


def test_every_threat_names_a_test() -> None:
    assert THREATS
    assert [threat for _, threat, shown_by in THREATS if "`tests/" not in shown_by] == []


def test_every_boundary_in_the_diagram_has_threats() -> None:
    assert {boundary for boundary, _, _ in THREATS} == set(re.findall(r"\|(\d): ", PAGE))
