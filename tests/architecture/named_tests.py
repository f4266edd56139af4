"""The tables of the docs that name tests, and which of the named tests pytest can select."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from devstack.home import ROOT

__all__ = ["FAULTS", "THREATS", "Row", "not_selected", "shows"]

NOT_FOUND: Final = re.compile(r"^ERROR: (?:not found|file or directory not found): (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table. `claim` is its text: ``threat: mitigation``, or the fault."""

    boundary: str
    claim: str
    tests: tuple[str, ...]


def shows(named: str, test: str) -> bool:
    """Return whether a test is the named one, one of its cases, or in the named class or file."""
    return test == named or test.startswith((f"{named}::", f"{named}["))


def not_selected(names: Iterable[str]) -> list[str]:
    """Return the names that pytest does not select as they are written, with its other errors if there are any."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *sorted(set(names))]
    found = subprocess.run(  # noqa: S603 - our own tests
        command, cwd=ROOT, env=os.environ | {"COLUMNS": "1000"}, capture_output=True, text=True, check=False
    )
    missing = [name.removeprefix(f"{ROOT}/") for name in NOT_FOUND.findall(found.stdout + found.stderr)]
    return missing or ([found.stdout[-2_000:] + found.stderr] if found.returncode else [])


def _rows(page: str, header: str) -> list[Row]:
    """Read a table whose last column names tests."""
    text = (ROOT / "docs" / page).read_text()
    lines = text.partition(f"{header}\n")[2].partition("\n\n")[0].splitlines()[1:]
    rows = []
    for line in lines:
        *claim, tests = [cell.strip() for cell in line.strip("|").split(" | ")]
        boundary = claim.pop(0) if len(claim) > 1 else ""
        rows.append(Row(boundary=boundary, claim=": ".join(claim), tests=tuple(re.findall(r"`(tests/[^`]+)`", tests))))
    return rows


THREATS: Final = _rows("threat-model.md", "| boundary | threat | mitigation | shown by |")
FAULTS: Final = _rows("testing.md", "| fault or invariant | shown by |")
