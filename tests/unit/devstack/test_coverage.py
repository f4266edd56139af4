"""How `make coverage` evaluates a measurement."""

import runpy
from pathlib import Path

import pytest
from coverage import Coverage

from devstack.home import ROOT
from devstack.testing.coverage import below_floor, floors, measured

PACKAGES = ("common", "users", "orders", "events", "inventory", "orchestrator", "gateway")


def test_each_package_of_the_platform_has_a_floor() -> None:
    assert floors(ROOT / "pyproject.toml").keys() >= set(PACKAGES)


def test_package_below_its_floor_is_named() -> None:
    assert below_floor({"users": 89.9, "orders": 90.0}, {"users": 90, "orders": 90}) == ["users"]


def test_package_is_measured_by_its_lines_and_branches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.py").write_text("a = 1\nb = 2\nif not a:\n    c = 3\n    d = 4\n    e = 5\n")
    monkeypatch.chdir(tmp_path)
    coverage = Coverage(data_file=None, config_file=False, branch=True, source=["."], messages=False)
    with coverage.collect():
        runpy.run_path("half/run.py")
    assert measured("half", coverage) == pytest.approx(100 * (3 + 1) / (6 + 2))
    assert measured("never-run", coverage) == 0
