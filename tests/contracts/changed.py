"""Find the sagas that have changed since the main branch.

A saga has changed if its scenario in `tests/contracts`, or a module that the scenario imports, differs from where the
branch left main, or is not committed. If more than two have changed, as after a change of the engine, only the purchase
is tested.
"""

import ast
import importlib.util
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from devstack.home import ROOT
from tests.contracts.scenarios import PREPARE

__all__ = ["changed_files", "changed_kinds", "files_of", "scenario_files", "selection"]

MAIN_BRANCHES: Final = ("main", "origin/main")
MOST_KINDS: Final = 2  # the contracts of one saga take 20 to 40 s
STANDS_FOR_ALL: Final = "purchase"


def changed_kinds(changed: Iterable[Path], scenarios: Mapping[str, Path]) -> list[str]:
    """Return the kinds of saga that these files affect; ``scenarios`` maps each kind to its scenario's file."""
    files = {file.resolve() for file in changed}
    kinds = [kind for kind, scenario in scenarios.items() if files & files_of(scenario)]
    return kinds if len(kinds) <= MOST_KINDS else [STANDS_FOR_ALL]


def files_of(scenario: Path) -> set[Path]:
    """Return the scenario's file and those of the modules that it imports."""
    names = [
        name
        for node in ast.walk(ast.parse(scenario.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    ]
    places = [ROOT.joinpath(*name.split(".")) for name in names]
    files = [place.with_suffix(".py") for place in places] + [place / "__init__.py" for place in places]
    return {scenario.resolve(), *(file for file in files if file.exists())}


def selection(kinds: Iterable[str]) -> str:
    """Return the expression for ``pytest -k``: a contract's id contains its kind, such as ``put on sale``."""
    return " or ".join(f"({' and '.join(kind.split())})" for kind in kinds)


def changed_files() -> list[Path]:
    bases = [base for branch in MAIN_BRANCHES if (base := _git("merge-base", "HEAD", branch, check=False))]
    names = _git("diff", "--name-only", bases[0] if bases else "HEAD")
    names += "\n" + _git("ls-files", "--others", "--exclude-standard")
    return [ROOT / name for name in names.split("\n") if name]


def scenario_files() -> dict[str, Path]:
    specs = {kind: importlib.util.find_spec(prepare.__module__) for kind, prepare in PREPARE.items()}
    return {kind: Path(spec.origin) for kind, spec in specs.items() if spec and spec.origin}


def _git(*arguments: str, check: bool = True) -> str:
    finished = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=check)  # noqa: S603, S607
    return finished.stdout.strip()
