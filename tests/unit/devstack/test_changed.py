"""Which contracts `make test-fast` runs for a set of changed files."""

from pathlib import Path

import pytest

from devstack.home import ROOT
from tests.contracts.changed import changed_kinds, files_of, selection

SCENARIOS = {
    "purchase": ROOT / "tests/contracts/purchase.py",
    "put on sale": ROOT / "tests/contracts/put_on_sale.py",
    "transfer": ROOT / "tests/contracts/transfer.py",
    "refund": ROOT / "tests/contracts/refund.py",
}


def test_scenario_itself_selects_its_saga() -> None:
    assert changed_kinds([SCENARIOS["transfer"]], SCENARIOS) == ["transfer"]


def test_module_of_one_saga_selects_that_saga() -> None:
    others = {file for kind in ("put on sale", "transfer", "refund") for file in files_of(SCENARIOS[kind])}
    own = files_of(SCENARIOS["purchase"]) - others - {SCENARIOS["purchase"]}
    assert own
    for file in own:
        assert changed_kinds([file], SCENARIOS) == ["purchase"]


def test_shared_module_selects_the_purchase() -> None:
    shared = set.intersection(*(files_of(scenario) for scenario in SCENARIOS.values()))
    assert shared
    assert changed_kinds(shared, SCENARIOS) == ["purchase"]


@pytest.mark.parametrize("file", ["README.md", "users/app.py", "tests/contracts/no_such_file.py"])
def test_other_files_select_no_contract(file: str) -> None:
    assert changed_kinds([Path(ROOT / file)], SCENARIOS) == []


def test_selection_names_every_word_of_a_kind() -> None:
    assert selection(["put on sale", "refund"]) == "(put and on and sale) or (refund)"
