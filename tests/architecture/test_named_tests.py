"""The tables of docs/threat-model.md and docs/testing.md: every row names tests, and a deliberate bug that they catch."""

from collections import Counter

import pytest

from tests.architecture.named_tests import FAULTS, THREATS, Row, not_selected, shows
from tests.mutations.catalogue import MUTATIONS

ROWS = [*THREATS, *FAULTS]
LEAST_FAULTS = 20
LEAST_THREATS = 40

by_claim = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.claim)


def bugs_against(row: Row) -> set[str]:
    """Return the tests that catch a bug against the row."""
    return {test for mutation in MUTATIONS if row.claim in mutation.breaks for test in mutation.caught_by}


def test_tables_are_read() -> None:
    assert len(FAULTS) >= LEAST_FAULTS
    assert len(THREATS) >= LEAST_THREATS
    assert [claim for claim, times in Counter(row.claim for row in ROWS).items() if times > 1] == []


@by_claim
def test_row_names_tests_that_catch_its_bug(row: Row) -> None:
    caught_by = bugs_against(row)
    assert row.tests
    assert caught_by, "no deliberate bug breaks it"
    assert [test for test in caught_by if any(shows(named, test) for named in row.tests)], caught_by


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row.claim)
def test_each_test_of_a_mitigation_catches_its_bug(row: Row) -> None:
    """Faults have further tests, such as random runs, that need not find one certain bug."""
    caught_by = bugs_against(row)
    assert [named for named in row.tests if not any(shows(named, test) for test in caught_by)] == []


def test_bugs_name_existing_rows() -> None:
    claims = {row.claim for row in ROWS}
    assert {claim for mutation in MUTATIONS for claim in mutation.breaks} - claims == set()


def test_pytest_selects_every_named_test() -> None:
    in_tables = [test for row in ROWS for test in row.tests]
    assert not_selected([*in_tables, *(test for mutation in MUTATIONS for test in mutation.caught_by)]) == []
