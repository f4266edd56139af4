"""Which of the named tests have caught a bug, by pytest's report."""

import pytest

from tests.mutations.outcomes import Outcome, missed_by

CLASS = "tests/e2e/test_access.py::TestAccess"
TEST = f"{CLASS}::test_role"
REPORTED = "tests.e2e.test_access.TestAccess.test_role[GET /api/jobs.py::x]"


def outcome(*, failure: str | None = None, error: str | None = None) -> Outcome:
    return Outcome(test=REPORTED, failure=failure, error=error)


@pytest.mark.parametrize("name", ["tests/e2e/test_access.py", CLASS, TEST, f"{TEST}[GET /api/jobs.py::x]"])
def test_file_class_test_and_case_have_caught_what_the_case_caught(name: str) -> None:
    assert missed_by([name], [outcome(failure="assert 200 == 403")]) == []


@pytest.mark.parametrize("name", ["tests/e2e/test_acc.py", f"{TEST}s", f"{TEST}[GET /api/jobs]"])
def test_other_test_did_not_run(name: str) -> None:
    assert missed_by([name], [outcome(failure="assert 200 == 403")]) == [f"{name}: did not run"]


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        (outcome(), "passed"),
        (outcome(failure="KeyError: 'data'"), "KeyError: 'data'"),
        (outcome(error="ImportError: no"), "ImportError: no"),
    ],
)
def test_pass_or_another_error_is_a_miss(reported: Outcome, said: str) -> None:
    assert missed_by([TEST], [reported]) == [f"{TEST}: {said}"]


def test_violated_invariant_after_the_test_is_a_catch() -> None:
    assert missed_by([TEST], [outcome(error="devstack.invariants.InvariantsBroken: seat 1 has two owners")]) == []
