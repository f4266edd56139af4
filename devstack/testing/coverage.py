"""``python -m devstack.testing.coverage``: print each package's coverage, and fail if one is below its floor.

The floors are in pyproject.toml. A package's percentage is coverage.py's: lines and branches together.
"""

import io
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import NoDataError

from devstack.home import ROOT

__all__ = ["below_floor", "floors", "measured"]


def floors(pyproject: Path) -> dict[str, float]:
    """Return the minimum percentage of each package."""
    table: dict[str, float] = tomllib.loads(pyproject.read_text())["tool"]["ticketremaster"]["coverage-floors"]
    return table


def measured(package: str, coverage: Coverage) -> float:
    """Return the covered percentage of a package; 0 without data."""
    try:
        return coverage.report(include=[f"{package}/*"], file=io.StringIO())
    except NoDataError:
        return 0.0


def below_floor(figures: Mapping[str, float], wanted: Mapping[str, float]) -> list[str]:
    """Return the packages below their floors."""
    return [package for package, floor in wanted.items() if figures[package] < floor]


def main() -> int:
    coverage = Coverage()
    coverage.load()
    wanted = floors(ROOT / "pyproject.toml")
    figures = {package: measured(package, coverage) for package in wanted}
    below = below_floor(figures, wanted)
    for package, floor in wanted.items():
        mark = "  below its floor" if package in below else ""
        print(f"  {package:<13} {figures[package]:5.1f} %, floor {floor:.0f} %{mark}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
